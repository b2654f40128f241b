/** Draining: what a version still waits for, since when it may be switched off, and what the meters know of it. */
import { describe, it } from "vitest";
import { createUseReader, type VersionUse } from "../../../src/adapters/use-meters.ts";
import { TELEMETRY_SCHEMA, type EdgeReport, type OpenCount } from "../../../src/contracts/telemetry.ts";
import { createOpenTable, readUse, recordOpen } from "../../../src/control/meter-open.ts";
import { createTables } from "../../../src/control/metering/schema.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  createWorld,
  must,
  settle,
  valueOf,
  type World,
} from "../../support/control-world.ts";

const MINUTE = 60_000;

interface Measured {
  use: VersionUse | null;
}

/** Two live versions; `2` drains, and nobody was ever on it. */
async function start(measured: Measured): Promise<World> {
  const world = createWorld({ db: createMemoryDb(), use: async () => measured.use });
  await addProducts(world);
  await addAccount(world, "acme");
  await settle(world);
  await must(world, "version.state.set", {
    product: "kiln",
    version: "2",
    input: { state: "draining", reason: "t" },
  });
  return world;
}

async function shownAfter(world: World, minutes: number) {
  await world.control.tick(world.clock.now + minutes * MINUTE);
  world.clock.now += minutes * MINUTE;
  const version = valueOf(await world.control.query("version", { product: "kiln", version: "2" }));
  return { ...version.switchOff, open: version.connections };
}

const NOTHING: VersionUse = { open: [], last: [] };
const of = (count: Partial<OpenCount>): OpenCount => ({
  product: "kiln",
  version: "2",
  sockets: 0,
  streams: 0,
  ...count,
});

describe("a draining version", () => {
  it("is safe to switch off since the tick that found nothing on it any more", async ({ expect }) => {
    const world = await start({ use: NOTHING });
    const first = await shownAfter(world, 1);
    expect(first).toEqual({ since: new Date(world.clock.now).toISOString(), waitsFor: [], open: null });
    expect((await shownAfter(world, 30)).since).toBe(first.since);
  });

  it("waits for connections, then for minutes without a request, and begins anew when one comes", async ({
    expect,
  }) => {
    const measured: Measured = { use: { open: [of({ sockets: 2 }), of({ streams: 1 })], last: [] } };
    const world = await start(measured);
    const open = await shownAfter(world, 1);
    expect(open).toMatchObject({
      since: null,
      waitsFor: ["WebSockets that are open (2)", "event streams that are open (1)"],
      open: { webSockets: 2, eventStreams: 1 },
    });
    const lastMs = world.clock.now;
    measured.use = { open: [], last: [{ product: "kiln", version: "2", atMs: lastMs }] };
    const quiet = await shownAfter(world, 1);
    expect(quiet.waitsFor).toEqual([`requests, which came until ${new Date(lastMs).toISOString()}`]);
    const safe = await shownAfter(world, 10);
    expect(safe.since).toBe(new Date(world.clock.now).toISOString());
    measured.use = { open: [], last: [{ product: "kiln", version: "2", atMs: world.clock.now }] };
    expect((await shownAfter(world, 1)).since).toBeNull();
  });

  it("is not safe while anything refers to it, or while nobody knows what is open", async ({ expect }) => {
    const measured: Measured = { use: null };
    const world = await start(measured);
    const pin = async (version: string): Promise<void> => {
      const input = { version, reason: "t", expires: null };
      await must(world, "account.pin.set", { account: "acme", product: "kiln", input });
      await settle(world);
    };
    await pin("2");
    const waits = (await shownAfter(world, 1)).waitsFor ?? [];
    expect(waits).toContain("pins (1)");
    expect(waits).toContain("word of what edges hold open, which no meter gave");
    measured.use = NOTHING;
    // A pin that ends leaves the account where it is, so it is pinned away.
    await pin("1");
    expect((await shownAfter(world, 1)).waitsFor).toEqual([]);
  });

  it("says nothing of switching off once it does not drain, and connections are shown all the same", async ({
    expect,
  }) => {
    const measured: Measured = { use: { open: [of({ sockets: 1 })], last: [] } };
    const world = await start(measured);
    await must(world, "version.state.set", {
      product: "kiln",
      version: "2",
      input: { state: "live", reason: "t" },
    });
    await world.control.tick(world.clock.now + MINUTE);
    const shown = valueOf(await world.control.query("version", { product: "kiln", version: "2" }));
    expect([shown.switchOff, shown.connections?.webSockets]).toEqual([null, 1]);
    measured.use = NOTHING;
    await world.control.tick(world.clock.now + 2 * MINUTE);
    const after = valueOf(await world.control.query("version", { product: "kiln", version: "2" }));
    expect(after.connections).toBeNull();
  });
});

describe("meters", () => {
  const report = (isolate: string, sequence: number, open?: readonly OpenCount[]): EdgeReport => ({
    schema: TELEMETRY_SCHEMA,
    isolate,
    sequence,
    generation: 1,
    breakGlass: false,
    requests: 0,
    byOutcome: {},
    mapsFaults: {},
    dropped: 0,
    ...(open === undefined ? {} : { open }),
  });

  it("know what isolates hold open by their newest report, and forget those that fall silent", ({
    expect,
  }) => {
    const db = createMemoryDb();
    createTables(db);
    createOpenTable(db);
    recordOpen(db, report("a", 2, [of({ sockets: 3 })]), 1000);
    recordOpen(db, report("a", 1, [of({ sockets: 9 })]), 1000);
    recordOpen(db, report("b", 1, [of({ sockets: 1, streams: 2 })]), 2000);
    recordOpen(db, report("b", 2), 2000);
    expect(readUse(db, 0).open).toEqual([of({ sockets: 4, streams: 2 })]);
    expect(readUse(db, 1500).open).toEqual([of({ sockets: 1, streams: 2 })]);
    recordOpen(db, report("b", 3, []), 3000);
    expect(readUse(db, 1500).open).toEqual([]);
  });

  it("must all answer; without any nothing is known", async ({ expect }) => {
    const use = { use: async () => ({ open: [of({ sockets: 1 })], last: [] }) };
    const all = await createUseReader(
      () => use,
      () => 0,
    )();
    expect(all?.open.length).toBe(4);
    const none = createUseReader(
      () => null,
      () => 0,
    );
    expect(await none()).toBeNull();
    const broken = createUseReader(
      (name) => (name === "meter-2" ? { use: () => Promise.reject(new Error("gone")) } : use),
      () => 0,
    );
    await expect(broken()).rejects.toThrow("gone");
  });
});
