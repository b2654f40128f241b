/** What a request gets, and why: for every kind of Host, on the maps this node serves. */
import { describe, it } from "vitest";
import type { RowLookup } from "../../../src/adapters/maps-reader/types.ts";
import { breakGlass } from "../../support/maps-builders.ts";
import type { Explain } from "../../../src/contracts/api/operations.ts";
import { ExplainSchema } from "../../../src/contracts/api/operations.ts";
import {
  type AdminParts,
  buildAdmin,
  buildReplacingRoot,
  buildRoot,
  buildRow,
  buildSnapshot,
  NOW_MS,
} from "../../support/admin-builders.ts";

const row = (changes: Parameters<typeof buildRow>[0] = {}): RowLookup => ({
  kind: "row",
  row: buildRow(changes),
  stale: false,
});
const ROWS: Record<string, RowLookup> = {
  acme: row(),
  pinned: row({ key: "pinned", slug: "pinned", pins: { kiln: "2.8.0" } }),
  away: row({ key: "away", slug: "away", quarantine: { kiln: "2.8.0" } }),
  held: row({ key: "held", slug: "held", hold: { mode: "page", message: null, until: null } }),
  reading: row({ key: "reading", slug: "reading", hold: { mode: "readOnly", message: null, until: null } }),
  "other-product": row({ key: "other-product", slug: "other-product", homes: { fogbugz: "8.8.0" } }),
  broken: { kind: "unresolved" },
  lost: row({ key: "lost", slug: "lost", homes: { kiln: "1.0.0" } }),
  "code.acme.example": row({ key: "code.acme.example", product: "kiln" }),
  "broken.example": { kind: "unresolved" },
};

async function ask(query: string, parts: AdminParts = {}): Promise<Explain> {
  const response = await buildAdmin({ rows: ROWS, ...parts }).call(`/api/v1/explain${query}`);
  return ExplainSchema.parse(await response.json());
}

const host = (name: string, method = "GET"): string => `?host=${encodeURIComponent(name)}&method=${method}`;

