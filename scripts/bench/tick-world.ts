/**
 * A control plane in workerd with a rollout under way, for the measurement of ticks: so many accounts over so many groups,
 * one product, two versions at an origin that answers well. KV is memory; SQLite is the object's own, on disk. One
 * Miniflare each, so that the sides of a benchmark share nothing but the machine.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { z } from "zod";
import { PreflightSettingsSchema } from "../../src/contracts/api/preflight.ts";
import { ProductInputSchema, VersionInputSchema } from "../../src/contracts/api/products.ts";
import { RolloutInputSchema } from "../../src/contracts/api/rollouts.ts";
import { bundleEntry } from "../local/bundle.ts";
import { ZONE_WEIGHTS } from "../local/demo/zones.ts";
import { cpuMsOf, findStarted } from "./cpu-time.ts";
import type { Numbers } from "./row.ts";

const ENTRY = "scripts/bench/worker/tick-entry.ts";
const HOST = "127.0.0.1";
const ZONES = 50;
const MINUTE_MS = 60_000;
const PUBLISHED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 50;
/** The smallest step of a threshold a minute: the rollout lasts for longer than anybody measures. */
const PERCENT_PER_MINUTE = 0.5;

export interface TickWorld {
  /** Ticks minute after minute, after as many that are too old to do anything. */
  ticks(count: number): Promise<Numbers>;
  stop(): Promise<void>;
}

const AnswerSchema = z.union([z.object({ value: z.unknown() }), z.object({ error: z.string() })]);
const ResultSchema = z.union([
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: z.object({ detail: z.string() }) }),
]);
const StatusSchema = z.object({ published: z.object({ state: z.string(), waiting: z.number() }) });
const RolloutSchema = z.object({ phase: z.string(), reason: z.string(), moved: z.number() });
const AskedSchema = z.object({
  statements: z.number(),
  rowsRead: z.number(),
  rowsWritten: z.number(),
  happened: z.number(),
});

type Ask = (call: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** @throws when the rollout does not get under way. */
export async function startTickWorld(size: Size): Promise<TickWorld> {
  const control = await startControl(size);
  try {
    return { ...(await begin(control)), stop: () => control.stop() };
  } catch (error) {
    await control.stop();
    throw error;
  }
}

export interface Size {
  readonly accounts: number;
  readonly groups: number;
}

/** A control plane with accounts that are published, and two versions to move them between. */
export interface Control {
  /** Processor time that its workerd has used; null: not known. */
  cpuMs(): number | null;
  /** Calls `worker/tick-entry.ts`. */
  ask(call: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** @throws what the control plane refuses. */
  execute(name: string, input: object): Promise<unknown>;
  query(name: string, input: object): Promise<unknown>;
  /** Resolves when everything is in KV. */
  published(): Promise<void>;
  stop(): Promise<void>;
}

export async function startControl(size: Size): Promise<Control> {
  const script = await bundleEntry(ENTRY);
  const origin = await startOrigin();
  const { port } = origin.address() as AddressInfo;
  const { started: miniflare, pid } = await findStarted(() => startMiniflare(script));
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    origin.closeAllConnections();
    await new Promise((resolve) => origin.close(resolve));
  };
  const ask: Ask = async (call) => {
    const body = JSON.stringify(call);
    const response = await miniflare.dispatchFetch("http://bench.invalid/", { method: "POST", body });
    const answer = AnswerSchema.parse(await response.json());
    if ("error" in answer) throw new Error(answer.error);
    return answer.value;
  };
  const control: Control = { ...createCalls(ask), cpuMs: () => cpuMsOf(pid), stop };
  try {
    await prepareVersions((name, input) => control.execute(name, input), `http://${HOST}:${port}`);
    const zones = ZONE_WEIGHTS.slice(0, ZONES).map(([zone]) => zone);
    await ask({ call: "import", accounts: size.accounts, zones, cohorts: size.groups / ZONES });
    await control.published();
    return control;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startMiniflare(script: string): Promise<Miniflare> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script,
      compatibilityDate: "2026-10-01",
      durableObjects: { CONTROL: { className: "ControlPlane", useSQLite: true } },
      kvNamespaces: ["MAPS"],
      bindings: createVars(),
    }),
  );
  await miniflare.ready;
  return miniflare;
}

function createVars(): Record<string, string> {
  return {
    ADMIN_HOST: "admin.bench.invalid",
    FALLBACK: JSON.stringify({ kiln: { domains: ["kiln.bench.invalid"] } }),
    ORIGIN_ALLOW: `http://${HOST}:*`,
    TRUSTED_PROXY: "none",
    FLIP_DELAY_SECONDS: "0",
    BREAK_GLASS: "",
    ADMIN_TOKENS: "bench:admin:bench-admin-token",
    OVERRIDE_KEYS: "bench:bench-override-key-0001",
  };
}

