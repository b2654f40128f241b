/**
 * What people do with replacements: begin one, pause, resume, stop, roll back. Each is the engine's own command, followed
 * by an advance at the same time, so that it takes effect at once. Roles are checked by `commands/execute`, products and
 * revisions here, everything else by the engine.
 */
import type { ReplacementView } from "../../contracts/api/replacements.ts";
import type { ReplacementCommand } from "../../contracts/replacement.ts";
import type { ReplacementCommandInputs } from "../../contracts/replacement-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { commandReplacement } from "../../core/rollout/replacement-command.ts";
import { createReplacement, isReplacing } from "../../core/rollout/replacement-plan.ts";
import { refuseProducts } from "../access.ts";
import type { Change, Command, Work } from "../commands/work.ts";
import { refuseFleetServed } from "../commands/product-mode.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import type { Drive } from "../rollouts/drive.ts";
import { loadFacts } from "../rollouts/facts.ts";
import { loadProduct } from "../store/products.ts";
import { loadReplacement, saveReplacement, type ReplacementRecord } from "../store/replacements.ts";
import { loadVersion } from "../store/versions.ts";
import { planOf, problemsOf } from "./check.ts";
import { driveReplacement, takeReplacement } from "./drive.ts";
import { viewReplacement } from "./view.ts";

type Told = Result<Change<ReplacementView>, Refusal>;

interface OfReplacement {
  readonly product: ProductName;
  readonly from: VersionName;
}

function targetOf({ product, from }: OfReplacement): string {
  return `replacement/${product}/${from}`;
}

function driveOf({ db, seq, nowMs }: Work): Drive {
  return { db, seq, nowMs, memo: createCalendarMemo() };
}

function start(work: Work, { product, from, input }: ReplacementCommandInputs["replacement.start"]): Told {
  const { db, nowMs, actor } = work;
  if (loadProduct(db, product) === null) return notFound(`product ${product}`);
  if (loadVersion(db, product, from) === null) return notFound(`version ${product} ${from}`);
  const before = loadReplacement(db, { product, from });
  const plan = planOf({ product, from }, input);
  const refused =
    refuseProducts(actor, [product]) ??
    checkRevision(work.ifMatch, before?.revision ?? 0) ??
    refuseFleetServed(work.db, [product]) ??
    refuseActive(before) ??
    refusePlan(problemsOf(db, plan));
  if (refused !== null) return refused;
  const record: ReplacementRecord = {
    number: (before?.number ?? 0) + 1,
    state: createReplacement(plan, crypto.randomUUID(), nowMs),
    // Goes on from the one before, so that no revision means two things.
    revision: (before?.revision ?? 0) + 1,
    reason: input.reason,
    homes: "untouched",
    homesCursor: "",
    passSeq: 0,
    sweptSeq: 0,
    homesSeq: 0,
    by: actor.name,
    at: nowMs,
    endedAt: null,
  };
  saveReplacement(db, record);
  const driven = driveReplacement(driveOf(work), record);
  return ok({
    output: viewReplacement(db, driven.record),
    told: { target: targetOf(plan), reason: input.reason, detail: { plan, salt: record.state.salt } },
  });
}

function refuseActive(before: ReplacementRecord | null): Result<never, Refusal> | null {
  if (before === null || !isReplacing(before.state)) return null;
  const { product, from, to } = before.state.plan;
  return refuse(
    "conflict",
    `${product} ${from} is being replaced by ${to} already: let that end, stop it or roll it back first`,
    { phase: before.state.phase },
  );
}

function refusePlan(problems: readonly string[]): Result<never, Refusal> | null {
  return problems.length === 0 ? null : refuse("conflict", problems.join("; "), { problems });
}

function tell(
  work: Work,
  of: OfReplacement,
  what: ReplacementCommand & { readonly why: string | null },
): Told {
  const { db, nowMs, actor } = work;
  const before = loadReplacement(db, of);
  if (before === null) return notFound(`replacement of ${of.product} ${of.from}`);
  const refused = refuseProducts(actor, [of.product]) ?? checkRevision(work.ifMatch, before.revision);
  if (refused !== null) return refused;
  const answer = commandReplacement(before.state, what, { nowMs, facts: loadFacts(db) });
  const { from, to } = before.state.plan;
  if (!answer.ok) {
    return refuse("conflict", `the replacement of ${of.product} ${from} by ${to}: ${answer.error}`, {
      phase: before.state.phase,
    });
  }
  // The second of two clicks: it is so already, and nothing is recorded.
  if (answer.value.state === before.state) return ok({ output: viewReplacement(db, before), told: null });
  const drive = driveOf(work);
  const taken = takeReplacement(drive, { ...before, revision: before.revision + 1 }, answer.value);
  const { record } = driveReplacement(drive, taken.record);
  const { kind, confirmed } = what;
  const detail = { kind, confirmed, before: before.state.phase, after: record.state.phase };
  return ok({
    output: viewReplacement(db, record),
    told: { target: targetOf(of), reason: what.why, detail },
  });
}

export const REPLACEMENT_COMMANDS: { readonly [K in keyof ReplacementCommandInputs]: Command<K> } = {
  "replacement.start": start,
  "replacement.pause": (work, { input: { reason }, ...of }) =>
    tell(work, of, { kind: "pause", reason, why: reason, confirmed: false }),
  "replacement.resume": (work, { input: { reason }, ...of }) =>
    tell(work, of, { kind: "resume", reason: reason ?? "", why: reason ?? null, confirmed: false }),
  "replacement.stop": (work, { input: { reason }, ...of }) =>
    tell(work, of, { kind: "stop", reason, why: reason, confirmed: false }),
  "replacement.rollback": (work, { input: { reason, confirmed }, ...of }) =>
    tell(work, of, { kind: "rollback", reason, why: reason, confirmed }),
};
