/** The verdict on a soak and its words. */
import { describe, it } from "vitest";
import {
  judgeSoak,
  minuteLine,
  renderSoak,
  type Figures,
  type MemoryRow,
} from "../../../scripts/soak/report.ts";

const FIGURES: Figures = {
  seconds: 600,
  answers: 60_000,
  wrong: 0,
  unserved: 0,
  olderRows: 0,
  oldestSeconds: 31.5,
  checks: 6000,
  failedChecks: 0,
  unanswered: 0,
  changes: 300,
  rollbacks: 6,
  generation: 280,
  restarts: 60,
  cores: { workerd: 0.15, rest: 0.08 },
  faults: [],
};

function row(perSample: number, changes: Partial<MemoryRow> = {}): MemoryRow {
  const samples = Array.from({ length: 60 }, (_, index) => ({
    atMs: index * 10_000,
    value: 8 + perSample * index + (index % 5),
  }));
  return { what: "held by node 2", counts: true, samples, ...changes };
}

describe("a soak", () => {
  it("holds without a fault and without growth", ({ expect }) => {
    expect(judgeSoak(FIGURES, [row(0)])).toEqual({ held: true, why: [] });
    expect(renderSoak(FIGURES, [row(0)])).toMatch(/held$/);
  });

  it.for<[string, Partial<Figures>, RegExp]>([
    ["a wrong version", { wrong: 1 }, /^1 of 60000 answers were wrong$/],
    ["a failed check", { failedChecks: 2 }, /^2 of 6000 health checks failed$/],
    ["a request without an answer", { unanswered: 1 }, /^1 requests had no answer$/],
    ["more than one 503 in 10,000", { unserved: 7 }, /^7 of 60000 answers were 503/],
    ["a change that failed", { faults: ["pin: 409"] }, /^changes failed/],
    ["nothing asked", { answers: 0 }, /^nothing was asked$/],
  ])("does not hold with %s", ([, changes, why], { expect }) => {
    const verdict = judgeSoak({ ...FIGURES, ...changes }, [row(0)]);
    expect(verdict.held).toBe(false);
    expect(verdict.why.join("; ")).toMatch(why);
  });

  it("allows a restarted node one 503 in 10,000", ({ expect }) => {
    expect(judgeSoak({ ...FIGURES, unserved: 6 }, [row(0)]).held).toBe(true);
  });

  it("does not hold where memory grows, unless that row does not count", ({ expect }) => {
    expect(judgeSoak(FIGURES, [row(0.1)]).why.join()).toMatch(
      /^held by node 2 grows: \+3\d\.\d\d MB an hour/,
    );
    expect(judgeSoak(FIGURES, [row(0.1, { counts: false })]).held).toBe(true);
    expect(judgeSoak(FIGURES, [row(0, { samples: [] })]).why.join()).toContain("run it longer");
  });

  it("says each minute what was seen", ({ expect }) => {
    expect(minuteLine(7, FIGURES, [row(0)])).toBe(
      "minute   7: 60000 answers, 0 wrong; 6000 checks, 0 failed; 300 changes, 6 rollbacks, generation 280; 60 restarts; 12.0 MB",
    );
  });
});
