/**
 * Whether the default may move to a version: preflight passed for this purpose, against its present origin, within the
 * hour. The refusal names what failed and both ways on. It reads what is kept and sends nothing itself, because a
 * command may not wait.
 */
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { toInstant } from "../clock.ts";
import type { Work } from "../commands/work.ts";
import { refuse } from "../refuse.ts";
import type { RunRecord } from "../store/preflight-runs.ts";
import { loadSubject } from "./subject.ts";
import { weigh } from "./weigh.ts";

/** How old a run may be for the default to move on its word. */
const FRESH_MINUTES = 60;
const FRESH_MS = FRESH_MINUTES * 60 * 1000;

/** @returns null when it may move, else the refusal `preflight-missing`. */
export function refuseUntried(
  { db, nowMs }: Pick<Work, "db" | "nowMs">,
  product: ProductName,
  version: VersionName,
): Result<never, Refusal> | null {
  const subject = loadSubject(db, { product, version });
  if (!subject.ok) return subject;
  const fresh = weigh(db, subject.value, nowMs - FRESH_MS);
  const { verdict, failed, unreachable, missing, sentence } = fresh.default;
  if (verdict === "pass") return null;
  const ways = `Run it with \`firebreak preflight ${product} ${version} --for default\` (POST /api/v1/products/${product}/versions/${version}/preflight), or move the default all the same with \`"force": true\` (on the command line: --force)`;
  if (fresh.at === null) {
    const why = sayWhyNone(fresh.runs[0], subject.value.basis);
    return refuse("preflight-missing", `${product} ${version}: ${why}. ${ways}.`, { verdict });
  }
  return refuse("preflight-missing", `${product} ${version}: ${sentence}. ${ways}.`, {
    verdict,
    failed,
    unreachable,
    missing,
    preflight_at: toInstant(fresh.at),
  });
}

/** Why no run counts: there is none, it is too old, or it was of something else. */
function sayWhyNone(last: RunRecord | undefined, basis: string): string {
  if (last === undefined) {
    return "nothing has tried it with requests without Host and of unknown accounts, which is what the default serves";
  }
  return last.basis === basis
    ? `its last preflight is of ${toInstant(last.at)}, which is more than ${FRESH_MINUTES} minutes ago`
    : "its origin, domains or preflight settings have changed since its last preflight";
}
