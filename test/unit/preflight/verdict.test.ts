import { describe, it } from "vitest";
import type { ProbeClass, ProbeOutcome, ProbeResult, Waiver } from "../../../src/contracts/preflight.ts";
import { probesFor } from "../../../src/core/preflight/matrix.ts";
import { evidenceText, probeTable, resultTable } from "../../../src/core/preflight/render.ts";
import {
  coverage,
  effectiveResults,
  isRedTwice,
  syntheticSeen,
  verdict,
} from "../../../src/core/preflight/verdict.ts";

function result(id: string, outcome: ProbeOutcome, requestClass: ProbeClass = "none"): ProbeResult {
  const evidence = {
    sent: "OPTIONS /\\r\\n\n",
    received: "",
    status: outcome === "pass" ? 200 : null,
    ms: 1.6,
    fault: null,
    from: "control" as const,
  };
  return { id, title: id, class: requestClass, cell: null, outcome, evidence, sentence: `${id} said so` };
}
const waive = (probe: string): Waiver => ({ probe, reason: "known since June", by: "ann", at: 5 });

describe("verdict", () => {
  it("passes when all passed", ({ expect }) => {
    const got = verdict({
      probes: ["a", "b"],
      results: [result("a", "pass"), result("b", "pass")],
      waivers: [],
      purpose: "default",
    });
    expect([got.verdict, got.sentence]).toEqual(["pass", "All 2 probes passed"]);
  });

  it("fails by one failure, whatever else is unknown", ({ expect }) => {
    const got = verdict({
      probes: ["a", "b", "c"],
      results: [result("a", "fail"), result("b", "unreachable")],
      waivers: [],
      purpose: "wave",
    });
    expect(got).toMatchObject({ verdict: "fail", failed: ["a"], unreachable: ["b"], missing: ["c"] });
    expect(got.sentence).toBe("Of 3 probes 1 failed: a; 1 not heard: b; 1 not run: c");
  });

  it.for(["unreachable", "error"] as const)("is inconclusive when a probe is %s", (outcome, { expect }) => {
    const got = verdict({
      probes: ["a", "b"],
      results: [result("a", "pass"), result("b", outcome)],
      waivers: [],
      purpose: "wave",
    });
    expect([got.verdict, got.unreachable]).toEqual(["inconclusive", ["b"]]);
  });

  it("is inconclusive when a probe was not run, and when there is none at all", ({ expect }) => {
    expect(
      verdict({ probes: ["a", "b"], results: [result("a", "pass")], waivers: [], purpose: "wave" }),
    ).toMatchObject({
      verdict: "inconclusive",
      missing: ["b"],
    });
    expect(verdict({ probes: [], results: [], waivers: [], purpose: "wave" }).verdict).toBe("inconclusive");
  });

  it("lets a failure past by a waiver for a wave, naming who and why, and never for the default", ({
    expect,
  }) => {
    const input = {
      probes: ["a", "b"],
      results: [result("a", "fail"), result("b", "pass")],
      waivers: [waive("a")],
    };
    const wave = verdict({ ...input, purpose: "wave" });
    expect([wave.verdict, wave.waived]).toEqual(["pass", [{ id: "a", outcome: "fail", waiver: waive("a") }]]);
    expect(wave.sentence).toContain("a by ann (known since June)");
    const moved = verdict({ ...input, purpose: "default" });
    expect([moved.verdict, moved.failed, moved.waived]).toEqual(["fail", ["a"], []]);
  });

  it("lets what cannot be reached past by a waiver, for the default too", ({ expect }) => {
    const got = verdict({
      probes: ["a"],
      results: [result("a", "unreachable")],
      waivers: [waive("a")],
      purpose: "default",
    });
    expect(got.verdict).toBe("pass");
  });

  it("does not take a waiver for a probe that was never run", ({ expect }) => {
    const got = verdict({ probes: ["a"], results: [], waivers: [waive("a")], purpose: "wave" });
    expect([got.verdict, got.missing]).toEqual(["inconclusive", ["a"]]);
  });

  it("takes a waiver of a name for every cell, and one of a cell for that cell alone", ({ expect }) => {
    const input = {
      probes: ["a@eu1", "a@us1"],
      results: [result("a@eu1", "fail"), result("a@us1", "fail")],
      purpose: "wave" as const,
    };
    expect(verdict({ ...input, waivers: [waive("a")] }).verdict).toBe("pass");
    expect(verdict({ ...input, waivers: [waive("a@us1")] }).failed).toEqual(["a@eu1"]);
  });

  it("goes by the newest result of a probe", ({ expect }) => {
    const got = verdict({
      probes: ["a"],
      results: [result("a", "unreachable"), result("a", "pass")],
      waivers: [],
      purpose: "wave",
    });
    expect(got.verdict).toBe("pass");
  });
});

