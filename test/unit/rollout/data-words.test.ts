/** What hooks answer and what people declare, as it is read: nothing that is unclear counts as an answer. */
import { describe, it } from "vitest";
import { HeldBatchSchema, MigrationSchema, MixedSchema } from "../../../src/contracts/api/move-data.ts";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import { DATA_PLAN, SETTLE_TIMES, type Batch } from "../../../src/contracts/move-data.ts";
import { parseHookAnswer } from "../../../src/core/rollout/data/hook-answer.ts";
import { freshData } from "../../../src/core/rollout/data/state.ts";
import { viewBatch } from "../../../src/core/rollout/data/view.ts";
import { normalisePlan } from "../../../src/core/rollout/plan-normalise.ts";
import { createRollout } from "../../../src/core/rollout/state.ts";
import { FRIDAY, onePlan } from "../../support/rollout-builders.ts";

describe("a hook's answer", () => {
  const read = (body: unknown, status = 200): ReturnType<typeof parseHookAnswer> =>
    parseHookAnswer(status, typeof body === "string" ? body : JSON.stringify(body), 1000);

  it("is done, later or failed where it says so", ({ expect }) => {
    expect(read({ answer: "done" })).toEqual({ kind: "done" });
    expect(read({ answer: "done" }, 204)).toEqual({ kind: "done" });
    expect(read({ answer: "later", afterSeconds: 2.5 })).toEqual({ kind: "later", atMs: 3500 });
    expect(read({ answer: "failed", why: "disk\u0000\u202e full" })).toEqual({
      kind: "failed",
      why: "disk   full",
    });
    expect(read({ answer: "failed" })).toEqual({ kind: "failed", why: "no reason given" });
  });

  it.for([
    ["another status", { answer: "done" }, 503],
    ["a redirect", { answer: "done" }, 302],
    ["nothing", "", 200],
    ["half a body", '{ "answer": "do', 200],
    ["a list", ["done"], 200],
    ["another word", { answer: "ok" }, 200],
    ["a later without a time", { answer: "later" }, 200],
    ["a later in the past", { answer: "later", afterSeconds: -1 }, 200],
    ["too much", "x".repeat(5000), 200],
  ] as const)("is silence when it is %s", ([, body, status], { expect }) => {
    expect(read(body, status).kind).toBe("silent");
  });

  it("is cut where it is long, and never waits for more than hours", ({ expect }) => {
    const failed = read({ answer: "failed", why: "x".repeat(1000) });
    expect(failed.kind === "failed" && failed.why.length).toBe(256);
    expect(read({ answer: "later", afterSeconds: 10 ** 9 })).toEqual({
      kind: "later",
      atMs: 1000 + 4 * 3_600_000,
    });
    expect(parseHookAnswer(200, null, 0).kind).toBe("silent");
  });
});

describe("declarations", () => {
  it("fill in what goes without saying", ({ expect }) => {
    const waves = [{ name: "all", cohorts: ["*"], percent: 100 }];
    const plan = RolloutInputSchema.parse({ id: "schema", targets: { kiln: "2" }, waves, data: {} });
    expect(normalisePlan(plan).data).toEqual(DATA_PLAN);
    const urls = { prepare: "https://o.example.net/p", verify: "https://o.example.net/v" };
    expect(MigrationSchema.parse({ kind: "perCell", ...urls })).toEqual({
      kind: "perCell",
      ...urls,
      undo: null,
      timeoutSeconds: 30,
      concurrency: 10,
    });
    expect(MixedSchema.parse({ "2.8.0": "ok" })).toEqual({ "2.8.0": "ok" });
  });

  it("refuse what hooks cannot be", ({ expect }) => {
    const urls = { prepare: "https://o.example.net/p", verify: "https://o.example.net/v" };
    const bad = [
      { kind: "none", prepare: urls.prepare },
      { kind: "perAccount", prepare: urls.prepare },
      { kind: "perAccount", ...urls, prepare: "ftp://o.example.net" },
      { kind: "perAccount", ...urls, timeoutSeconds: 0 },
      { kind: "perAccount", ...urls, concurrency: 1000 },
    ];
    for (const one of bad) expect(MigrationSchema.safeParse(one).success).toBe(false);
    expect(MixedSchema.safeParse("maybe").success).toBe(false);
  });
});

describe("a batch as it is shown", () => {
  it("says how many are held, since when, and until when at the latest", ({ expect }) => {
    const state = createRollout(onePlan(), "salt", FRIDAY);
    expect(viewBatch(state, SETTLE_TIMES)).toBeNull();
    const batch: Batch = {
      number: 1,
      direction: "forward",
      stage: "holding",
      wave: 0,
      atMs: FRIDAY,
      accounts: 12,
      hooks: {},
      endByMs: null,
      releasedMs: null,
      left: 0,
      callUntilMs: 0,
      undoUntilMs: 0,
      calledOff: null,
    };
    const shown = viewBatch({ ...state, data: { ...freshData(true, 1), batch } }, SETTLE_TIMES);
    expect(HeldBatchSchema.parse(shown)).toEqual(shown);
    expect(shown).toMatchObject({
      accounts: 12,
      heldAt: "2026-11-27T12:00:00.000Z",
      endsBy: "2026-11-27T12:06:00.000Z",
    });
  });
});
