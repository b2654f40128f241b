/**
 * Overrides are signed tokens that testers carry; the control plane does not make them. It says whether one may be made,
 * records that it was, and revokes all of them at once through the override epoch in the root.
 */
import type { CommandInputs, CommandOutputs } from "../../contracts/control.ts";
import { OVERRIDE_LEEWAY_SECONDS } from "../../contracts/limits.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { toInstant } from "../clock.ts";
import { loadPresent } from "../accounts/present.ts";
import { notFound, refuse } from "../refuse.ts";
import { markRoot } from "../store/changes.ts";
import { readCounter, writeCounter } from "../store/meta.ts";
import { loadVersion } from "../store/versions.ts";
import { checkOverride } from "./placement-rules.ts";
import type { Change, Work } from "./work.ts";

/** A token may be stamped so far ahead of this clock: edges, whose clocks are no better, refuse what is further ahead. */
const MAX_AHEAD_MS = OVERRIDE_LEEWAY_SECONDS * 1000;

/**
 * Allows one override, and says when it is issued: the version must be in the maps, not marked bad, and made for the data
 * that the account has.
 */
export function issueOverride(
  work: Work,
  { input, signedAt = work.wallMs }: CommandInputs["override.issued"],
): Result<Change<CommandOutputs["override.issued"]>, Refusal> {
  const { product, account, version: name, minutes, reason } = input;
  const version = loadVersion(work.db, product, name);
  if (version === null) return notFound(`version ${product} ${name}`);
  const refused = refuseProducts(work.actor, [product]);
  if (refused !== null) return refused;
  if (version.state === "retired")
    return refuse("conflict", `${product} ${name} is retired, so the maps do not have it`);
  if (version.bad !== null)
    return refuse("conflict", `${product} ${name} is marked bad: ${version.bad.reason}`);
  const present = loadPresent(work.db, [account]).get(account);
  const wrong = present === undefined ? null : checkOverride(work.db, present, { product, version: name });
  if (wrong !== null) return wrong;
  // A signer whose clock is behind signs none that is revoked already.
  const issuedAt = Math.max(signedAt, readCounter(work.db, "override_epoch"));
  if (issuedAt > Math.max(signedAt, work.wallMs) + MAX_AHEAD_MS)
    return refuse(
      "conflict",
      `overrides are revoked up to ${toInstant(issuedAt)}, since a clock was ahead: until then edges refuse new ones`,
    );
  if (signedAt > work.nowMs + MAX_AHEAD_MS)
    return refuse(
      "conflict",
      `the clock of the place that would sign is ${Math.round((signedAt - work.nowMs) / 1000)} seconds ahead of the control plane's: ask again, and if it stays so see which of the two is wrong`,
    );
  writeCounter(work.db, "override_issued", Math.max(issuedAt, readCounter(work.db, "override_issued")));
  return ok({
    output: { allowed: true, issuedAt },
    told: { target: `account/${account}`, reason, detail: { product, version: name, minutes } },
  });
}

/** Revokes every override issued so far, by whatever clock. */
export function revokeOverrides(
  work: Work,
  { reason }: CommandInputs["override.revoke-all"],
): Result<Change<CommandOutputs["override.revoke-all"]>, Refusal> {
  // Never back, and past any token: of this same millisecond, of a signer whose clock is ahead, of before ours went back.
  const latest = Math.max(readCounter(work.db, "override_epoch"), readCounter(work.db, "override_issued"));
  const before = Math.max(latest, work.wallMs) + 1;
  writeCounter(work.db, "override_epoch", before);
  markRoot(work.db, work);
  return ok({ output: { before }, told: { target: "overrides", reason, detail: { before } } });
}