/** Answers everything as a healthy version does. */
async function startOrigin(): Promise<Server> {
  const headers = { Allow: "GET, HEAD, OPTIONS", "Access-Control-Allow-Origin": "*" };
  const server = createServer({ requireHostHeader: false }, (_request, response) => {
    response.writeHead(200, headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return server;
}

function createCalls(ask: Ask): Omit<Control, "cpuMs" | "stop"> {
  const actor = { name: "bench", role: "admin", products: null };
  const result = (value: unknown): unknown => {
    const parsed = ResultSchema.parse(value);
    if (!parsed.ok) throw new Error(parsed.error.detail);
    return parsed.value;
  };
  const execute = async (name: string, input: object): Promise<unknown> =>
    result(
      await ask({ call: "execute", args: [name, input, { actor, ifMatch: null, idempotencyKey: null }] }),
    );
  const query = async (name: string, input: object): Promise<unknown> =>
    result(await ask({ call: "query", args: [name, input] }));
  const published = async (): Promise<void> => {
    const until = Date.now() + PUBLISHED_WITHIN_MS;
    for (;;) {
      const { state, waiting } = StatusSchema.parse(await query("status", { seen: [] })).published;
      if (state === "idle" && waiting === 0) return;
      if (Date.now() > until) throw new Error(`not published in ${PUBLISHED_WITHIN_MS} ms: ${state}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  };
  return { ask, execute, query, published };
}

async function begin(control: Control): Promise<Pick<TickWorld, "ticks">> {
  await prepareRollout((name, input) => control.execute(name, input));
  await control.published();

  let nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  const tick = async (count: number): Promise<z.infer<typeof AskedSchema>> => {
    const at = Array.from({ length: count }, (_, index) => nowMs + (index + 1) * MINUTE_MS);
    nowMs = at.at(-1) ?? nowMs;
    return AskedSchema.parse(await control.ask({ call: "ticks", at }));
  };
  await tick(2);
  const { phase, reason } = RolloutSchema.parse(await control.query("rollout", { id: "bench" }));
  if (phase !== "shifting") throw new Error(`the rollout is ${phase}: ${reason}`);
  return {
    async ticks(count) {
      const oldMs = await timed(() =>
        control.ask({ call: "ticks", at: Array.from({ length: count }, () => nowMs - MINUTE_MS) }),
      );
      let asked: z.infer<typeof AskedSchema> | null = null;
      const cpuBefore = control.cpuMs();
      const ms = await timed(async () => {
        asked = await tick(count);
      });
      const cpuMs = (control.cpuMs() ?? ms) - (cpuBefore ?? 0);
      await control.published();
      const { rowsRead, rowsWritten, statements } = AskedSchema.parse(asked);
      return {
        "tick ms": ms / count,
        "work ms": cpuMs / count,
        "old tick ms": oldMs / count,
        "rows read": rowsRead / count,
        "rows written": rowsWritten / count,
        statements: statements / count,
      };
    },
  };
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await body();
  return performance.now() - from;
}

type Execute = (name: string, input: object) => Promise<unknown>;

async function prepareVersions(execute: Execute, origin: string): Promise<void> {
  const product = "kiln";
  const domains = ["kiln.bench.invalid"];
  await execute("product.put", { product, input: ProductInputSchema.parse({ domains }) });
  for (const version of ["1", "2"]) {
    const input = VersionInputSchema.parse({ origin, reversible: true, mixed: "ok" });
    await execute("version.put", { product, version, input });
  }
  await execute("version.state.set", {
    product,
    version: "2",
    input: { state: "candidate", reason: "bench" },
  });
  const settings = PreflightSettingsSchema.parse({ syntheticAccount: "account-0" });
  await execute("preflight.settings.set", { product, input: settings });
}

/** One wave of everybody, in a window that is open by each account's own clock. */
async function prepareRollout(execute: Execute): Promise<void> {
  const windows = [{ from: "00:00", to: "23:59", zone: "account" }];
  await execute("window.put", { name: "always", windows });
  const all = { name: "all", cohorts: ["*"], percent: 100, percentPerMinute: PERCENT_PER_MINUTE };
  const input = { id: "bench", targets: { kiln: "2" }, waves: [{ ...all, window: "always" }] };
  await execute("rollout.create", { id: "bench", input: RolloutInputSchema.parse(input) });
  await execute("rollout.start", { id: "bench", input: { again: false } });
}
