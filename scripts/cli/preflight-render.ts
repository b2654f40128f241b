/**
 * How preflight looks to people: what did not pass, with why, then the verdict and what to do about it. With `--all` every
 * probe, and for each that did not pass what was sent and what came back, byte by byte as it was kept. Pure.
 */
import type { PreflightView, StoredSettings } from "../../src/contracts/api/preflight-runs.ts";
import { asTyped, RUN } from "./command-line.ts";
import { clean, count, instant, pairs, renderFields, renderTable } from "./render.ts";

type Result = PreflightView["results"][number];
type Purpose = "wave" | "default";

const MAX_LINES = 20;

/** How much is shown: what did not pass, or every probe and the bytes of what did not pass. */
export interface PreflightShown {
  readonly purpose: Purpose;
  readonly all: boolean;
}

/** What is known of a version; the verdict that was asked for and what to do come last, where the eye is. */
export function renderPreflight(view: PreflightView, { purpose, all }: PreflightShown): string {
  const head = renderFields([
    ["version", `${view.product} ${view.version} at ${view.origin}`],
    ["runs", view.runs.length === 0 ? ["none yet"] : view.runs.map(runText)],
    ["never seen", view.uncovered.length === 0 ? "nothing" : view.uncovered.join(", ")],
    ["waivers", view.waivers.map(waiverText)],
  ]);
  const verdicts = renderFields([
    [PURPOSE_WORDS[other(purpose)], sameAs(view, purpose) ? "the same" : verdictText(view[other(purpose)])],
    [PURPOSE_WORDS[purpose], verdictText(view[purpose])],
    ["next", nextStep(view, purpose)],
  ]);
  const failed = view.results.filter(({ outcome }) => outcome !== "pass");
  const evidence = all ? failed.map(renderEvidence) : [];
  return [head, ...(all ? [renderProbes(view), ...evidence] : [renderOdd(view)]), verdicts].join("\n");
}

/** Whether both verdicts say the same, so that a long sentence is read once. */
function sameAs(view: PreflightView, purpose: Purpose): boolean {
  return verdictText(view[purpose]) === verdictText(view[other(purpose)]);
}

const PURPOSE_WORDS = { wave: "for accounts", default: "for the default" } as const;

/** Every probe. */
function renderProbes({ probes, results }: PreflightView): string {
  const known = new Map(results.map((result) => [result.id, result]));
  return renderTable(
    ["probe", "outcome", "status", "ms", "class", "from"],
    probes.map(({ id, class: of }) => {
      const result = known.get(id);
      return [
        id,
        result?.outcome ?? "not run",
        result?.evidence.status ?? null,
        result === undefined ? null : Math.round(result.evidence.ms),
        of,
        result?.evidence.from ?? null,
      ];
    }),
  );
}

/** Only what did not pass, with why, and how many did. */
function renderOdd({ probes, results }: PreflightView): string {
  const known = new Map(results.map((result) => [result.id, result]));
  const rows = probes.flatMap(({ id, title }) => {
    const result = known.get(id);
    if (result?.outcome === "pass") return [];
    return [[id, result?.outcome ?? "not run", asTyped(result?.sentence ?? title)]];
  });
  const passed = `${count(probes.length - rows.length, "probe")} passed`;
  if (rows.length === 0) return `${passed} (each of them: --all)\n`;
  return `${renderTable(["probe", "outcome", "what came of it"], rows)}${passed} (each of them, and the bytes of what did not pass: --all)\n`;
}

/** What a person does about the verdict. */
function nextStep({ product, version, wave, default: forDefault }: PreflightView, purpose: Purpose): string {
  const { verdict, unreachable, missing } = purpose === "wave" ? wave : forDefault;
  const flag = purpose === "wave" ? "" : " --for default";
  const again = `\`${RUN}preflight ${product} ${version}${flag}\``;
  if (verdict === "pass")
    return purpose === "wave"
      ? `\`${RUN}rollout plan FILE\` with it as a target; its help shows such a file`
      : `\`${RUN}default promote ${product} ${version}\`, within the hour`;
  if (verdict === "fail")
    return `mend it and run ${again} again: nobody is moved to it while it fails. \`${RUN}preflight show ${product} ${version}${flag} --all\` has the bytes`;
  if (missing.length > 0) return `run ${again}`;
  return unreachable.length > 0
    ? `\`${RUN}preflight ${product} ${version} --from here\` from a place that reaches it, or \`${RUN}preflight waive ${product} ${version} PROBE${flag} --reason …\``
    : `run ${again} again`;
}

function other(purpose: Purpose): Purpose {
  return purpose === "wave" ? "default" : "wave";
}

function verdictText({ verdict, sentence }: PreflightView["wave"]): string {
  return `${verdict.toUpperCase()}: ${sentence}`;
}

function runText({ at, by, from, via, stale }: PreflightView["runs"][number]): string {
  const where = from === "control" ? "from the control plane" : "from a command line";
  const to = via === null ? "" : ` to ${via}`;
  return clean(
    `${instant(at)} ${where}${to}, ${by}${stale ? " (stale: what is sent has changed since)" : ""}`,
  );
}

function waiverText({ probe, target, reason, by, at }: PreflightView["waivers"][number]): string {
  const of = target === "wave" ? "accounts" : "the default";
  return clean(`${probe} for ${of}: ${reason} (${by}, ${instant(at)})`);
}

function renderEvidence({ id, outcome, sentence, evidence }: Result): string {
  const lines = [`${id} ${outcome}: ${asTyped(clean(sentence))}`, "  sent", ...quote(evidence.sent)];
  lines.push("  received", ...quote(evidence.received === "" ? "nothing" : evidence.received));
  return `${lines.join("\n")}\n`;
}

/** Evidence is escaped where it is kept; cleaned again because it came over the wire. */
function quote(text: string): string[] {
  const lines = text.split("\n").filter((line, at, all) => line !== "" || at < all.length - 1);
  const shown = lines.slice(0, MAX_LINES).map((line) => `    ${clean(line)}`);
  const rest = lines.length - shown.length;
  return rest > 0 ? [...shown, `    … and ${rest} more lines (--json shows all)`] : shown;
}

/** Settings as named values. */
export function renderSettings({ product, settings, by, at, revision }: StoredSettings): string {
  return renderFields([
    ["product", product],
    ["load balancers", settings.presets.join(", ")],
    ["synthetic account", settings.syntheticAccount],
    ["  by cell", pairs(settings.syntheticByCell)],
    ["cells", settings.cells.length === 0 ? "all that accounts are in" : settings.cells.join(", ")],
    ["own probes", settings.own.map(({ id, title }) => `${id}: ${title}`)],
    ["written", by === null ? "never: these are the defaults" : clean(`${by}, ${instant(at)}`)],
    ["revision", revision],
  ]);
}
