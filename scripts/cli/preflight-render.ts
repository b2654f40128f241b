/**
 * How preflight looks to people: the verdict first, a table of all probes, then for each that did not pass what was sent
 * and what came back, byte by byte as it was kept. Pure: values in, text out.
 */
import type { PreflightView, StoredSettings } from "../../src/contracts/api/preflight-runs.ts";
import { clean, instant, pairs, renderFields, renderTable } from "./render.ts";

type Result = PreflightView["results"][number];

const MAX_LINES = 20;

/** Everything that is known of a version, with the evidence of what did not pass. */
export function renderPreflight(view: PreflightView, purpose: "wave" | "default"): string {
  const results = new Map(view.results.map((result) => [result.id, result]));
  const head = renderFields([
    ["version", `${view.product} ${view.version} at ${view.origin}`],
    [purpose === "wave" ? "for accounts" : "for the default", verdictText(view[purpose])],
    [purpose === "wave" ? "for the default" : "for accounts", verdictText(view[other(purpose)])],
    ["runs", view.runs.length === 0 ? ["none yet"] : view.runs.map(runText)],
    ["never seen", view.uncovered.length === 0 ? "nothing" : view.uncovered.join(", ")],
    ["waivers", view.waivers.map(waiverText)],
  ]);
  const table = renderTable(
    ["probe", "outcome", "status", "ms", "class", "from"],
    view.probes.map(({ id, class: of }) => {
      const result = results.get(id);
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
  const evidence = view.results.filter(({ outcome }) => outcome !== "pass").map(renderEvidence);
  return [head, table, ...evidence].join("\n");
}

function other(purpose: "wave" | "default"): "wave" | "default" {
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
  const lines = [`${id} ${outcome}: ${clean(sentence)}`, "  sent", ...quote(evidence.sent)];
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
