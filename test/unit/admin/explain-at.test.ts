/** Other times, through the API: over a real control plane and its KV, so that what is told is what was published. */
import { describe, it } from "vitest";
import type { MapsReader } from "../../../src/adapters/maps-reader/types.ts";
import { AccountHistorySchema, type AccountHistory } from "../../../src/contracts/api/history.ts";
import type { ModeInput } from "../../../src/contracts/api/fleet.ts";
import { ExplainSchema, type Explain } from "../../../src/contracts/api/operations.ts";
import { makeSnapshot } from "../../../src/adapters/maps-reader/snapshots.ts";
import { aheadNotes } from "../../../src/admin/explain-at-words.ts";
import { buildAdmin, CONFIG } from "../../support/admin-builders.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, readMaps, versionFor, type World } from "../../support/control-world.ts";
import { at, FRIDAY, MINUTE, PLAN, prepareRollouts, tick } from "../../support/rollout-world.ts";

const ACCOUNTS = Array.from({ length: 30 }, (_unused, n) => `account-${n}`);
const PARIS_NIGHT = at("2026-11-27T21:05:00Z");
const iso = (ms: number): string => new Date(ms).toISOString();

/** This node's reader, on what the world has published. */
function readerOf(world: World): MapsReader {
  const view = (): MapsReader["current"] extends (request: never) => infer R ? Awaited<R> : never => {
    const { root } = readMaps(world.kv.values);
    const maps = { text: "", root, index: [], urgent: new Map() };
    return makeSnapshot({ maps, newest: maps, source: "kv", breakGlass: null }, CONFIG.fallback);
  };
  return {
    current: () => view(),
    renew: async () => view(),
    row: (_snapshot, key) => {
      const row = readMaps(world.kv.values).find(key);
      return row === null ? { kind: "absent" } : { kind: "row", row, stale: false };
    },
    generation: () => view().generation,
    isWaking: () => false,
    ageMs: () => 0,
  };
}

interface Asking {
  readonly world: World;
  readonly call: (path: string) => Promise<Response>;
  readonly explain: (account: string, ms: number, more?: string) => Promise<Explain>;
  readonly moves: (account: string, query?: string) => Promise<AccountHistory>;
}

async function prepare(): Promise<Asking> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
  const admin = buildAdmin({ real: world.control, kv: world.kv.values, maps: readerOf(world) });
  const call = (path: string): Promise<Response> => admin.call(`/api/v1${path}`);
  return {
    world,
    call,
    explain: async (account, ms, more = "") =>
      ExplainSchema.parse(
        await (await call(`/explain?host=${account}.kiln.example.com&at=${iso(ms)}${more}`)).json(),
      ),
    moves: async (account, query = "") =>
      AccountHistorySchema.parse(await (await call(`/accounts/${account}/history${query}`)).json()),
  };
}

async function start(world: World): Promise<void> {
  await must(world, "rollout.create", { id: "autumn", input: PLAN });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await tick(world, FRIDAY + MINUTE);
}

/** Takes the copies of older roots out of KV, as collection does after a week. */
function dropCopies({ kv }: World): void {
  for (const key of kv.values.keys()) if (key.startsWith("root/")) kv.values.delete(key);
}

