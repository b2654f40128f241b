/** What pairs of answers say, when they have compared well, and that the published root carries mirroring only as an extra. */
import { describe, it } from "vitest";
import { createMirrorCounter } from "../../src/adapters/mirror-counts.ts";
import type { MirrorCounts, MirrorPlan } from "../../src/contracts/mirror.ts";
import {
  addCounts,
  compareAnswers,
  countPair,
  describeCounts,
  judgeMirror,
  NOTHING_COMPARED,
} from "../../src/core/mirror.ts";
import { decodeRoot, encodeRoot } from "../../src/core/maps/root-codec.ts";
import { checkRoot } from "../../src/core/maps/root-limits.ts";
import { buildProduct, buildRoot } from "../support/edge-builders.ts";

const PLAN: MirrorPlan = { shareBp: 1000, minutes: 30, requests: 200, worseBp: 100, waitMinutes: 240 };
const counts = (change: Partial<MirrorCounts>): MirrorCounts => ({ ...NOTHING_COMPARED, ...change });

describe("compareAnswers", () => {
  it.for([
    [200, 204, "same"],
    [200, 404, "different"],
    [404, 200, "different"],
    [404, 410, "same"],
    [200, 500, "worse"],
    [404, 503, "worse"],
    [302, null, "worse"],
    [500, 500, "same"],
    [502, null, "same"],
    [500, 200, "different"],
  ] as const)("finds %s against %s %s", ([primary, candidate, outcome], { expect }) => {
    const pair = { primary: { status: primary, ms: 1 }, candidate: { status: candidate, ms: 1 } };
    expect(compareAnswers(pair)).toBe(outcome);
  });
});

describe("countPair", () => {
  it("calls slow what takes more than twice as long and 100 ms more", ({ expect }) => {
    const slower = (primary: number, candidate: number): number =>
      countPair({ primary: { status: 200, ms: primary }, candidate: { status: 200, ms: candidate } }).slower;
    expect([slower(10, 100), slower(10, 111), slower(200, 399), slower(200, 401)]).toEqual([0, 1, 0, 1]);
  });
});

describe("judgeMirror", () => {
  it("passes only with enough requests, however good they were", ({ expect }) => {
    expect(judgeMirror(PLAN, counts({ same: 199 }))).toBe("inconclusive");
    expect(judgeMirror(PLAN, counts({ same: 200 }))).toBe("pass");
    expect(judgeMirror({ ...PLAN, requests: 0 }, NOTHING_COMPARED)).toBe("inconclusive");
  });

  it("fails as soon as the minimum could not make it good any more, and not before", ({ expect }) => {
    expect(judgeMirror(PLAN, counts({ worse: 2 }))).toBe("inconclusive");
    expect(judgeMirror(PLAN, counts({ worse: 3 }))).toBe("fail");
    expect(judgeMirror(PLAN, counts({ same: 997, worse: 3 }))).toBe("pass");
    expect(judgeMirror({ ...PLAN, worseBp: 0 }, counts({ same: 500, worse: 1 }))).toBe("fail");
  });

  it("says its numbers", ({ expect }) => {
    expect(describeCounts(PLAN, counts({ same: 175, worse: 3, different: 2 }))).toBe(
      "180 compared of 200 wanted, 3 worse (1.67 %, tolerated 1 %), 2 different",
    );
  });
});

describe("the counter of an isolate", () => {
  it("adds up by measurement and is empty when it was asked", ({ expect }) => {
    const counter = createMirrorCounter();
    counter.add({ product: "kiln", run: "a", counts: counts({ same: 1, defaultMs: 5 }) });
    counter.add({ product: "kiln", run: "a", counts: counts({ worse: 1, defaultMs: 7 }) });
    counter.add({ product: "kiln", run: "b", counts: counts({ skipped: 1 }) });
    expect(counter.take()).toEqual([
      { product: "kiln", run: "a", ...counts({ same: 1, worse: 1, defaultMs: 12 }) },
      { product: "kiln", run: "b", ...counts({ skipped: 1 }) },
    ]);
    expect(counter.take()).toEqual([]);
    expect(addCounts(NOTHING_COMPARED, NOTHING_COMPARED)).toEqual(NOTHING_COMPARED);
  });
});

describe("a root with a mirroring", () => {
  const mirror = { version: "2.9.0", share: 500, run: "autumn/kiln/7", until: 1_800_000_000_000 };
  const withMirror = (change: Partial<typeof mirror> = {}): ReturnType<typeof buildRoot> =>
    buildRoot({
      index: { hash: "0".repeat(32), shards: 1, inline: null },
      products: { kiln: buildProduct({ mirror: { ...mirror, ...change } }) },
    });

  it("comes back as it was, and one without it is the text it always was", ({ expect }) => {
    const root = withMirror();
    expect(decodeRoot(encodeRoot(root))).toEqual({ ok: true, value: root });
    const plain = encodeRoot(buildRoot());
    expect(plain).not.toContain("mirror");
    expect(decodeRoot(plain)).toEqual({ ok: true, value: buildRoot() });
  });

  it("is refused when it leads nowhere, or takes more than all", ({ expect }) => {
    expect(checkRoot(withMirror())).toBeNull();
    expect(checkRoot(withMirror({ version: "9.9.9" }))?.fault).toBe("shape");
    expect(checkRoot(withMirror({ share: 10_001 }))?.fault).toBe("shape");
    expect(checkRoot(withMirror({ run: "x".repeat(129) }))?.fault).toBe("over-limit");
    const text = encodeRoot(withMirror({ share: -1 }));
    expect(decodeRoot(text)).toMatchObject({ ok: false, error: { fault: "shape" } });
  });
});
