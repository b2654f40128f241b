/** One load for all who want it, that neither a vanished starter nor a load that never ends can poison. */
import { describe, it } from "vitest";
import { folds } from "../../../src/core/maps/folds.ts";
import {
  createSingleFlight,
  waitAtMost,
  type Ticket,
} from "../../../src/adapters/maps-reader/single-flight.ts";
import { product, rollout, root, row } from "../../support/maps-builders.ts";
import { createTestClock } from "../../support/test-clock.ts";

const never = <T>(): Promise<T> => new Promise(() => undefined);

describe("createSingleFlight", () => {
  it("hands the load to waitUntil and is free again when it ends", async ({ expect }) => {
    const clock = createTestClock();
    const flight = createSingleFlight<string>(clock);
    const kept: Promise<unknown>[] = [];
    const request = { nowMs: clock.nowMs(), waitUntil: (work: Promise<unknown>) => kept.push(work) };
    const load = flight.start(
      request,
      () => clock.sleep(10).then(() => "read"),
      () => "late",
    );
    expect(kept).toEqual([load.done]);
    expect(flight.running(clock.nowMs())).toBe(load);
    await clock.advance(10);
    expect(await load.done).toBe("read");
    expect(flight.running(clock.nowMs())).toBeNull();
  });

  it("ends late past its deadline, and tells the work that it no longer counts", async ({ expect }) => {
    const clock = createTestClock();
    const flight = createSingleFlight<string>(clock);
    const tickets: Ticket[] = [];
    const work = (ticket: Ticket): Promise<string> => {
      tickets.push(ticket);
      return never();
    };
    const load = flight.start({ nowMs: clock.nowMs(), waitUntil: () => undefined }, work, () => "late");
    await clock.advance(4999);
    expect([flight.running(clock.nowMs()), tickets]).toEqual([load, [{ live: true }]]);
    await clock.advance(1);
    expect([await load.done, flight.running(clock.nowMs()), tickets]).toEqual([
      "late",
      null,
      [{ live: false }],
    ]);
  });

  it("forgets a load whose own timer died with its starter", ({ expect }) => {
    const clock = { ...createTestClock(), sleep: () => never<void>() };
    const flight = createSingleFlight<string>(clock);
    const tickets: Ticket[] = [];
    const work = (ticket: Ticket): Promise<string> => {
      tickets.push(ticket);
      return never();
    };
    const request = { nowMs: 0, waitUntil: () => undefined };
    const dead = flight.start(request, work, () => "late");
    expect(flight.running(4999)).toBe(dead);
    expect([flight.running(5000), tickets]).toEqual([null, [{ live: false }]]);
    const next = flight.start({ ...request, nowMs: 5000 }, work, () => "late");
    expect(flight.running(5001)).toBe(next);
  });
});

describe("waitAtMost", () => {
  it("gives the outcome in time, else undefined", async ({ expect }) => {
    const clock = createTestClock();
    const quick = waitAtMost(clock, Promise.resolve("read"), 100);
    const slow = waitAtMost(clock, never<string>(), 100);
    await clock.advance(100);
    expect([await quick, await slow]).toEqual(["read", undefined]);
  });
});

describe("folds", () => {
  const replacement = { from: "2.8.0", to: "2.8.1", salt: "h", below: 1 };
  const before = root({
    generation: 5,
    rollouts: [rollout()],
    urgent: [row()],
    products: { kiln: product("kiln", { replacements: [replacement] }) },
  });

  it("is true when something left the root for the rows, a rollout began, or time went back", ({
    expect,
  }) => {
    expect(folds(before, { ...before, rollouts: [] })).toBe(true);
    expect(folds(before, { ...before, rollouts: [rollout({ id: "next" })] })).toBe(true);
    expect(folds({ ...before, rollouts: [] }, before)).toBe(true);
    expect(folds(before, { ...before, urgent: [] })).toBe(true);
    expect(folds(before, { ...before, products: { kiln: product("kiln") } })).toBe(true);
    expect(folds(before, { ...before, generation: 4 })).toBe(true);
  });

  it("is false for a move, a ramp, an urgent row that was added, and everything else", ({ expect }) => {
    expect(folds(before, { ...before, generation: 6, rollouts: [rollout({ moved: [5000] })] })).toBe(false);
    expect(folds(before, { ...before, urgent: [row(), row({ slug: "globex" })] })).toBe(false);
    const ramp = {
      kiln: product("kiln", { replacements: [{ ...replacement, below: 10_000 }], default: "2.7.0" }),
    };
    expect(folds(before, { ...before, products: ramp, accounts: 7 })).toBe(false);
  });
});
