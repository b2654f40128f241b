/** Sessions of the dashboard: begun with a token, ended by signing out, by time, or with the token. */
import type { CommandInputs, CommandOutputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { toInstant } from "../clock.ts";
import { refuse } from "../refuse.ts";
import { readInt } from "../row.ts";
import { deleteSession, dropOldSessions, insertSession, isSession } from "../store/sessions.ts";
import { isTokenDigestTaken } from "../store/tokens.ts";
import type { Change, Work } from "./work.ts";

/** A working day: whoever comes back tomorrow signs in again. */
const SESSION_MS = 12 * 60 * 60 * 1000;

/** Whoever signs in more often than this is a program, which has no use for sessions, and would fill the audit with them. */
export const MAX_SIGN_INS = 60;
const SIGN_IN_WINDOW_MS = 10 * 60 * 1000;
/** Newest entries of the audit that are looked at: they hold that many sign-ins, with as many ends and other things between. */
const LOOKED_AT = 5 * MAX_SIGN_INS;

/** @returns null while this name may begin another session. */
function refuseTooMany({ db, nowMs, actor }: Work): Result<never, Refusal> | null {
  const row = db.rows(
    `SELECT count(*) AS n FROM (SELECT action, actor, at FROM audit ORDER BY seq DESC LIMIT ?1)
     WHERE action = 'session.create' AND actor = ?2 AND at > ?3`,
    LOOKED_AT,
    actor.name,
    nowMs - SIGN_IN_WINDOW_MS,
  )[0];
  if (row === undefined || readInt(row, "n") < MAX_SIGN_INS) return null;
  return refuse(
    "rate-limited",
    `${actor.name} has signed in ${MAX_SIGN_INS} times in ten minutes: programs send the token itself with each request`,
    { retry_after_seconds: SIGN_IN_WINDOW_MS / 1000 },
  );
}

/** Begins a session for whoever showed a token. A session cannot begin another one, or it would never end. */
export function createSession(
  work: Work,
  { sha256, token }: CommandInputs["session.create"],
): Result<Change<CommandOutputs["session.create"]>, Refusal> {
  const { db, wallMs, actor } = work;
  if (isSession(db, token))
    return refuse("forbidden", "a session cannot begin another one: sign in with a token");
  const tooMany = refuseTooMany(work);
  if (tooMany !== null) return tooMany;
  dropOldSessions(db, wallMs);
  const expires = wallMs + SESSION_MS;
  const { name, role } = actor;
  const bootstrap = isTokenDigestTaken(db, token) ? null : { name, role, products: null };
  insertSession(db, { sha256, token, bootstrap, expires });
  return ok({
    output: { expires: toInstant(expires) },
    told: { target: `token/${name}`, reason: null, detail: { expires: toInstant(expires) } },
  });
}

/** Ends a session; one that is not there is ended already. */
export function endSession(
  { db, actor }: Work,
  { sha256 }: CommandInputs["session.end"],
): Result<Change<CommandOutputs["session.end"]>, Refusal> {
  const known = isSession(db, sha256);
  deleteSession(db, sha256);
  const told = known ? { target: `token/${actor.name}`, reason: null, detail: {} } : null;
  return ok({ output: { ended: known }, told });
}
