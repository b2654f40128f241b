/**
 * Every change goes through here: role, idempotency, one transaction for state, audit, outbox and answer, then a nudge
 * for the publisher. A refusal rolls everything back, the number of the change included.
 * Synchronous from the first read to the last write, so two writers are always one after the other.
 */
import type { CommandInputs, CommandName, CommandOutputs, WriteContext } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { sha256Hex } from "../../core/sha256.ts";
import { refuseRole } from "../access.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";
import { retryEvents } from "../handover/event-views.ts";
import { refuse } from "../refuse.ts";
import { REPLACEMENT_COMMANDS } from "../replacements/commands.ts";
import { ROLLOUT_COMMANDS } from "../rollouts/commands.ts";
import { appendAudit, lastAuditEntry, takeAuditAfter } from "../store/audit.ts";
import { nextSeq } from "../store/changes.ts";
import { loadAnswer, saveAnswer } from "../store/idempotency.ts";
import { WEBHOOK_COMMANDS } from "../webhooks/commands.ts";
import { grantAccess, revokeAccess } from "./access-grants.ts";
import { deleteAccount } from "./account-delete.ts";
import { undeleteAccount } from "./account-undelete.ts";
import { putAccount } from "./account-put.ts";
import { liftDeferral, setDeferral } from "./deferrals.ts";
import { withdrawDefault } from "./default-requests.ts";
import { setFourEyes } from "./four-eyes.ts";
import { dropFreeze, putFreeze } from "./freezes.ts";
import { setHalt } from "./halt.ts";
import { liftAccountHold, liftProductHold, setAccountHold, setProductHold } from "./holds.ts";
import { issueOverride, revokeOverrides } from "./overrides.ts";
import { liftPin, setPin } from "./pins.ts";
import { recordPreflight, setPreflightSettings, waiveProbe, withdrawWaiver } from "./preflight.ts";
import { setProductMode } from "./product-mode.ts";
import { putProduct } from "./products.ts";
import { liftQuarantine, setQuarantine } from "./quarantines.ts";
import { createSession, endSession } from "./sessions.ts";
import { approveDefault, revertDefault, setDefault, setStable } from "./stable-default.ts";
import { createToken, revokeTokenByName } from "./tokens.ts";
import { clearBad, markBad } from "./version-bad.ts";
import { setVersionState } from "./version-state.ts";
import { putVersion } from "./versions.ts";
import { dropWindow, putWindow } from "./windows.ts";
import type { Change, Command } from "./work.ts";

const COMMANDS: { readonly [K in CommandName]: Command<K> } = {
  "product.put": putProduct,
  "product.stable.set": setStable,
  "product.default.set": setDefault,
  "product.default.approve": approveDefault,
  "product.default.withdraw": withdrawDefault,
  "product.default.revert": revertDefault,
  "product.four-eyes.set": setFourEyes,
  "product.mode.set": setProductMode,
  "product.hold.set": setProductHold,
  "product.hold.lift": liftProductHold,
  "version.put": putVersion,
  "version.state.set": setVersionState,
  "version.bad.mark": markBad,
  "version.bad.clear": clearBad,
  "account.put": putAccount,
  "account.delete": deleteAccount,
  "account.undelete": undeleteAccount,
  "account.pin.set": setPin,
  "account.pin.lift": liftPin,
  "account.quarantine.set": setQuarantine,
  "account.quarantine.lift": liftQuarantine,
  "account.hold.set": setAccountHold,
  "account.hold.lift": liftAccountHold,
  "account.deferral.set": setDeferral,
  "account.deferral.lift": liftDeferral,
  "halt.set": setHalt,
  "override.issued": issueOverride,
  "override.revoke-all": revokeOverrides,
  "access.grant": grantAccess,
  "access.revoke": revokeAccess,
  "token.create": createToken,
  "token.revoke": revokeTokenByName,
  "session.create": createSession,
  "session.end": endSession,
  "window.put": putWindow,
  "window.delete": dropWindow,
  "freeze.put": putFreeze,
  "freeze.delete": dropFreeze,
  "preflight.settings.set": setPreflightSettings,
  "preflight.waive": waiveProbe,
  "preflight.waiver.withdraw": withdrawWaiver,
  "preflight.record": recordPreflight,
  ...ROLLOUT_COMMANDS,
  ...REPLACEMENT_COMMANDS,
  "events.retry": retryEvents,
  ...WEBHOOK_COMMANDS,
};

/** Carries a refusal out of the transaction, so that it rolls back. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

export interface Execution {
  readonly db: Db;
  readonly config: ControlConfig;
  readonly nowMs: EpochMs;
  readonly wallMs: EpochMs;
  readonly context: WriteContext;
}

/** Carries out one command, or answers from memory when this very request was carried out before. */
export function execute<K extends CommandName>(
  execution: Execution,
  name: K,
  input: CommandInputs[K],
): Result<CommandOutputs[K], Refusal> {
  const { db, context, nowMs } = execution;
  const denied = refuseRole(context.actor, name);
  if (denied !== null) return denied;
  const request = sha256Hex(canonicalJson([name, askedFor(input), context.ifMatch]));
  const key =
    context.idempotencyKey === null ? null : { actor: context.actor.name, key: context.idempotencyKey };
  const given = key === null ? null : loadAnswer(db, key, nowMs);
  if (given !== null && given.request !== request) {
    return refuse(
      "idempotency-mismatch",
      "this Idempotency-Key was used for another request in the last 24 hours: send a new one",
    );
  }
  // The answer was written by this same function for this same command, so its type is known.
  if (given !== null) return ok(JSON.parse(given.answer) as CommandOutputs[K]);
  return inTransaction(db, () => {
    const change = carryOut(execution, name, input);
    if (key !== null) saveAnswer(db, key, { request, answer: JSON.stringify(change.output), at: nowMs });
    return change.output;
  });
}

/** What was asked for, without what the admin surface found out besides: the same request may find something else. */
function askedFor(input: object): unknown {
  const { known: _, ...asked } = { known: null, ...input };
  return asked;
}

function carryOut<K extends CommandName>(
  { db, config, context, nowMs, wallMs }: Execution,
  name: K,
  input: CommandInputs[K],
): Change<CommandOutputs[K]> {
  const command: Command<K> = COMMANDS[name];
  const { actor, ifMatch } = context;
  const before = lastAuditEntry(db);
  const result = command({ db, config, actor, ifMatch, nowMs, wallMs, seq: nextSeq(db) }, input);
  if (!result.ok) throw new Refused(result.error);
  const { told } = result.value;
  if (told !== null) {
    // Whoever reads the audit from top to bottom reads who wanted it first, and then what it did.
    const consequences = takeAuditAfter(db, before);
    appendAudit(db, { action: name, ...told, at: nowMs, actor: actor.name, role: actor.role });
    for (const fact of consequences) appendAudit(db, fact);
  }
  return result.value;
}

function inTransaction<T>(db: Db, body: () => T): Result<T, Refusal> {
  try {
    return ok(db.transaction(body));
  } catch (error) {
    if (error instanceof Refused) return { ok: false, error: error.refusal };
    throw error;
  }
}
