/** Short ways to say no. Every sentence says what was got and what to do; evidence travels as extensions. */
import type { ProblemType, Refusal } from "../contracts/problems.ts";
import { err, type Result } from "../contracts/result.ts";

/** Refuses with a problem of the registry. */
export function refuse(
  problem: ProblemType,
  detail: string,
  extensions?: Readonly<Record<string, unknown>>,
): Result<never, Refusal> {
  return err(extensions === undefined ? { problem, detail } : { problem, detail, extensions });
}

/** Refuses because the thing is not there. */
export function notFound(what: string): Result<never, Refusal> {
  return refuse("not-found", `there is no ${what}`);
}

/**
 * Compares the revision a writer saw with the present one; 0 stands for "not there".
 * @returns null when they agree or the writer did not say.
 */
export function checkRevision(ifMatch: number | null, current: number): Result<never, Refusal> | null {
  if (ifMatch === null || ifMatch === current) return null;
  return refuse(
    "stale-revision",
    `it is at revision ${current}, not ${ifMatch}: read it again and repeat the change`,
    {
      current_revision: current,
    },
  );
}