describe("explain of the past", () => {
  it("says what was published then, from the kept copies and, when they are gone, from the record", async ({
    expect,
  }) => {
    const { world, explain } = await prepare();
    const recorded: [ms: number, versions: string[]][] = [];
    const versions = (): string[] => {
      const maps = readMaps(world.kv.values);
      return ACCOUNTS.map((account) => versionFor(maps, "kiln", account));
    };
    recorded.push([world.clock.now, versions()]);
    await start(world);
    recorded.push([world.clock.now, versions()]);
    for (const minute of [0, 2, 4]) {
      await tick(world, PARIS_NIGHT + minute * MINUTE);
      recorded.push([world.clock.now, versions()]);
    }
    expect(new Set(recorded.flatMap(([, all]) => all))).toEqual(new Set(["1", "2"]));
    await tick(world, PARIS_NIGHT + 60 * MINUTE);
    for (const source of ["kept-maps", "history"]) {
      for (const [ms, all] of recorded) {
        for (const [index, account] of ACCOUNTS.slice(0, 12).entries()) {
          const told = await explain(account, ms);
          expect([account, told.version, told.at?.source]).toEqual([account, all[index], source]);
        }
      }
      dropCopies(world);
    }
  });

  it("is certain once a change has spread, and names both answers while it does", async ({ expect }) => {
    const { world, explain } = await prepare();
    await must(world, "version.state.set", {
      product: "kiln",
      version: "2",
      input: { state: "live", reason: "t" },
    });
    await tick(world, FRIDAY + 10 * MINUTE);
    const quarantine = { version: "2", reason: "search fails" };
    await must(world, "account.quarantine.set", { account: "account-1", product: "kiln", input: quarantine });
    await tick(world, FRIDAY + 11 * MINUTE);
    await tick(world, FRIDAY + 30 * MINUTE);
    const soon = await explain("account-1", FRIDAY + 11.5 * MINUTE);
    expect(soon).toMatchObject({ version: "2", reason: "quarantine", at: { certainty: "spreading" } });
    expect(soon.at?.others).toMatchObject([{ version: "1", reason: "home" }]);
    expect(soon.sentence).toContain("some edges may have answered otherwise: 1, by home");
    expect((await explain("account-1", FRIDAY + 20 * MINUTE)).at).toMatchObject({
      certainty: "certain",
      others: [],
    });
    // Others were not concerned, so for them there never was a doubt.
    expect((await explain("account-2", FRIDAY + 11.5 * MINUTE)).at?.certainty).toBe("certain");
  });

  it("knows who served the product then, from the kept copies and from the record", async ({ expect }) => {
    const { world, explain } = await prepare();
    await tick(world, FRIDAY + 10 * MINUTE);
    const origin = "https://fleet.origins.example.net";
    const setMode = async (minute: number, input: Omit<ModeInput, "reason">): Promise<void> => {
      await must(world, "product.mode.set", {
        product: "kiln",
        input: { ...input, reason: "t" },
        known: null,
      });
      for (const more of [0, 1, 10]) await tick(world, FRIDAY + (minute + more) * MINUTE);
    };
    await setMode(11, { mode: "pass-through", origin });
    await setMode(31, { mode: "compare", versionHeader: "X-Version" });
    await setMode(51, { mode: "active" });
    for (const source of ["kept-maps", "history"]) {
      const told = async (minute: number): Promise<unknown> => {
        const {
          version,
          origin: to,
          reason,
          at: time,
        } = await explain("account-1", FRIDAY + minute * MINUTE);
        return [version, to === origin, reason, time?.source, time?.certainty];
      };
      expect(await told(10)).toEqual(["1", false, "home", source, "certain"]);
      expect(await told(20)).toEqual([null, true, "pass-through", source, "certain"]);
      expect(await told(40)).toEqual([null, true, "compare", source, "certain"]);
      expect(await told(60)).toEqual(["1", false, "home", source, "certain"]);
      dropCopies(world);
    }
    const spreading = await explain("account-1", FRIDAY + 11.5 * MINUTE);
    expect(spreading.at?.others).toMatchObject([{ version: "1", reason: "home" }]);
    expect(spreading.sentence).toContain("goes to today's fleet");
  });

  it("counts break-glass as ticks saw it, and says so", async ({ expect }) => {
    const { world, explain } = await prepare();
    await tick(world, FRIDAY + 10 * MINUTE);
    const document = {
      reason: "2 is needed now",
      expires: iso(FRIDAY + 60 * MINUTE),
      accounts: { "account-3": { kiln: "2" } },
    };
    world.kv.values.set("break-glass", JSON.stringify(document));
    for (const minute of [20, 21, 120]) await tick(world, FRIDAY + minute * MINUTE);
    const during = await explain("account-3", FRIDAY + 30 * MINUTE);
    expect(during).toMatchObject({ version: "2", reason: "break-glass" });
    expect(during.at?.notes.join(" ")).toContain("once a minute");
    expect(await explain("account-3", FRIDAY + 90 * MINUTE)).toMatchObject({ version: "1", reason: "home" });
    const before = await explain("account-3", FRIDAY + 15 * MINUTE);
    expect(before).toMatchObject({ version: "1", at: { certainty: "spreading" } });
  });

  it("refuses what cannot be known, with the earliest time that can", async ({ expect }) => {
    const { world, call } = await prepare();
    const early = await call("/explain?host=account-1.kiln.example.com&at=2020-01-01T00:00:00Z");
    const { detail, earliest } = (await early.json()) as { detail: string; earliest: string };
    expect([early.status, detail]).toEqual([404, expect.stringContaining("the record begins at 2026-11-2")]);
    expect((await call(`/explain?host=account-1.kiln.example.com&at=${earliest}`)).status).toBe(200);
    const past = iso(world.clock.now - MINUTE);
    const odd = await call(`/explain?host=account-1.kiln.example.com&at=${past}&rollout=autumn`);
    expect([odd.status, await odd.text()]).toEqual([400, expect.stringContaining("times ahead")]);
  });

  it("tells classes that need no maps as they were", async ({ expect }) => {
    const { world, call } = await prepare();
    await tick(world, FRIDAY + 60 * MINUTE);
    const ask = async (query: string): Promise<Explain> =>
      ExplainSchema.parse(await (await call(`/explain?${query}&at=${iso(FRIDAY + 30 * MINUTE)}`)).json());
    expect(await ask("method=OPTIONS")).toMatchObject({ class: "none", reason: "health" });
    expect(await ask("host=nobody.kiln.example.com")).toMatchObject({ version: "1", reason: "default" });
    expect(await ask("host=elsewhere.example")).toMatchObject({ reason: "misdirected" });
  });
});

