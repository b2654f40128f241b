/** Sessions of the dashboard: begun with a token, ended by signing out, by time, or with the token. */
import type { CommandInputs, CommandOutputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { toInstant } from "../clock.ts";
import { refuse } from "../refuse.ts";
import { deleteSession, dropOldSessions, insertSession, isSession } from "../store/sessions.ts";
import { isTokenDigestTaken } from "../store/tokens.ts";
import type { Change, Work } from "./work.ts";

/** A working day: whoever comes back tomorrow signs in again. */
const SESSION_MS = 12 * 60 * 60 * 1000;

/** Begins a session for whoever showed a token. A session cannot begin another one, or it would never end. */
export function createSession(
  { db, wallMs, actor }: Work,
  { sha256, token }: CommandInputs["session.create"],
): Result<Change<CommandOutputs["session.create"]>, Refusal> {
  if (isSession(db, token))
    return refuse("forbidden", "a session cannot begin another one: sign in with a token");
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
