/**
 * Keeps a run with its evidence and tells the audit what it said. Called inside the transaction of whoever made it: the
 * control plane's own run, and results that a command line sent. The verdicts stored beside it are those of that moment.
 */
import type { PreflightDone } from "../../contracts/preflight-port.ts";
import type { PreflightPurpose, ProbeResult, Vantage } from "../../contracts/preflight.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { insertRun } from "../store/preflight-runs.ts";
import type { Told } from "../commands/work.ts";
import type { Subject } from "./subject.ts";
import { weigh, weighRuns } from "./weigh.ts";

export interface RunMade {
  readonly source: Vantage;
  readonly via: string | null;
  readonly purpose: PreflightPurpose;
  readonly by: string;
  readonly at: EpochMs;
  readonly results: readonly ProbeResult[];
}

/** @returns the run as it was kept, and its entry for the audit. */
export function keepRun(db: Db, subject: Subject, made: RunMade): { done: PreflightDone; told: Told } {
  const { product, version, basis } = subject;
  const { source, at, results, ...run } = made;
  const alone = weighRuns(db, subject, [{ source, at, results }]);
  const id = insertRun(
    db,
    {
      ...run,
      product,
      version: version.name,
      origin: version.origin,
      basis,
      source,
      at,
      wave: alone.wave.verdict,
      default: alone.default.verdict,
    },
    results,
  );
  const now = weigh(db, subject);
  const verdicts = { wave: now.wave.verdict, default: now.default.verdict };
  const { purpose, via } = made;
  const { failed, unreachable, missing } = alone[purpose];
  return {
    done: { run: id, at, ...verdicts },
    told: {
      target: `version/${product}/${version.name}`,
      reason: null,
      detail: {
        run: id,
        from: source,
        purpose,
        origin: version.origin,
        ...(via === null ? {} : { via }),
        ...verdicts,
        failed,
        unreachable,
        missing,
      },
    },
  };
}