describe("explain of what is ahead", () => {
  it("expects the minute at which ticks then move the account, and promises no more", async ({ expect }) => {
    const { world, explain } = await prepare();
    await start(world);
    const waiting = ACCOUNTS.find(
      (account) => versionFor(readMaps(world.kv.values), "kiln", account) === "1",
    );
    if (waiting === undefined) throw new Error("everybody has moved");
    const far = await explain(waiting, FRIDAY + 3 * 24 * 60 * MINUTE);
    expect(far).toMatchObject({ version: "2", reason: "rollout", at: { certainty: "expected" } });
    expect(far.sentence).toMatch(/^If all goes as planned, at 2026-11-30/);
    expect(far.sentence).toContain(far.at?.move?.at.local ?? "?");
    expect(far.at?.notes.join(" ")).toMatch(/Preflight of fogbugz 2 and kiln 2 must pass/);
    const moveMs = at(far.at?.move?.at.utc ?? "");
    expect((await explain(waiting, moveMs - 1)).version).toBe("1");
    expect((await explain(waiting, moveMs)).version).toBe("2");
    await must(world, "account.pin.set", {
      account: waiting,
      product: "kiln",
      input: { version: "1", reason: "t", expires: null },
    });
    const pinned = await explain(waiting, FRIDAY + 3 * 24 * 60 * MINUTE);
    expect(pinned).toMatchObject({ version: "1", at: { move: null } });
    expect(pinned.at?.notes.join(" ")).toContain("it is pinned");
  });

  it("looks at a draft when asked, and says when nothing is planned", async ({ expect }) => {
    const { world, explain, call } = await prepare();
    const ahead = FRIDAY + 30 * 24 * 60 * MINUTE;
    const none = await explain("account-1", ahead);
    expect(none).toMatchObject({ version: "1", reason: "home", at: { move: null } });
    expect(none.at?.notes.join(" ")).toContain("No rollout of kiln is running");
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    const draft = await explain("account-1", ahead, "&rollout=autumn");
    expect(draft).toMatchObject({
      version: "2",
      at: { move: { rollout: "autumn", zone: "America/New_York" } },
    });
    const unknown = await call(`/explain?host=account-1.kiln.example.com&at=${iso(ahead)}&rollout=winter`);
    expect(unknown.status).toBe(404);
  });
});

describe("what is said besides of times ahead", () => {
  it("names what stands now and may not then", ({ expect }) => {
    const standing = { product: "kiln", breakGlass: true, replacing: true };
    expect(aheadNotes(null, standing)).toEqual([
      "A break-glass document is in force now; it is counted until it expires.",
      "A replacement is under way; it is counted as it stands now.",
      expect.stringContaining("does not depend on any rollout"),
    ]);
  });
});

describe("the moves of an account", () => {
  it("are told with why, who and which rollout, newest first, in pages", async ({ expect }) => {
    const { world, moves } = await prepare();
    await start(world);
    const first = ACCOUNTS.find((account) => versionFor(readMaps(world.kv.values), "kiln", account) === "2");
    if (first === undefined) throw new Error("nobody has moved");
    await must(world, "account.quarantine.set", {
      account: first,
      product: "kiln",
      input: { version: "1", reason: "search fails" },
    });
    await tick(world, FRIDAY + 30 * MINUTE);
    const all = await moves(first);
    expect(all.items.filter(({ product }) => product === "kiln")).toMatchObject([
      { from: "2", to: "1", why: "quarantine", by: "the-admin", reason: "search fails", rollout: null },
      { from: "1", to: "2", why: "rollout", by: "the-admin", rollout: "autumn" },
      { from: null, to: "1", why: "recorded" },
    ]);
    expect(all.cursor).toBeNull();
    const page = await moves(first, "?limit=1&product=kiln");
    const rest = await moves(first, `?limit=5&product=kiln&cursor=${page.cursor ?? ""}`);
    expect([...page.items, ...rest.items]).toEqual(all.items.filter(({ product }) => product === "kiln"));
  });

  it("are those of a rollback as well, and refused for somebody unknown", async ({ expect }) => {
    const { world, moves, call } = await prepare();
    await start(world);
    await must(world, "rollout.rollback", { id: "autumn", input: { reason: "errors", confirmed: true } });
    for (const minute of [3, 4, 5]) await tick(world, FRIDAY + minute * MINUTE);
    const { items } = await moves("account-0", "?product=kiln");
    expect(items.map(({ why, rollout, reason }) => [why, rollout, reason])).toEqual([
      ["rolled-back", "autumn", "errors"],
      ["rollout", "autumn", null],
      ["recorded", null, null],
    ]);
    expect((await call("/accounts/nobody/history")).status).toBe(404);
  });
});
