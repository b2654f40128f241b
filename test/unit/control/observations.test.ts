/** Requests by version as rollouts see them: bakes that count them, classes seen by real requests, meters that fail. */
import { describe, it } from "vitest";
import type { RolloutInput, RolloutView } from "../../../src/contracts/api/rollouts.ts";
import type { SeriesReport } from "../../../src/contracts/observation.ts";
import { noteMarks } from "../../../src/control/observations/marks.ts";
import type { Mark } from "../../../src/control/store/observations.ts";
import { loadRollout } from "../../../src/control/store/rollouts.ts";
import { loadPublished } from "../../../src/control/store/roots.ts";
import { contextOf, must, readMaps, refusalOf, valueOf, type World } from "../../support/control-world.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createMemoryMeters, type MemoryMeters } from "../../support/memory-meters.ts";
import { observationReport, series } from "../../support/observation-builders.ts";
import { ACCOUNTS, FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

const COUNTED: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2", fogbugz: "2" },
  waves: [
    {
      name: "all",
      cohorts: ["*"],
      percent: 100,
      bake: { minutes: 10, requests: 200, workdays: 0 },
    },
  ],
};

interface Counted {
  readonly world: World;
  readonly memory: MemoryMeters;
  readonly report: (...all: readonly SeriesReport[]) => Promise<void>;
  readonly generation: () => number;
  readonly show: () => Promise<RolloutView>;
}

async function prepare(input: RolloutInput = COUNTED): Promise<Counted> {
  const memory = createMemoryMeters();
  const world = await prepareRollouts(createMemoryDb(), {
    accounts: ACCOUNTS.slice(0, 20),
    measure: (asked) => memory.meters.tick(asked),
  });
  await must(world, "rollout.create", { id: "autumn", input });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await quiet(world);
  let sequence = 0;
  return {
    world,
    memory,
    report: (...all) =>
      memory.meters.observe(1, observationReport({ isolate: "i1", sequence: ++sequence, series: all })),
    generation: () => loadPublished(world.db)?.generation ?? 0,
    show: async () => valueOf(await world.control.query("rollout", { id: "autumn" })),
  };
}

/** Ticks every minute. */
async function tickTo(world: World, from: number, to: number): Promise<void> {
  for (let now = from; now <= to; now += MINUTE) await tick(world, now);
}

const moved = (requests: number, generation: number, product = "kiln") =>
  series({ "account-1": [requests, 0] }, { product, version: "2", generation });

