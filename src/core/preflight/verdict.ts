/**
 * Adds up a run of the matrix: may accounts, or may the default, move to this version? And: which request classes has
 * nobody seen it answer? Posture: closed. No data is never healthy: a probe without result, without connection or with an
 * error of ours is `inconclusive` until somebody waives it by name. Pure; called by the rollout engine, the admin surface
 * and the command line. Design §5.1.
 */
import {
  COVERED_CLASSES,
  type CoveredClass,
  type PreflightPurpose,
  type PreflightVerdict,
  type ProbeResult,
  type Waiver,
} from "../../contracts/preflight.ts";
import { counted } from "../counted.ts";

export interface VerdictInput {
  /** Ids of the whole matrix, so that what was not run is seen. */
  readonly probes: readonly string[];
  /** Newest result of each probe; of several for one id the last counts. */
  readonly results: readonly ProbeResult[];
  readonly waivers: readonly Waiver[];
  readonly purpose: PreflightPurpose;
}

/** Requests of one class that a version has answered. */
export interface SeenRequests {
  readonly real: number;
  readonly synthetic: number;
}

/**
 * Decides over a run.
 * @returns `fail` when any probe failed, else `inconclusive` when anything is not known (an empty matrix included), else
 *   `pass`. A waiver lets a probe past; for the default it does so only where nothing was heard, never after a failure.
 */
export function verdict({ probes, results, waivers, purpose }: VerdictInput): PreflightVerdict {
  const newest = new Map(results.map((result) => [result.id, result]));
  const failed: string[] = [];
  const waived: PreflightVerdict["waived"][number][] = [];
  const unreachable: string[] = [];
  for (const id of probes) {
    const outcome = newest.get(id)?.outcome;
    if (outcome === undefined || outcome === "pass") continue;
    const waiver = outcome === "fail" && purpose === "default" ? null : findWaiver(waivers, id);
    if (waiver !== null) waived.push({ id, outcome, waiver });
    else if (outcome === "fail") failed.push(id);
    else unreachable.push(id);
  }
  const missing = probes.filter((id) => !newest.has(id));
  const answered = probes.length - missing.length - unreachable.length;
  const unsure = unreachable.length > 0 || missing.length > 0 || answered === 0;
  const word = failed.length > 0 ? "fail" : unsure ? "inconclusive" : "pass";
  const counts = { failed, waived, unreachable, missing };
  return { verdict: word, ...counts, sentence: describe(word, counts, probes.length) };
}

/** The waiver of exactly this id, else the one for this probe in every cell. */
function findWaiver(waivers: readonly Waiver[], id: string): Waiver | null {
  const name = id.split("@")[0];
  return waivers.find(({ probe }) => probe === id) ?? waivers.find(({ probe }) => probe === name) ?? null;
}

function describe(
  word: PreflightVerdict["verdict"],
  counts: Pick<PreflightVerdict, "failed" | "waived" | "unreachable" | "missing">,
  total: number,
): string {
  if (total === 0) return "There is no probe to run, so nothing is known";
  const parts = [
    counts.failed.length > 0 ? `${counts.failed.length} failed: ${counts.failed.join(", ")}` : null,
    counts.unreachable.length > 0
      ? `${counts.unreachable.length} not heard: ${counts.unreachable.join(", ")}`
      : null,
    counts.missing.length > 0 ? `${counts.missing.length} not run: ${counts.missing.join(", ")}` : null,
    counts.waived.length > 0
      ? `waived: ${counts.waived.map(({ id, waiver }) => `${id} by ${waiver.by} (${waiver.reason})`).join(", ")}`
      : null,
  ].filter((part) => part !== null);
  const probes = counted(total, "probe");
  if (parts.length === 0) return `All ${probes} passed`;
  const head = word === "pass" ? `All ${probes} passed or are waived;` : `Of ${probes}`;
  return `${head} ${parts.join("; ")}`;
}

/**
 * What counts of two runs: the control plane's word wherever it heard the version, else what somebody's command line
 * heard. Nothing from a command line can turn a failure that the control plane saw into a pass.
 * @param here results of the same version and origin, as fresh as the caller asks for; `from` stays in the evidence.
 */
export function effectiveResults(
  control: readonly ProbeResult[],
  here: readonly ProbeResult[],
): readonly ProbeResult[] {
  const isHeard = ({ outcome }: ProbeResult): boolean => outcome === "pass" || outcome === "fail";
  const heard = new Set(control.filter(isHeard).map(({ id }) => id));
  const instead = here.filter((result) => isHeard(result) && !heard.has(result.id));
  const replaced = new Set(instead.map(({ id }) => id));
  return [...control.filter(({ id }) => !replaced.has(id)), ...instead];
}

/**
 * Whether the hourly preflight of a running rollout has failed twice in a row. An inconclusive run is a failed
 * measurement: it neither counts nor clears what was measured before it.
 * @param verdicts oldest first.
 */
export function isRedTwice(verdicts: readonly PreflightVerdict["verdict"][]): boolean {
  const measured = verdicts.filter((word) => word !== "inconclusive");
  return measured.length >= 2 && measured.slice(-2).every((word) => word === "fail");
}

/**
 * Which of the required classes have seen neither a real nor a synthetic request: what a move still waits for.
 * @param seen counts by class; a class that is left out was never seen.
 */
export function coverage(
  required: readonly CoveredClass[],
  seen: Readonly<Partial<Record<CoveredClass, SeenRequests>>>,
): CoveredClass[] {
  return COVERED_CLASSES.filter((name) => {
    const { real, synthetic } = seen[name] ?? { real: 0, synthetic: 0 };
    return required.includes(name) && real + synthetic <= 0;
  });
}

/**
 * Classes that a run has covered: those with a probe that the version answered, well or not as `outcome` says.
 * A request that failed was seen by nobody as working, so only passed ones count.
 */
export function syntheticSeen(results: readonly ProbeResult[]): Record<CoveredClass, SeenRequests> {
  const count = (name: CoveredClass): SeenRequests => ({
    real: 0,
    synthetic: results.filter((result) => result.class === name && result.outcome === "pass").length,
  });
  return { known: count("known"), unknown: count("unknown"), none: count("none"), ip: count("ip") };
}
