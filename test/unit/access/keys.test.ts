/**
 * The keys of Cloudflare Access, from a real server: asked for at most once a minute whoever asks, kept when they cannot be
 * had, and never in the way of tokens and sessions.
 */
import { describe, it } from "vitest";
import { KEYS_BELIEVED_MS, KEYS_EVERY_MS, KEYS_RENEWED_AFTER_MS } from "../../../src/adapters/access-keys.ts";
import { startTeam, type Team } from "../../support/access-team.ts";
import { NOW_MS } from "../../support/admin-builders.ts";
import { createDashboardWorld, type DashboardWorld } from "../../support/dashboard-world.ts";
import { refusedEntry, refusedIn } from "../../support/refused-entries.ts";

const ALICE = "alice@example.com";

interface Behind {
  readonly team: Team;
  readonly made: DashboardWorld;
  readonly come: (assertion: string) => Promise<number>;
  readonly later: (ms: number) => void;
}

async function behind(run: (at: Behind) => Promise<void>): Promise<void> {
  const clock = { nowMs: NOW_MS };
  const team = await startTeam(clock);
  try {
    const made = await createDashboardWorld(undefined, team);
    made.admin.clock.nowMs = NOW_MS;
    const path = `/api/v1/access/${ALICE}`;
    await made.admin.call(path, { method: "PUT", json: { role: "operator" } });
    await run({
      team,
      made,
      come: async (assertion) => {
        const headers = { "cf-access-jwt-assertion": assertion, "cf-connecting-ip": "192.0.2.7" };
        return (await made.admin.call("/api/v1/whoami", { token: null, headers })).status;
      },
      later: (ms) => {
        clock.nowMs += ms;
        made.admin.clock.nowMs = clock.nowMs;
      },
    });
  } finally {
    await team.stop();
  }
}

describe("the keys of Access", () => {
  it("are asked for once by however many come at the same time", ({ expect }) =>
    behind(async ({ team, come }) => {
      const good = await team.sign(ALICE);
      const statuses = await Promise.all(Array.from({ length: 50 }, () => come(good)));
      expect([new Set(statuses), team.fetches()]).toEqual([new Set([200]), 1]);
    }));

  it("are not asked for by a flood of unknown key ids, which the audit has, and which keeps nobody out", ({
    expect,
  }) =>
    behind(async ({ team, made, come, later }) => {
      const good = await team.sign(ALICE);
      expect(await come(good)).toBe(200);
      const flood = async (n: number): Promise<Set<number>> => {
        const made_up = Array.from(
          { length: n },
          (_, at) => team.sign(ALICE, { header: { kid: `x${at}` } }),
          60_000,
        );
        return new Set(await Promise.all(made_up.map(async (token) => come(await token))));
      };
      expect(await flood(60)).toEqual(new Set([401, 429]));
      expect(team.fetches()).toBe(1);
      later(KEYS_EVERY_MS);
      await flood(60);
      expect(team.fetches()).toBe(2);
      expect(await come(good)).toBe(200);
      const token = await made.admin.call("/api/v1/whoami", { headers: { "cf-connecting-ip": "192.0.2.7" } });
      expect(token.status).toBe(200);
      expect(await refusedEntry(made, "refused.access-unknown-key")).toBeDefined();
      expect((await refusedIn(made)).length).toBeLessThan(10);
    }));

  it("are asked for again by a token of a new key, and one that was withdrawn stops counting", ({ expect }) =>
    behind(async ({ team, come, later }) => {
      const old = await team.sign(ALICE);
      expect(await come(old)).toBe(200);
      later(KEYS_EVERY_MS);
      const next = await team.rotate();
      expect(await come(await team.sign(ALICE, { key: next }))).toBe(200);
      expect(team.fetches()).toBe(2);
      team.answer = { status: 200, body: JSON.stringify({ keys: [next.shown] }) };
      later(KEYS_RENEWED_AFTER_MS);
      const longLived = { claims: { exp: NOW_MS / 1000 + 10_000_000 } };
      // The request that finds them old is answered with them, the next one with the new.
      await come(await team.sign(ALICE, { key: next, ...longLived }));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await come(await team.sign(ALICE, { key: { ...next, kid: "key-1" }, ...longLived }))).toBe(401);
      expect(team.fetches()).toBe(3);
    }));

  it.for([
    ["it answers 500", { status: 500, body: "{}" }],
    ["it answers a page", { status: 200, body: "<html>" }],
    ["it answers no keys", { status: 200, body: '{"keys":[]}' }],
    ["it answers something else", { status: 200, body: '{"keys":"none"}' }],
    ["it sends elsewhere", { status: 302, body: "" }],
    ["it answers without end", { status: 200, body: "x".repeat(200_000) }],
  ] as const)(
    "cannot be had when %s: 503 for Access alone, and well again after a minute",
    ([, answer], { expect }) =>
      behind(async ({ team, made, come, later }) => {
        const browser = await made.signedIn();
        team.answer = answer;
        const good = await team.sign(ALICE);
        expect([await come(good), await come(good), team.fetches()]).toEqual([503, 503, 1]);
        expect((await made.admin.call("/api/v1/whoami")).status).toBe(200);
        expect((await browser.get("/")).status).toBe(200);
        team.answer = null;
        later(KEYS_EVERY_MS - 1);
        expect([await come(good), team.fetches()]).toEqual([503, 1]);
        later(1);
        expect([await come(good), team.fetches()]).toEqual([200, 2]);
        expect(await refusedIn(made)).toEqual([]);
      }),
  );

  it("serve on for a day when new ones cannot be had", ({ expect }) =>
    behind(async ({ team, come, later }) => {
      const claims = { exp: NOW_MS / 1000 + 10_000_000 };
      const good = await team.sign(ALICE, { claims });
      expect(await come(good)).toBe(200);
      team.answer = { status: 503, body: "" };
      later(KEYS_BELIEVED_MS - 1);
      expect(await come(good)).toBe(200);
      // What nobody knows may be a new key, so nobody is told that it is wrong.
      expect(await come(await team.sign(ALICE, { header: { kid: "new" } }))).toBe(503);
      later(1);
      expect(await come(good)).toBe(503);
    }));

  it(
    "that never come keep a request for seconds, and a token not at all",
    ({ expect }) =>
      behind(async ({ team, made, come }) => {
        team.answer = "hang";
        const waiting = come(await team.sign(ALICE));
        expect((await made.admin.call("/api/v1/whoami")).status).toBe(200);
        expect(await waiting).toBe(503);
      }),
    15_000,
  );
});
