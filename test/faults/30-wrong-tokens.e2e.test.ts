/**
 * Experiment 30 over the wire: whether the time of a refusal tells how near a wrong token is to a right one. Two classes in an
 * order drawn at random, over one kept connection to the built Worker on workerd and its real control plane: a right token
 * with its last characters drawn at random, and all of them so. Addresses change before they would be slowed.
 * As in `token-timing.test.ts` one quiet run of three decides; what the comparison of digests alone tells is studied there.
 */
import { randomBytes, randomInt } from "node:crypto";
import { Agent, request } from "node:http";
import { afterAll, beforeAll, describe, it } from "vitest";
import { startNodes, type Nodes } from "../../scripts/local/nodes.ts";
import { MAX_FAILURES } from "../../src/admin/failure-limiter.ts";
import { inForm } from "../support/form.ts";
import { compareTimes, type Comparison } from "../support/welch.ts";

const BOOTSTRAP = "d".repeat(48);
const TRIES = inForm({ short: 2000, long: 100_000 });
const WARM_UP = 400;
const P_MIN = 0.01;
const RUNS = 3;
const TIMEOUT_MS = inForm({ short: 120_000, long: 1_800_000 });

let nodes: Nodes;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
beforeAll(async () => {
  nodes = await startNodes({
    nodes: 1,
    port: 0,
    storage: null,
    vars: {
      ADMIN_HOST: "localhost",
      FALLBACK: '{"kiln":{"domains":["kiln.localhost"]}}',
      ADMIN_TOKENS: `dev:admin:${BOOTSTRAP}`,
      TRUSTED_PROXY: "1",
    },
    log: () => undefined,
  });
});
afterAll(async () => {
  agent.destroy();
  await nodes?.stop();
});

interface Answer {
  readonly status: number;
  readonly ms: number;
}

/** From the first byte sent to the last received. */
function ask(token: string, address: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { Host: "localhost", Authorization: `Bearer ${token}`, "X-Forwarded-For": address };
    const from = process.hrtime.bigint();
    const asked = request(
      { agent, host: "127.0.0.1", port: nodes.ports[0], path: "/api/v1/whoami", headers },
      (response) => {
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            ms: Number(process.hrtime.bigint() - from) / 1_000_000,
          }),
        );
        response.resume();
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/** A token of the form of those that are handed out. */
async function createToken(name: string): Promise<string> {
  const answer = await fetch(`http://localhost:${nodes.ports[0]}/api/v1/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${BOOTSTRAP}`, "content-type": "application/json" },
    body: JSON.stringify({ name, role: "viewer" }),
  });
  return ((await answer.json()) as { token: string }).token;
}

/** How many characters at its end a near token has wrong. */
const WRONG_END = 8;

/** Both classes, made alike: each is new, since what was asked before lies in caches, and takes the same work here. */
function guess(token: string): readonly [near: string, far: string] {
  const drawn = randomBytes(token.length).toString("hex").slice(0, token.length);
  return [token.slice(0, -WRONG_END) + drawn.slice(-WRONG_END), drawn];
}

let asked = 0;
/** Refuses `tries` of both classes. @returns milliseconds of each, near ones first. */
async function refuse(token: string, tries: number): Promise<readonly [number[], number[]]> {
  const times: [number[], number[]] = [[], []];
  for (let n = 0; n < tries; n += 1) {
    const which = randomInt(2);
    const block = Math.floor((asked += 1) / (MAX_FAILURES - 1));
    const address = `10.${(block >> 16) & 255}.${(block >> 8) & 255}.${block & 255}`;
    const { status, ms } = await ask(guess(token)[which] ?? "", address);
    if (status !== 401) throw new Error(`answered ${status} after ${asked} tries`);
    times[which === 0 ? 0 : 1].push(ms);
  }
  return times;
}

describe("a wrong token over the wire", () => {
  it.for(["of the configuration", "of the control plane"])(
    "tells nothing by the time of its refusal: near a right one %s, or not",
    { timeout: TIMEOUT_MS },
    async (kind, { expect, annotate }) => {
      const token = kind === "of the configuration" ? BOOTSTRAP : await createToken("reader");
      expect((await ask(token, "10.255.255.255")).status).toBe(200);
      await refuse(token, WARM_UP);
      const runs: Comparison[] = [];
      while (runs.length < RUNS && (runs.at(-1)?.p ?? 0) <= P_MIN)
        runs.push(compareTimes(...(await refuse(token, TRIES))));
      const told = runs.map(
        ({ difference, error, p }) =>
          `${(1000 * difference).toFixed(1)} ± ${(1000 * error).toFixed(1)} µs (p ${p.toFixed(3)})`,
      );
      await annotate(`${TRIES} refusals a run, near less far: ${told.join(", ")}`);
      expect(Math.max(...runs.map(({ p }) => p))).toBeGreaterThan(P_MIN);
    },
  );
});
