/** How a preflight reads: what did not pass, then the verdict and what to do; every probe and its bytes when asked for. */
import { describe, it } from "vitest";
import type { PreflightView } from "../../../src/contracts/api/preflight-runs.ts";
import { renderPreflight } from "../../../scripts/cli/preflight-render.ts";
import { PREFLIGHT } from "../../support/fake-control.ts";

const IDS = ["options-hostless", "get-ip", "known-account"];

function view(outcomes: readonly ("pass" | "fail" | "unreachable" | null)[]): PreflightView {
  const evidence = {
    from: "control" as const,
    sent: "OPTIONS / HTTP/1.0\\r\\n",
    received: "HTTP/1.1 500\\r\\n",
    status: 500,
    ms: 12.4,
    fault: null,
  };
  const failed = IDS.filter((_, at) => outcomes[at] === "fail");
  const unreachable = IDS.filter((_, at) => outcomes[at] === "unreachable");
  const missing = IDS.filter((_, at) => outcomes[at] === null);
  const bad = failed.length > 0 ? "fail" : "inconclusive";
  const verdict = unreachable.length + missing.length + failed.length === 0 ? "pass" : bad;
  const word = {
    ...PREFLIGHT.wave,
    verdict,
    failed,
    unreachable,
    missing,
    sentence: "As the API says it",
  } as const;
  return {
    ...PREFLIGHT,
    wave: word,
    default: word,
    probes: IDS.map((id) => ({
      id,
      title: `Title of ${id}`,
      class: "none",
      cell: null,
      why: "",
      demandedBy: [],
    })),
    results: IDS.flatMap((id, at) => {
      const outcome = outcomes[at] ?? null;
      return outcome === null
        ? []
        : [{ id, title: id, cell: null, class: "none", outcome, sentence: `${id} said so`, evidence }];
    }),
  };
}

const lines = (of: PreflightView, all = false, purpose: "wave" | "default" = "wave"): readonly string[] =>
  renderPreflight(of, { purpose, all }).trimEnd().split("\n");

describe("a preflight", () => {
  it("shows what did not pass and counts the rest, and ends with the verdict and what to do", ({
    expect,
  }) => {
    const shown = lines(view(["fail", "pass", null]));
    expect(shown.filter((line) => /^(?:options|get|known)-/.test(line))).toEqual([
      expect.stringMatching(/^options-hostless +fail +options-hostless said so$/),
      expect.stringMatching(/^known-account +not run +Title of known-account$/),
    ]);
    expect(shown).toContain("1 probe passed (each of them, and the bytes of what did not pass: --all)");
    expect(shown.join("\n")).not.toContain("HTTP/1.1 500");
    expect(shown.at(-3)).toMatch(/^for the default +the same$/);
    expect(shown.at(-2)).toMatch(/^for accounts +FAIL: As the API says it$/);
    expect(shown.at(-1)).toMatch(/^next +mend it and run .*preflight kiln 2\.9\.0` again/);
  });

  it("has every probe, and the bytes of what did not pass, with --all", ({ expect }) => {
    const shown = lines(view(["fail", "pass", "pass"]), true);
    expect(shown.filter((line) => /^(?:options|get|known)-\S+ +(?:pass|fail) /.test(line))).toHaveLength(3);
    expect(shown).toContain("options-hostless fail: options-hostless said so");
    expect(shown).toContain("    HTTP/1.1 500\\r\\n");
  });

  it.for([
    [["pass", "pass", "pass"], "wave", /rollout plan FILE/],
    [["pass", "pass", "pass"], "default", /default promote kiln 2\.9\.0`, within the hour/],
    [["fail", "pass", "pass"], "default", /preflight kiln 2\.9\.0 --for default` again/],
    [["unreachable", "pass", "pass"], "wave", /preflight kiln 2\.9\.0 --from here`.*waive/],
    [["pass", null, "unreachable"], "wave", /run .*preflight kiln 2\.9\.0`$/],
  ] as const)("of %j for %s says what is next", ([outcomes, purpose, next], { expect }) => {
    expect(lines(view(outcomes), false, purpose).at(-1)).toMatch(next);
  });
});
