/**
 * An operator at a local instance, for end-to-end tests of rollouts: the command line in this process, the maps as
 * everybody can dump them, and many questions at once to the front socket and to `explain`, over kept connections.
 */
import { Agent, request as httpRequest } from "node:http";
import { join } from "node:path";
import { z } from "zod";
import { openMaps, readDump, type OpenMaps } from "../../scripts/cli/maps-dump.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { spreadAt } from "../../scripts/local/spread.ts";
import { ExplainSchema } from "../../src/contracts/api/operations.ts";
import { StatusSchema } from "../../src/contracts/api/status.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { runCli, type CliRun } from "./cli.ts";

const HOST = "127.0.0.1";
const AT_ONCE = 32;
const TIMEOUT_MS = 20_000;

export const TickSchema = z.object({
  now: z.number(),
  advanced: z.boolean(),
  happened: z.array(z.string()),
  generation: z.number(),
});

export interface Operator {
  cli(...argv: string[]): Promise<CliRun>;
  /** The JSON of a verb that must succeed. Throws with its own words otherwise. */
  json<T>(schema: z.ZodType<T>, ...argv: string[]): Promise<T>;
  tick(at: string): Promise<z.infer<typeof TickSchema>>;
  /** Resolves when everything is published and the first node serves it. */
  seen(): Promise<void>;
  /** The published maps, checked as an edge checks them. */
  maps(): Promise<OpenMaps>;
  /** Writes of the control plane to KV so far, by the kind of key. */
  written(): Promise<Readonly<Record<string, number>>>;
  /** Who answers for each host at the first node: `PRODUCT/VERSION` as the origin itself says it, else the status. */
  answers(hosts: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** What `explain` says for each host, as `PRODUCT/VERSION`. */
  explained(hosts: readonly string[]): Promise<ReadonlyMap<string, string>>;
  stop(): void;
}

/** @param folder where dumps may be written. */
export function createOperator(
  instance: Instance,
  { state, folder }: { readonly state: string; readonly folder: string },
): Operator {
  const port = instance.ports[0] ?? 0;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const env = { FIREBREAK_URL: `http://localhost:${port}`, FIREBREAK_TOKEN: "dev" };
  const cli: Operator["cli"] = (...argv) => runCli(argv, { env });
  const json: Operator["json"] = async (schema, ...argv) => {
    const { code, out, err } = await cli(...argv, "--json");
    if (code !== 0) throw new Error(`${argv.join(" ")}: ${err}${out}`);
    return schema.parse(JSON.parse(out));
  };
  const explain = async (host: string): Promise<z.infer<typeof ExplainSchema>> =>
    ExplainSchema.parse(
      await instance.admin.must({ method: "GET", path: `explain?host=${encodeURIComponent(host)}` }),
    );
  return {
    cli,
    json,
    tick: (at) => json(TickSchema, "tick", "--at", at, "--state", state),
    seen: () =>
      spreadAt(instance, async () => {
        const { published } = StatusSchema.parse(
          await instance.admin.must({ method: "GET", path: "status" }),
        );
        return (await explain("nobody.kiln.localhost")).generation === published.generation;
      }),
    async maps() {
      const file = join(folder, "maps.ndjson");
      const { code, err } = await cli("maps", "dump", "--out", file);
      if (code !== 0) throw new Error(err);
      const { maps, findings } = openMaps(await readDump(file));
      if (maps === null || findings.length > 0) throw new Error(JSON.stringify(findings));
      return maps;
    },
    written: async () => (await instance.nodes.act(1, { action: "state" })).written,
    answers: (hosts) =>
      each(hosts, async (host) => {
        const { status, version } = await get({ agent, port, host });
        return version ?? String(status);
      }),
    explained: (hosts) =>
      each(hosts, async (host) => {
        const { product, version } = await explain(host);
        return `${product ?? ""}/${version ?? ""}`;
      }),
    stop: () => agent.destroy(),
  };
}

/** Asks about every host, a few at once. */
async function each(
  hosts: readonly string[],
  ask: (host: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const answers = new Map<string, string>();
  const left = [...hosts];
  const worker = async (): Promise<void> => {
    for (let host = left.pop(); host !== undefined; host = left.pop()) answers.set(host, await ask(host));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}

interface Asked {
  readonly agent: Agent;
  readonly port: number;
  readonly host: string;
}

function get({ agent, port, host }: Asked): Promise<{ status: number; version: string | null }> {
  return new Promise((resolve, reject) => {
    const options = { agent, port, host: HOST, path: "/", timeout: TIMEOUT_MS, headers: { Host: host } };
    const asked = httpRequest(options, (response) => {
      const version = response.headers["demo-version"];
      response.resume();
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, version: typeof version === "string" ? version : null }),
      );
    });
    asked.on("timeout", () => asked.destroy(new Error(`${host} was not answered within ${TIMEOUT_MS} ms`)));
    asked.on("error", reject);
    asked.end();
  });
}

/** The version that these maps give an account of a product; throws when they give none. */
export function versionOf(maps: OpenMaps, product: string, account: string): string {
  const { root, breakGlass } = maps;
  const row = maps.find(account);
  const decision = decideVersion({ root, breakGlass, product, slug: account, row, override: null });
  if (decision.kind !== "forward") throw new Error(`${account} of ${product} is ${decision.kind}`);
  return decision.version;
}
