/**
 * The soak, for seconds in place of an hour: that it asks, changes and judges, so that its hour does not end with a fault of
 * its own. Memory needs the hour. `npm run soak`.
 */
import { describe, it } from "vitest";
import { runSoak } from "../../scripts/soak/run.ts";

const MINUTES = 0.1;
const RATE = 60;
/** Starting takes most of it; far longer where other work takes the cores. */
const TIMEOUT_MS = 180_000;

describe("a soak of seconds", () => {
  it(
    "asks everybody, changes the configuration, and finds nothing wrong",
    { timeout: TIMEOUT_MS },
    async ({ expect, annotate }) => {
      const said: string[] = [];
      const result = await runSoak({
        minutes: MINUTES,
        warmUpMinutes: 0,
        rate: RATE,
        say: (line) => said.push(line),
      });
      if (result === null) throw new Error("it was stopped");
      const { figures, rows } = result;
      await annotate(said.at(-1) ?? "nothing was said");
      expect(figures).toMatchObject({ wrong: 0, failedChecks: 0, unanswered: 0, faults: [] });
      for (const count of [
        figures.answers,
        figures.checks,
        figures.changes,
        figures.generation,
        figures.restarts,
      ])
        expect(count).toBeGreaterThan(0);
      for (const { samples } of rows) expect(samples.length).toBeGreaterThan(0);
    },
  );
});