describe("explain", () => {
  it.for([
    [
      "acme.kiln.example.com",
      { class: "account", product: "kiln", account: "acme", version: "2.9.0", reason: "home" },
    ],
    ["ACME.kiln.example.com.:8443", { account: "acme", version: "2.9.0", reason: "home" }],
    ["pinned.kiln.example.com", { version: "2.8.0", reason: "pin" }],
    ["away.kiln.example.com", { version: "2.8.0", reason: "quarantine" }],
    ["held.kiln.example.com", { account: "held", version: null, reason: "hold" }],
    ["reading.kiln.example.com", { account: "reading", version: "2.9.0", reason: "hold" }],
    ["nobody.kiln.example.com", { class: "account", account: null, version: "2.8.0", reason: "default" }],
    ["other-product.kiln.example.com", { account: null, version: "2.8.0", reason: "default" }],
    ["a.b.kiln.example.com", { class: "unknown", account: null, version: "2.8.0", reason: "default" }],
    ["kiln.example.com", { class: "apex", account: null, version: "2.8.0", reason: "default" }],
    ["code.acme.example", { class: "custom-domain", account: "acme", version: "2.9.0", reason: "home" }],
    ["broken.kiln.example.com", { account: "broken", version: null, origin: null, reason: "unresolved" }],
    ["lost.kiln.example.com", { account: "lost", version: null, reason: "unresolved" }],
    ["broken.example", { class: "foreign", version: null, reason: "unresolved" }],
    ["elsewhere.example", { class: "foreign", product: null, reason: "misdirected" }],
    ["admin.example.com", { class: "admin", reason: "admin" }],
    ["192.0.2.1", { class: "ip", reason: "health" }],
    ["", { class: "none", reason: "health" }],
    ["a, b", { class: "malformed", reason: "bad-byte" }],
    ["acme%2ekiln.example.com", { class: "malformed", reason: "bad-byte" }],
    ["ａcme.kiln.example.com", { class: "malformed", reason: "bad-byte" }],
    ["acme..kiln.example.com", { class: "malformed", reason: "empty-label" }],
    ["\u0000", { class: "malformed", reason: "bad-byte" }],
    ["constructor.kiln.example.com", { account: null, version: "2.8.0", reason: "default" }],
  ] as const)("says what GET with Host %j gets", async ([name, expected], { expect }) => {
    const answer = await ask(host(name));
    expect(answer).toMatchObject({ host: name, generation: 42, ...expected });
    expect(answer.sentence).toMatch(/^GET with (?:no Host|Host ".*") (?:is|goes) .*\.$/su);
  });

  it("tells a missing Host from nothing asked: both are health, as at the edge", async ({ expect }) => {
    expect(await ask("")).toMatchObject({ class: "none", reason: "health", host: "" });
    expect(await ask("?method=POST")).toMatchObject({ class: "none", reason: "host-missing" });
  });

  it.for([
    ["acme.kiln.example.com", { class: "account", version: "2.9.0" }],
    ["elsewhere.example", { class: "foreign", reason: "health" }],
    ["code.acme.example", { class: "foreign", reason: "health" }],
    ["kiln.example.com", { class: "apex", reason: "health" }],
    ["", { class: "none", reason: "health" }],
    ["a b", { class: "malformed", reason: "bad-byte" }],
  ] as const)("says what OPTIONS with Host %j gets", async ([name, expected], { expect }) => {
    expect(await ask(host(name, "OPTIONS"))).toMatchObject(expected);
  });

  it("tells break-glass", async ({ expect }) => {
    const breakGlass = {
      reason: "2.9.0 loses mail",
      expires: NOW_MS + 1000,
      written: 0,
      instead: { kiln: { "2.9.0": "2.8.0" } },
      default: {},
      accounts: {},
      hold: { accounts: {}, products: {} },
      halt: false,
      holdGeneration: null,
    };
    const answer = await ask(host("acme.kiln.example.com"), { snapshot: buildSnapshot({ breakGlass }) });
    expect(answer).toMatchObject({ version: "2.8.0", reason: "break-glass" });
    expect(answer.sentence).toContain("in place of 2.9.0, because the break-glass document says so");
  });

  it("names the version that a replacement takes the place of, and leaves the default alone", async ({
    expect,
  }) => {
    const snapshot = buildSnapshot({
      root: buildReplacingRoot([{ from: "2.8.0", to: "2.9.0", salt: "s", below: 10_000 }]),
    });
    const rows = { acme: row({ homes: { kiln: "2.8.0" } }) };
    const answer = await ask(host("acme.kiln.example.com"), { snapshot, rows });
    expect(answer).toMatchObject({ version: "2.9.0", replaced: "2.8.0", reason: "home" });
    expect(answer.sentence).toContain(
      "goes to kiln 2.9.0, in place of 2.8.0, which is being replaced, because that is its home",
    );
    const nobody = await ask(host("nobody.kiln.example.com"), { snapshot });
    expect(nobody).toMatchObject({ version: "2.8.0", reason: "default" });
    expect(nobody.replaced).toBeUndefined();
  });

  it("tells a rollout that moved the account", async ({ expect }) => {
    const root = buildRoot({
      rollouts: [{ id: "r", salt: "s", targets: { kiln: "2.8.0" }, moved: [10_000], held: [10_000] }],
    });
    const rows = { acme: row({ group: 0 }) };
    expect(
      await ask(host("acme.kiln.example.com"), { snapshot: buildSnapshot({ root }), rows }),
    ).toMatchObject({ version: "2.8.0", reason: "rollout" });
  });

  it("says what break-glass makes of a row, or of maps, that cannot be read", async ({ expect }) => {
    const page = { mode: "page", message: null, until: null } as const;
    const document = breakGlass({ accounts: { acme: { kiln: "2.9.0" } }, default: { kiln: "2.9.0" } });
    const unread = buildAdmin({
      snapshot: buildSnapshot({ breakGlass: document }),
      rows: { acme: { kind: "unresolved" }, beta: { kind: "unresolved" } },
    });
    const acme = await unread.call("/api/v1/explain?host=acme.kiln.example.com");
    expect(await acme.json()).toMatchObject({ account: "acme", version: "2.9.0", reason: "break-glass" });
    const beta = await unread.call("/api/v1/explain?host=beta.kiln.example.com");
    expect(await beta.json()).toMatchObject({ account: "beta", version: null, reason: "unresolved" });
    const held = breakGlass({ hold: { accounts: {}, products: { kiln: page } } });
    const nothing = buildAdmin({
      snapshot: buildSnapshot({ source: "fallback", root: null, generation: 0, breakGlass: held }),
    });
    const answer = await nothing.call("/api/v1/explain?host=acme.kiln.example.com");
    expect(await answer.json()).toMatchObject({ origin: null, version: null, reason: "break-glass" });
  });

  it("answers from the compiled-in fallback when there are no maps", async ({ expect }) => {
    const snapshot = buildSnapshot({ source: "fallback", root: null, generation: 0 });
    const config = {
      fallback: { kiln: { domains: ["kiln.example.com"], origin: "https://today.example.net" } },
    };
    expect(await ask(host("acme.kiln.example.com"), { snapshot, config })).toMatchObject({
      origin: "https://today.example.net",
      reason: "fallback",
      version: null,
    });
    expect(await ask(host("acme.kiln.example.com"), { snapshot })).toMatchObject({
      origin: null,
      reason: "unresolved",
    });
    expect(await ask(host("code.acme.example"), { snapshot })).toMatchObject({ reason: "unresolved" });
  });

  it("takes at=now and refuses what is no time, with what one looks like", async ({ expect }) => {
    expect((await ask(`${host("acme.kiln.example.com")}&at=now`)).version).toBe("2.9.0");
    const response = await buildAdmin().call("/api/v1/explain?host=a&at=yesterday");
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining("2026-11-28T22:14:00Z"),
    ]);
  });
});
