/**
 * A schema change over 2,000 accounts on a real local instance: the new version must not serve an account in the same
 * minutes as the old one, its hooks are the example that teams copy, seven of them fail and three never answer, and all
 * accounts write all the time. Judged by the two versions' own stores: who wrote what, when, and what came along.
 * KV of a local run does not lag, so settling is told to take three seconds; everything else takes the time it takes.
 */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, it } from "vitest";
import { z } from "zod";
import { hostOf, prepareSchemaChange, type SchemaChange } from "../../scripts/drill/schema-change.ts";
import { totalOf } from "../../scripts/local/demo/account-data.ts";
import type { DemoOrigin } from "../../scripts/local/demo/origin.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { LeftBehindAccountSchema } from "../../src/contracts/api/rollout-plan.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { createOperator, type Operator } from "../support/local-operator.ts";
import { request, sendRaw, type RawAnswer } from "../support/raw-http.ts";

const ACCOUNTS = Array.from({ length: 2000 }, (_, index) => `shop-${index}`);
const BAD = Array.from({ length: 10 }, (_, index) => `shop-${index * 150}`);
const FAILS = new Map(BAD.slice(0, 7).map((account) => [account, "its attachments have no owner"]));
const HANGS = new Set(BAD.slice(7));
const SETTLE_SECONDS = 2;
const SETTLE = settlingFor(SETTLE_SECONDS * 1000);
const WITHIN_MS = 240_000;

const state = makeStateFolder();
let instance: Instance;
let operator: Operator;
let change: SchemaChange;

beforeAll(async () => {
  instance = await startTestInstance({ nodes: 2, state, settleSeconds: SETTLE_SECONDS });
  operator = createOperator(instance, { state, folder: state });
  change = await prepareSchemaChange(instance, {
    accounts: ACCOUNTS,
    takesMs: 20,
    fails: FAILS,
    hangs: HANGS,
    withinMs: WITHIN_MS,
  });
}, 120_000);
afterAll(async () => {
  operator?.stop();
  await change?.stop();
  await instance?.stop();
  rmSync(state, { recursive: true, force: true });
});

/** The hold page of one account as a browser, a program and git see it. */
async function holdPages(account: string): Promise<readonly RawAnswer[]> {
  const ask = (path: string, ...headers: string[]): Promise<RawAnswer> =>
    sendRaw({
      port: instance.ports[0] ?? 0,
      bytes: request(`GET ${path} HTTP/1.1`, `Host: ${hostOf(account)}`, ...headers),
    });
  return Promise.all([
    ask("/", "Accept: text/html,application/xhtml+xml"),
    ask("/api/things", "Accept: application/json"),
    ask("/repo.git/info/refs?service=git-upload-pack", "User-Agent: git/2.47.0"),
  ]);
}

describe("a schema change of 2,000 accounts", () => {
  it("moves 1,990, leaves ten with their reasons, and never lets both versions write in one settling", async ({
    expect,
  }) => {
    const { home, target, tickUntil, show, rollout } = change;
    const load = change.startWriting();
    await tickUntil("everybody to have written", async () =>
      home.data.accounts().filter((account) => account.startsWith("shop-")).length === ACCOUNTS.length
        ? true
        : null,
    );
    await change.begin();
    const held = await tickUntil("hooks to run", async () => {
      const batch = (await show()).data?.held;
      return batch?.stage === "calling" ? batch : null;
    });
    const [html, json, text] = await holdPages("shop-1");
    const done = await tickUntil("the wave to bake", async () => {
      const view = await show();
      return view.phase === "baking" ? view : null;
    });
    // Everybody is served again, and has written once more.
    const since = Date.now();
    const writesSince = (origin: DemoOrigin, account: string): boolean =>
      (origin.data.read(account).lastMs ?? 0) > since;
    await tickUntil("everybody to write again", async () =>
      ACCOUNTS.every((account) => writesSince(BAD.includes(account) ? home : target, account)) ? true : null,
    );
    const tallies = [...(await load.stop()).values()];

    expect(tallies.flatMap(({ faults }) => faults)).toEqual([]);
    expect(tallies.reduce((sum, { outcomes }) => sum + (outcomes.get("503") ?? 0), 0)).toBeGreaterThan(0);
    expect([html?.status, json?.status, text?.status]).toEqual([503, 503, 503]);
    expect(html?.header("content-type")).toContain("text/html");
    expect(json?.header("content-type")).toContain("json");
    expect(text?.header("content-type")).toContain("text/plain");

    expect([done.moved, done.data?.failed, done.data?.held]).toEqual([1990, 10, null]);
    const bound = (Date.parse(held.endsBy) - Date.parse(held.heldAt)) / 1000;
    expect(done.data?.longestHoldSeconds).toBeLessThan(bound);
    const left = await operator.json(
      z.object({ items: z.array(LeftBehindAccountSchema) }),
      "rollout",
      "left-behind",
      rollout,
      "--all",
    );
    const shops = left.items.filter(({ account }) => account.startsWith("shop-"));
    expect(shops.map(({ account }) => account).sort()).toEqual(BAD.toSorted());
    for (const { account, detail } of shops)
      expect(detail).toContain(
        FAILS.has(account) ? "its attachments have no owner" : "did not answer in time",
      );

    // By the stores of the two versions themselves.
    const [moved, stayed] = [ACCOUNTS.filter((account) => !BAD.includes(account)), BAD];
    const gaps = moved.map((account) => {
      const [before, after] = [home.data.read(account), target.data.read(account)];
      return { account, gapMs: (after.firstMs ?? 0) - (before.lastMs ?? 0) };
    });
    expect(gaps.filter(({ gapMs }) => gapMs < SETTLE.leastMs)).toEqual([]);
    const lost = moved.filter(
      (account) => target.data.read(account).migrated !== totalOf(home.data.read(account)),
    );
    expect(lost).toEqual([]);
    expect(stayed.filter((account) => totalOf(target.data.read(account)) > 0)).toEqual([]);
    expect(stayed.filter((account) => target.data.read(account).migrated !== null)).toEqual([]);
  }, 300_000);
});
