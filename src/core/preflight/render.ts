/**
 * The matrix as people read it: rows of a table, and the evidence of what did not pass as text. Pure; used by the command
 * line (from its own run and from the API's answer alike). It must not hide a waived or unreachable probe: each keeps
 * its own word. Everything shown of the wire is escaped already, so that no answer can write to somebody's terminal.
 */
import type { PreflightVerdict, Probe, ProbeResult } from "../../contracts/preflight.ts";
import { formatRanges } from "./judge.ts";

export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a probe asks, before anything was sent. */
export function probeTable(probes: readonly Probe[]): TextTable {
  return {
    head: ["Probe", "What is sent", "Class", "Healthy", "Demanded by", "Who sends this"],
    rows: probes.map((probe) => [
      probe.id,
      probe.title,
      probe.class,
      formatRanges(probe.expect.status),
      probe.demandedBy.join(", ") || "-",
      probe.why,
    ]),
  };
}

/** What came of each probe, in the order of the results. */
export function resultTable(results: readonly ProbeResult[], verdict: PreflightVerdict): TextTable {
  const waived = new Set(verdict.waived.map(({ id }) => id));
  return {
    head: ["Probe", "Class", "Outcome", "Status", "ms", "What happened"],
    rows: results.map(({ id, class: requestClass, outcome, evidence, sentence }) => [
      id,
      requestClass,
      waived.has(id) ? `${outcome} (waived)` : outcome,
      evidence.status === null ? "-" : String(evidence.status),
      String(Math.round(evidence.ms)),
      printable(sentence),
    ]),
  };
}

/** Sent and received bytes of everything that did not pass. */
export function evidenceText(results: readonly ProbeResult[]): string {
  return results
    .filter(({ outcome }) => outcome !== "pass")
    .map(({ id, outcome, evidence, sentence }) =>
      [
        `${id}: ${outcome}: ${printable(sentence)}`,
        "  sent:",
        indent(evidence.sent),
        "  received:",
        indent(evidence.received === "" ? "(nothing)" : evidence.received),
      ].join("\n"),
    )
    .join("\n\n");
}

function indent(text: string): string {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `    ${printable(line)}`)
    .join("\n");
}

/** Sentences may quote an operator's own words, so control and bidi characters are taken out here. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "");
}