describe("a bake that counts requests", () => {
  it("ends when edges that know the wave have counted enough, and no sooner", async ({ expect }) => {
    const { world, report, generation, show } = await prepare();
    await tickTo(world, FRIDAY + MINUTE, FRIDAY + 2 * MINUTE);
    const wave = generation();
    expect((await show()).waves[0]).toMatchObject({ shiftedAt: expect.any(String), requests: 0 });
    // An edge with older maps has sent accounts there for other reasons; that is no evidence about the wave.
    await report(moved(500, wave - 1), moved(150, wave));
    await tickTo(world, FRIDAY + 3 * MINUTE, FRIDAY + 20 * MINUTE);
    expect(await show()).toMatchObject({
      phase: "baking",
      cause: "requests",
      reason: "200 requests are waited for; so far 150",
      waves: [{ requests: 150 }],
    });
    await report(moved(50, wave + 3, "fogbugz"));
    await tick(world, FRIDAY + 21 * MINUTE);
    expect((await show()).phase).toBe("completed");
  });

  it("does not count requests of unknown accounts, testers or files", async ({ expect }) => {
    const { world, report, generation, show } = await prepare();
    await tickTo(world, FRIDAY + MINUTE, FRIDAY + 2 * MINUTE);
    const total = { requests: 300, errors: 0, failures: 0, gone: 0 };
    for (const name of ["unknown", "override", "asset"] as const)
      await report(series({}, { class: name, version: "2", generation: generation(), total }));
    await tickTo(world, FRIDAY + 3 * MINUTE, FRIDAY + 20 * MINUTE);
    expect((await show()).reason).toBe("200 requests are waited for; so far 0");
  });

  it("goes on with what it knew when a meter does not answer, and says so", async ({ expect }) => {
    const { world, memory, report, generation, show } = await prepare();
    await tickTo(world, FRIDAY + MINUTE, FRIDAY + 2 * MINUTE);
    await report(moved(150, generation()));
    await tickTo(world, FRIDAY + 3 * MINUTE, FRIDAY + 4 * MINUTE);
    memory.fate = (meter) => (meter === 2 ? "hangs" : "arrives");
    await report(moved(100, generation()));
    const happened = await tick(world, FRIDAY + 20 * MINUTE);
    expect(happened.join()).toContain("1 meters did not answer");
    expect(await show()).toMatchObject({ phase: "baking", waves: [{ requests: 150 }] });
    memory.fate = () => "arrives";
    await tick(world, FRIDAY + 21 * MINUTE);
    expect((await show()).phase).toBe("completed");
  });

  it("is refused where the deployment has no meters, with the way out", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS.slice(0, 5) });
    const refused = refusalOf(
      await world.control.execute("rollout.create", { id: "autumn", input: COUNTED }, contextOf("operator")),
    );
    expect(refused).toMatchObject({ problem: "invalid" });
    expect(refused.detail).toContain("waves.0.bake.requests: this deployment has no METER binding");
  });

  it("holds the default until unknown accounts have asked it often enough", async ({ expect }) => {
    const { world, report, generation, show } = await prepare({
      ...COUNTED,
      targets: { kiln: "2" },
      waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
      default: {
        move: true,
        afterDays: 0,
        window: [{ days: ["fri"], from: "07:00", to: "20:00", zone: "UTC" }],
        mirror: null,
        bake: { minutes: 5, requests: 30 },
      },
    });
    await tickTo(world, FRIDAY + MINUTE, FRIDAY + 20 * MINUTE);
    expect(readMaps(world.kv.values).root.products["kiln"]?.default).toBe("2");
    expect(await show()).toMatchObject({ phase: "default-baking", cause: "requests" });
    const total = { requests: 30, errors: 0, failures: 0, gone: 0 };
    await report(series({}, { class: "unknown", version: "2", generation: generation(), total }));
    await tickTo(world, FRIDAY + 21 * MINUTE, FRIDAY + 22 * MINUTE);
    expect((await show()).phase).toBe("completed");
  });
});

describe("request-class coverage", () => {
  it("keeps real requests that were answered well apart from probes", async ({ expect }) => {
    const { world, report, show } = await prepare();
    await tick(world, FRIDAY + MINUTE);
    const total = { requests: 10, errors: 2, failures: 1, gone: 4 };
    await report(series({}, { class: "unknown", version: "2", total }), moved(5, 1));
    await tick(world, FRIDAY + 2 * MINUTE);
    const [fogbugz, kiln] = (await show()).coverage;
    expect(kiln).toMatchObject({ product: "kiln", version: "2", known: { real: 5 }, unknown: { real: 7 } });
    expect(kiln?.none.real).toBe(0);
    expect(kiln?.none.synthetic).toBeGreaterThan(0);
    expect(kiln?.known.synthetic).toBeGreaterThan(0);
    expect(fogbugz).toMatchObject({ product: "fogbugz", known: { real: 0 }, unknown: { real: 0 } });
  });

  it("is enough by real requests alone where there is no synthetic account", async ({ expect }) => {
    const { world, report, generation, show } = await prepare({
      ...COUNTED,
      targets: { kiln: "2" },
      waves: [{ name: "all", cohorts: ["*"], percent: 100, bake: { minutes: 3, requests: 0, workdays: 0 } }],
    });
    const settings = { presets: [], syntheticAccount: null, syntheticByCell: {}, cells: [], own: [] };
    await must(world, "preflight.settings.set", { product: "kiln", input: settings });
    await world.control.runPreflight({ product: "kiln", version: "2", purpose: "wave" }, contextOf());
    await tickTo(world, FRIDAY + MINUTE, FRIDAY + 5 * MINUTE);
    expect(await show()).toMatchObject({ phase: "baking", cause: "coverage" });
    await report(moved(1, generation()));
    await tickTo(world, FRIDAY + 6 * MINUTE, FRIDAY + 7 * MINUTE);
    expect((await show()).phase).toBe("completed");
  });

  it("shows nothing for a draft", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), {
      accounts: ACCOUNTS.slice(0, 5),
      measure: (asked) => createMemoryMeters().meters.tick(asked),
    });
    await must(world, "rollout.create", { id: "autumn", input: COUNTED });
    const view = valueOf(await world.control.query("rollout", { id: "autumn" }));
    expect(view).toMatchObject({ coverage: [], waves: [{ requests: null }] });
  });
});