describe("effectiveResults", () => {
  const outcomes = (list: readonly ProbeResult[]): string[] =>
    list.map(({ id, outcome }) => `${id}=${outcome}`);

  it("takes the command line's word only where the control plane heard nothing", ({ expect }) => {
    const control = [
      result("a", "fail"),
      result("b", "pass"),
      result("c", "unreachable"),
      result("d", "error"),
    ];
    const here = [
      result("a", "pass"),
      result("b", "fail"),
      result("c", "pass"),
      result("d", "fail"),
      result("e", "pass"),
    ];
    expect(outcomes(effectiveResults(control, here))).toEqual([
      "a=fail",
      "b=pass",
      "c=pass",
      "d=fail",
      "e=pass",
    ]);
  });

  it("keeps the control plane's own reason where nobody heard anything", ({ expect }) => {
    const control = [result("a", "unreachable")];
    expect(outcomes(effectiveResults(control, [result("a", "error")]))).toEqual(["a=unreachable"]);
  });
});

describe("isRedTwice", () => {
  it.for([
    [[], false],
    [["fail"], false],
    [["fail", "fail"], true],
    [["fail", "pass", "fail"], false],
    [["fail", "inconclusive", "fail"], true],
    [["fail", "fail", "inconclusive"], true],
    [["fail", "fail", "pass"], false],
    [["inconclusive", "inconclusive"], false],
  ] as const)("says of %j: %s", ([verdicts, expected], { expect }) => {
    expect(isRedTwice(verdicts)).toBe(expected);
  });
});

describe("coverage", () => {
  it("names the required classes that nobody has seen", ({ expect }) => {
    const seen = {
      known: { real: 3, synthetic: 0 },
      none: { real: 0, synthetic: 1 },
      ip: { real: 0, synthetic: 0 },
    };
    expect(coverage(["known", "unknown", "none", "ip"], seen)).toEqual(["unknown", "ip"]);
    expect(coverage(["known"], seen)).toEqual([]);
    expect(coverage([], {})).toEqual([]);
  });

  it("counts a probe as seen only when it passed", ({ expect }) => {
    const seen = syntheticSeen([
      result("a", "pass", "none"),
      result("b", "fail", "ip"),
      result("c", "unreachable", "unknown"),
      result("d", "pass", "malformed"),
    ]);
    expect(coverage(["known", "unknown", "none", "ip"], seen)).toEqual(["known", "unknown", "ip"]);
  });
});

describe("render", () => {
  const results = [result("a", "pass"), { ...result("b", "fail"), sentence: "evil \u001b[31m\u202e words" }];
  const wave = verdict({ probes: ["a", "b"], results, waivers: [waive("b")], purpose: "wave" });

  it("shows each probe by its own word, waived or not, and lets no control byte through", ({ expect }) => {
    expect(resultTable(results, wave).rows).toEqual([
      ["a", "none", "pass", "200", "2", "a said so"],
      ["b", "none", "fail (waived)", "-", "2", "evil [31m words"],
    ]);
  });

  it("shows the bytes of what did not pass", ({ expect }) => {
    expect(evidenceText(results)).toBe(
      ["b: fail: evil [31m words", "  sent:", "    OPTIONS /\\r\\n", "  received:", "    (nothing)"].join(
        "\n",
      ),
    );
  });

  it("has one row for every probe, as wide as its head", ({ expect }) => {
    const probes = probesFor({
      product: "kiln",
      version: "2.9.0",
      origin: "http://127.0.0.1:1",
      domains: ["kiln.example.com"],
      syntheticAccount: null,
      syntheticByCell: {},
      cells: [],
      presets: ["haproxy"],
      own: [],
      routerHeader: null,
    });
    const { head, rows } = probeTable(probes);
    expect(rows.length).toBe(probes.length);
    expect(rows.every((row) => row.length === head.length)).toBe(true);
    expect(rows[0]?.slice(0, 5)).toEqual([
      "options-hostless",
      "OPTIONS / HTTP/1.0 without Host",
      "none",
      "200-399",
      "haproxy",
    ]);
  });
});
