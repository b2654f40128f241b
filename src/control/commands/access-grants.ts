/**
 * Granting and taking away what people of Cloudflare Access may do here. Access says who somebody is and never what for, so
 * without a grant nobody may do anything. What was taken away is in the audit, and counts from the next request on.
 */
import type { AccessCommandInputs } from "../../contracts/access-port.ts";
import type { AccessGrant } from "../../contracts/api/access.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { fromInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { deleteGrant, listGrants, loadGrant, saveGrant } from "../store/access-grants.ts";
import type { Change, Work } from "./work.ts";

/** A list that people still read. Larger teams have groups in Access and fewer names here. */
const MAX_GRANTS = 1000;

/** Grants a role to an identity, in place of what it had. */
export function grantAccess(
  work: Work,
  { identity, input }: AccessCommandInputs["access.grant"],
): Result<Change<AccessGrant>, Refusal> {
  const { db, actor, nowMs, wallMs } = work;
  const before = loadGrant(db, identity);
  const stale = checkRevision(work.ifMatch, before?.revision ?? 0);
  if (stale !== null) return stale;
  const { role, products } = input;
  const expires = fromInstantOrNull(input.expires);
  if (expires !== null && expires <= wallMs)
    return refuse("invalid", `the grant would expire at ${input.expires}, which is past`);
  if (before !== null && isSame(before, { role, products, expires }))
    return ok({ output: before, told: null });
  if (before === null && listGrants(db).length >= MAX_GRANTS)
    return refuse("conflict", `there are ${MAX_GRANTS} grants already: take some away`);
  const revision = (before?.revision ?? work.seq) + 1;
  saveGrant(db, { identity, role, products, expires, grantedAt: nowMs, grantedBy: actor.name, revision });
  const after = viewOf(db, identity);
  const detail = { before: before === null ? null : shown(before), after: shown(after) };
  return ok({ output: after, told: { target: `access/${identity}`, reason: null, detail } });
}

/** Takes away what an identity may do; every request that comes after this with its word is refused. */
export function revokeAccess(
  work: Work,
  { identity, reason }: AccessCommandInputs["access.revoke"],
): Result<Change<AccessGrant>, Refusal> {
  const before = loadGrant(work.db, identity);
  if (before === null) return notFound(`grant to ${identity}`);
  const stale = checkRevision(work.ifMatch, before.revision);
  if (stale !== null) return stale;
  deleteGrant(work.db, identity);
  const told = { target: `access/${identity}`, reason, detail: { before: shown(before) } };
  return ok({ output: before, told });
}

function isSame(
  before: AccessGrant,
  now: {
    readonly role: string;
    readonly products: readonly string[] | null;
    readonly expires: number | null;
  },
): boolean {
  const then = [before.role, before.products, fromInstantOrNull(before.expires)];
  return JSON.stringify(then) === JSON.stringify([now.role, now.products, now.expires]);
}

function shown({ role, products, expires }: AccessGrant): Readonly<Record<string, unknown>> {
  return { role, products, expires };
}

function viewOf(db: Db, identity: string): AccessGrant {
  const grant = loadGrant(db, identity);
  if (grant === null) throw new Error(`the grant to ${identity} was written and is not there`);
  return grant;
}