describe("marks", () => {
  it("begin anew when a moment comes again, and wait for maps that know of it", async ({ expect }) => {
    const { world } = await prepare();
    const { db } = world;
    await tickTo(world, FRIDAY + MINUTE, FRIDAY + 2 * MINUTE);
    const record = loadRollout(db, "autumn");
    if (record === null) throw new Error("no rollout");
    const shifted = (marks: readonly Mark[]) => marks.find(({ name }) => name === "shifted:0");
    const first = shifted(noteMarks(db, record));
    expect(first?.generation).toBe(loadPublished(db)?.generation);
    // Somebody became eligible late: the wave had accounts to move once more, and is done again.
    const [wave] = record.state.waves;
    if (wave === undefined) throw new Error("no wave");
    const waves = [{ ...wave, shiftedMs: FRIDAY + HOUR }];
    const again = { ...record, state: { ...record.state, waves } };
    await must(world, "halt.set", { input: { on: true, reason: "a change of the maps" } });
    expect(shifted(noteMarks(db, again))).toEqual({ name: "shifted:0", at: FRIDAY + HOUR, generation: null });
    await quiet(world);
    const out = shifted(noteMarks(db, again));
    expect(out?.generation).toBe(loadPublished(db)?.generation);
    expect(out?.generation).toBeGreaterThan(first?.generation ?? Infinity);
    expect(shifted(noteMarks(db, again))).toEqual(out);
  });
});

describe("questions to the meters", () => {
  it("ask for the accounts of the last wave that moved somebody, with caps from the answers before", async ({
    expect,
  }) => {
    const gate: RolloutInput["gate"] = {
      errorIncreasePercent: 1,
      alpha: 0.05,
      minAccounts: 2,
      onFail: "pause",
      onInconclusive: "hold",
      mustHave: [],
    };
    const { world, report, generation } = await prepare({ ...COUNTED, gate });
    await tickTo(world, FRIDAY + MINUTE, FRIDAY + 2 * MINUTE);
    const of = (product: string) =>
      world.db.rows(
        "SELECT name, answer FROM observations WHERE rollout = 'autumn' AND product = ?",
        product,
      );
    expect(of("kiln").map((row) => row["name"])).toEqual(["moved:0", "shifted:0", "start"]);
    await report(
      moved(10, generation()),
      series({ "account-2": [10, 5] }, { version: "1", generation: generation() }),
    );
    await tickTo(world, FRIDAY + 3 * MINUTE, FRIDAY + 4 * MINUTE);
    const answer: unknown = JSON.parse(String(of("kiln")[0]?.["answer"]));
    expect(answer).toMatchObject({
      moved: { accounts: 1, requests: 10, failures: 0 },
      notMoved: { accounts: 1, requests: 10, failures: 5 },
      family: { size: 1 },
    });
  });
});
