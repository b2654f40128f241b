/** Comparisons with today's fleet on their way: what an isolate adds up, what a meter keeps, what several meters say. */
import { describe, it } from "vitest";
import { createFleetCounter, type FleetAnswer } from "../../../src/adapters/fleet-counts.ts";
import { createFleetReader } from "../../../src/adapters/fleet-meters.ts";
import { METERS } from "../../../src/adapters/meters.ts";
import {
  MAX_FLEET_DIFFERENCES,
  MAX_KEPT_DIFFERENCES,
  type FleetReport,
} from "../../../src/contracts/fleet.ts";
import type { Db } from "../../../src/control/db.ts";
import { createFleetTables, readFleet, recordFleet } from "../../../src/control/meter-fleet.ts";
import { createMemoryDb } from "../../support/control-db.ts";

const DAY = 24 * 60 * 60 * 1000;

function answer(account: string | null, ours: string | null, theirs: string | null): FleetAnswer {
  const outcome =
    theirs === null ? "unnamed" : ours === null ? "undecided" : ours === theirs ? "agree" : "differ";
  return { product: "kiln", run: "kiln/7", account, compared: { outcome, ours, theirs } };
}

function meterDb(): Db {
  const db = createMemoryDb();
  createFleetTables(db);
  return db;
}

function report(changes: Partial<FleetReport> = {}): FleetReport {
  const counts = { agree: 0, differ: 0, unnamed: 0, undecided: 0, forgotten: 0 };
  return { product: "kiln", run: "kiln/7", ...counts, accounts: [], ...changes };
}

const differing = (count: number, from = 0): FleetReport["accounts"] =>
  Array.from({ length: count }, (_unused, n) => ({
    account: `a${n + from}`,
    ours: "2",
    theirs: "1",
    requests: 1,
  }));

describe("the counter of an isolate", () => {
  it("adds up by comparison, and names who differed with the last versions seen", ({ expect }) => {
    const counter = createFleetCounter();
    expect(counter.take()).toEqual([]);
    for (const one of [
      answer("acme", "2", "2"),
      answer("beta", "2", "1"),
      answer("beta", "3", "1"),
      answer(null, "2", "1"),
      answer("acme", null, "1"),
      answer("acme", "2", null),
    ])
      counter.add(one);
    expect(counter.take()).toEqual([
      {
        product: "kiln",
        run: "kiln/7",
        agree: 1,
        differ: 3,
        unnamed: 1,
        undecided: 1,
        forgotten: 0,
        accounts: [
          { account: "beta", ours: "3", theirs: "1", requests: 2 },
          { account: "", ours: "2", theirs: "1", requests: 1 },
        ],
      },
    ]);
    expect(counter.take()).toEqual([]);
  });

  it("keeps a bounded number of accounts and counts the rest", ({ expect }) => {
    const counter = createFleetCounter();
    for (let n = 0; n < MAX_FLEET_DIFFERENCES + 50; n++) counter.add(answer(`a${n}`, "2", "1"));
    const [taken] = counter.take();
    expect(taken?.accounts.length).toBe(MAX_FLEET_DIFFERENCES);
    expect([taken?.differ, taken?.forgotten]).toEqual([MAX_FLEET_DIFFERENCES + 50, 50]);
  });
});

describe("a meter", () => {
  it("adds reports up and brings accounts up to date", ({ expect }) => {
    const db = meterDb();
    recordFleet(db, [report({ agree: 5, differ: 1, accounts: differing(1) })], 1000);
    const later = [{ account: "a0", ours: "2", theirs: "3", requests: 4 }];
    recordFleet(db, [report({ agree: 1, differ: 4, accounts: later })], 2000);
    expect(readFleet(db, "kiln/7")).toEqual({
      agree: 6,
      differ: 5,
      unnamed: 0,
      undecided: 0,
      forgotten: 0,
      accounts: [{ account: "a0", ours: "2", theirs: "3", requests: 5, lastAt: 2000 }],
    });
    expect(readFleet(db, "kiln/8").agree).toBe(0);
  });

  it("keeps a bounded number of accounts of each comparison, known ones always", ({ expect }) => {
    const db = meterDb();
    for (let from = 0; from < MAX_KEPT_DIFFERENCES + 200; from += 200)
      recordFleet(db, [report({ differ: 200, accounts: differing(200, from) })], 1000);
    recordFleet(db, [report({ differ: 2, accounts: [...differing(1), ...differing(1, 999_999)] })], 2000);
    const kept = readFleet(db, "kiln/7");
    expect([kept.accounts.length, kept.forgotten]).toEqual([MAX_KEPT_DIFFERENCES, 201]);
    expect(kept.accounts.find(({ account }) => account === "a0")?.lastAt).toBe(2000);
  });

  it("forgets comparisons that nobody has reported to for a month", ({ expect }) => {
    const db = meterDb();
    recordFleet(db, [report({ differ: 1, accounts: differing(1) })], 0);
    recordFleet(db, [report({ run: "kiln/9" })], 31 * DAY);
    expect(readFleet(db, "kiln/7")).toMatchObject({ differ: 0, accounts: [] });
  });
});

describe("several meters", () => {
  it("say the sum, and of one account the last word", async ({ expect }) => {
    const dbs = Array.from({ length: METERS }, meterDb);
    const [first, second] = dbs;
    if (first === undefined || second === undefined) throw new Error("there are meters");
    recordFleet(first, [report({ agree: 3, differ: 1, accounts: differing(1) })], 2000);
    const older = [{ account: "a0", ours: "9", theirs: "9x", requests: 2 }];
    recordFleet(second, [report({ differ: 2, accounts: older })], 1000);
    const read = createFleetReader((name) => {
      const db = dbs[Number(name.split("-")[1])];
      return db === undefined ? null : { fleet: async (run) => readFleet(db, run) };
    });
    expect(await read("kiln/7")).toMatchObject({
      agree: 3,
      differ: 3,
      accounts: [{ account: "a0", ours: "2", theirs: "1", requests: 3, lastAt: 2000 }],
    });
  });

  it("say nothing when one does not answer", async ({ expect }) => {
    await expect(createFleetReader(() => null)("kiln/7")).rejects.toThrow("METER");
  });
});
