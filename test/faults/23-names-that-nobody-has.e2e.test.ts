/**
 * Experiment 23 without sockets: millions of names that nobody has, each once, at the maps reader of one isolate in workerd,
 * with 100,000 accounts behind it. What KV is read is bounded by refreshes, whatever the number of names, and none is kept.
 * The clock is simulated: so many names a minute as no socket here could send.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { startIsolates, type Isolates } from "../../scripts/bench/world/isolates.ts";
import { inForm } from "../support/form.ts";

const ACCOUNTS = 100_000;
const NAMES = inForm({ short: 200_000, long: 10_000_000 });
const NAMES_A_CALL = 100_000;
/** As 10,000 a second. */
const PER_MINUTE = 600_000;
/** The soonest that the maps are read again. */
const REFRESH_SECONDS = 24;
/** Rows that were asked for lately, in place of others; not one name more. */
const MOST_GROWTH_MB = 2;
const TIMEOUT_MS = inForm({ short: 120_000, long: 1_800_000 });

let isolates: Isolates;

beforeAll(async () => {
  isolates = await startIsolates([ACCOUNTS], () => undefined);
});
afterAll(async () => {
  await isolates?.stop();
});

describe("names that nobody has", () => {
  it.for(["unknown", "foreign"] as const)(
    "cost no reads of their own and no memory: %s",
    { timeout: TIMEOUT_MS },
    async (hosts, { expect, annotate }) => {
      const before = await isolates.heldMb(ACCOUNTS);
      const started = performance.now();
      let operations = 0;
      for (let from = 0; from < NAMES; from += NAMES_A_CALL) {
        const call = { call: "flood", hosts, from, names: NAMES_A_CALL, perMinute: PER_MINUTE };
        const read = (await isolates.ask(ACCOUNTS, call)) as { operations: number };
        operations += read.operations;
      }
      const seconds = (performance.now() - started) / 1000;
      const grown = (await isolates.heldMb(ACCOUNTS)) - before;
      const simulated = (NAMES / PER_MINUTE) * 60;
      const most = Math.ceil(simulated / REFRESH_SECONDS) + 1;
      await annotate(
        `${NAMES} ${hosts} names as in ${simulated.toFixed(0)} s, in ${seconds.toFixed(0)} s here: ${operations} reads of KV, at most ${most}; memory ${grown >= 0 ? "+" : ""}${grown.toFixed(2)} MB`,
      );
      expect(operations).toBeLessThanOrEqual(most);
      expect(grown).toBeLessThan(MOST_GROWTH_MB);
    },
  );
});
