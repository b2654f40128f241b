/**
 * What the kept runs of a version say: which results count, may accounts move, may the default, what was never seen.
 * The control plane's word comes first; a command line fills in where nothing could be heard from here. Stale runs (of
 * another origin, other settings or domains) do not count. Reads only; posture closed: what is not known does not pass.
 */
import {
  COVERED_CLASSES,
  type CoveredClass,
  type PreflightPurpose,
  type PreflightVerdict,
  type Probe,
  type ProbeResult,
  type Vantage,
} from "../../contracts/preflight.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { coverage, effectiveResults, syntheticSeen, verdict } from "../../core/preflight/verdict.ts";
import type { Db } from "../db.ts";
import {
  loadResults,
  loadRuns,
  loadWaivers,
  type RunRecord,
  type WaiverRecord,
} from "../store/preflight-runs.ts";
import { matrixOf, type Subject } from "./subject.ts";

export interface Weighed {
  readonly probes: readonly Probe[];
  /** The last run from each place, newest first, stale ones too. */
  readonly runs: readonly RunRecord[];
  readonly waivers: readonly WaiverRecord[];
  /** Results that count, in the order of the matrix. */
  readonly results: readonly ProbeResult[];
  /** When the newest run that counts was made. */
  readonly at: EpochMs | null;
  readonly wave: PreflightVerdict;
  readonly default: PreflightVerdict;
  readonly uncovered: readonly CoveredClass[];
}

/** A run as it counts, before it is stored too. */
export interface CountedRun {
  readonly source: Vantage;
  readonly at: EpochMs;
  readonly results: readonly ProbeResult[];
}

/**
 * Weighs what is kept of a version.
 * @param notBefore runs made earlier do not count; 0: however old.
 */
export function weigh(db: Db, subject: Subject, notBefore: EpochMs = 0): Weighed {
  const runs = lastRuns(db, subject);
  const counted = runs
    .filter((run) => run.basis === subject.basis && run.at >= notBefore)
    .map(({ id, source, at }) => ({ source, at, results: loadResults(db, id) }));
  return { ...weighRuns(db, subject, counted), runs };
}

/** Weighs runs that need not be stored yet. */
export function weighRuns(db: Db, subject: Subject, counted: readonly CountedRun[]): Omit<Weighed, "runs"> {
  const { product, version } = subject;
  const waivers = loadWaivers(db, { product, version: version.name }, version.origin);
  const probes = matrixOf(subject, { via: null, routerHeader: null });
  const from = (source: Vantage): readonly ProbeResult[] =>
    counted.find((run) => run.source === source)?.results ?? [];
  const ids = probes.map(({ id }) => id);
  const effective = effectiveResults(from("control"), from("here"));
  const byId = new Map(effective.map((result) => [result.id, result]));
  const results = ids.flatMap((id) => byId.get(id) ?? []);
  const verdictFor = (purpose: PreflightPurpose): PreflightVerdict =>
    verdict({
      probes: ids,
      results,
      purpose,
      waivers: waivers
        .filter(({ target }) => target === purpose)
        .map(({ probe, reason, by, at }) => ({ probe, reason, by, at })),
    });
  return {
    probes,
    waivers,
    results,
    at: counted.length === 0 ? null : Math.max(...counted.map(({ at }) => at)),
    wave: verdictFor("wave"),
    default: verdictFor("default"),
    uncovered: coverage(COVERED_CLASSES, syntheticSeen(results)),
  };
}

function lastRuns(db: Db, { product, version }: Subject): readonly RunRecord[] {
  const sources: readonly Vantage[] = ["control", "here"];
  return sources
    .flatMap((source) => loadRuns(db, { product, version: version.name }, { source, limit: 1 }))
    .toSorted((left, right) => right.at - left.at || right.id - left.id);
}
