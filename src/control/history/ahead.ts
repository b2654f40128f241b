/**
 * What a rollout is expected to do with one account, or with the default: the engine's own forecast, begun where the
 * rollout stands, or for a draft as if it were started now. It says what may change it and never promises more. Reads
 * only; reads one account where the rollout runs, all of them once for a draft. Called for `explain --at` of times ahead.
 */
import { ACCOUNT_ZONE } from "../../contracts/calendar.ts";
import type { AheadView, ExpectedMove, HistoryQueryInputs } from "../../contracts/history-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { Frozen } from "../../contracts/rollout-input.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { createCalendarMemo, type CalendarMemo } from "../../core/calendar/memo.ts";
import { showInstant } from "../../core/calendar/preview.ts";
import { own } from "../../core/record.ts";
import { beginningOf } from "../../core/rollout/ahead.ts";
import { windowsOf } from "../../core/rollout/openness.ts";
import { forecast, type RolloutForecast } from "../../core/rollout/plan.ts";
import type { Watched } from "../../core/rollout/simulate-wave.ts";
import { isTerminal } from "../../core/rollout/state.ts";
import { commandTime, type ControlClock } from "../clock.ts";
import type { Db } from "../db.ts";
import { notFound, refuse } from "../refuse.ts";
import { loadFacts, loadWindowFacts, readAccounts, type ReadAccount } from "../rollouts/facts.ts";
import { freezeNow } from "../rollouts/partition.ts";
import { loadFreezes } from "../store/freezes.ts";
import { loadActiveRollouts, loadFrozen, loadRollout, type RolloutRecord } from "../store/rollouts.ts";
import { placeInDraft, placeInRunning } from "./ahead-place.ts";
import { unlessOf, waitingByHand } from "./ahead-unless.ts";

type Asked = HistoryQueryInputs["history.ahead"];

/** Everything that is read once for an answer. */
export interface Ground {
  readonly db: Db;
  readonly nowMs: EpochMs;
  readonly memo: CalendarMemo;
  readonly record: RolloutRecord;
}

/** A move, or a sentence why there is none. */
type Expected = Result<ExpectedMove | string, Refusal>;

/** What is to be expected of an account, or of requests of no known one. */
export function viewAhead(db: Db, clock: ControlClock, asked: Asked): Result<AheadView, Refusal> {
  const nowMs = commandTime(db, clock);
  const found = findRollout(db, asked);
  if (!found.ok) return found;
  const record = found.value;
  const waits = waitingByHand(db, asked.product, asked.account);
  if (record === null) return ok({ now: nowMs, rollout: null, move: null, stays: null, unless: waits });
  const ground: Ground = { db, nowMs, memo: createCalendarMemo(), record };
  const [account] = asked.account === null ? [] : readAccounts(db, nowMs, [asked.account]);
  const known = account !== undefined && own(account.homes, asked.product) !== undefined;
  const expected = known
    ? expectAccount(ground, asked.product, account)
    : expectDefault(ground, asked.product);
  if (!expected.ok) return expected;
  const { phase, reason } = record.state;
  const view = { now: nowMs, rollout: { id: record.id, phase, reason } };
  if (typeof expected.value === "string")
    return ok({ ...view, move: null, stays: expected.value, unless: waits });
  const move = expected.value;
  return ok({ ...view, move, stays: null, unless: [...unlessOf(db, record, move), ...waits] });
}

/** The one that is asked for, else the one that runs for the product; null: none does. */
function findRollout(db: Db, { rollout, product }: Asked): Result<RolloutRecord | null, Refusal> {
  if (rollout === null)
    return ok(loadActiveRollouts(db).find(({ state }) => isAbout(state.plan.targets, product)) ?? null);
  const record = loadRollout(db, rollout);
  if (record === null) return notFound(`rollout ${rollout}`);
  if (isAbout(record.state.plan.targets, product)) return ok(record);
  const about = Object.keys(record.state.plan.targets).join(", ");
  return refuse("conflict", `rollout ${rollout} is about ${about}, not about ${product}`);
}

function isAbout(targets: Readonly<Record<string, string>>, product: ProductName): boolean {
  return own(targets, product) !== undefined;
}

/** The accounts that it froze; for a draft, as they are now. */
export function frozenOf({ db, record, nowMs }: Ground): Result<Frozen, Refusal> {
  const { state, id, leftBehind } = record;
  const { plan, salt, labelKeys, origins, digest } = state;
  if (state.phase === "draft") return freezeNow(db, { plan, salt, nowMs, again: false });
  return ok({ groups: loadFrozen(db, id), labelKeys, origins, leftBehind, digest: digest ?? "" });
}

/** The forecast from now on; null when nothing more will move. */
export function lookAhead(
  { db, record, nowMs, memo }: Ground,
  frozen: Frozen,
  watch: Watched | null,
): RolloutForecast | null {
  const { state } = record;
  const from =
    state.phase === "draft" ? undefined : beginningOf({ state, frozen: frozen.groups, nowMs, memo });
  if (from === null) return null;
  const calendar = { windows: loadWindowFacts(db), freezes: loadFreezes(db), memo };
  return forecast({
    plan: state.plan,
    frozen,
    facts: loadFacts(db),
    startMs: nowMs,
    calendar,
    beforeMs: null,
    watch,
    ...(from === undefined ? {} : { from }),
  });
}

function endedSentence({ record }: Ground): string {
  const { id, state } = record;
  if (isTerminal(state)) return `rollout ${id} is ${state.phase}: it moves nobody any more`;
  return state.rollback === null
    ? `rollout ${id} has moved everybody that it will move`
    : `rollout ${id} is being rolled back (${state.rollback.reason}): it moves nobody forward`;
}

function expectAccount(ground: Ground, product: ProductName, account: ReadAccount): Expected {
  const { db, record } = ground;
  const { state } = record;
  if (account.record.deletedAt !== null)
    return ok("the account is deleted and keeps being answered by its last home");
  if (isTerminal(state)) return ok(endedSentence(ground));
  const frozen = frozenOf(ground);
  if (!frozen.ok) return frozen;
  const question = { db, nowMs: ground.nowMs, record, account, product, frozen: frozen.value };
  const place = state.phase === "draft" ? placeInDraft(question) : placeInRunning(question);
  if (typeof place === "string") return ok(place);
  const ahead = lookAhead(ground, frozen.value, place);
  if (ahead === null) return ok(endedSentence(ground));
  if (ahead.crossing === null) return ok(neverSentence(ahead, record));
  const { wave, atMs } = ahead.crossing;
  const { zone } = account.facts;
  return ok({
    product,
    to: state.plan.targets[product] ?? "",
    wave: state.plan.waves[wave]?.name ?? null,
    atMs,
    at: showInstant(atMs, zone),
    zone,
  });
}

function neverSentence({ waves, endMs }: RolloutForecast, { id }: RolloutRecord): string {
  const stuck = waves.find(({ shiftedMs }) => shiftedMs === null);
  return endMs === null && stuck !== undefined
    ? `wave "${stuck.name}" of rollout ${id} cannot end: ${stuck.warnings.join(", ") || "some of its groups never open"}`
    : `no wave of rollout ${id} takes the account`;
}

function expectDefault(ground: Ground, product: ProductName): Expected {
  const { db, record } = ground;
  const { plan } = record.state;
  if (plan.default === null) return ok(`rollout ${record.id} leaves the default where it is`);
  if (isTerminal(record.state)) return ok(endedSentence(ground));
  const frozen = frozenOf(ground);
  if (!frozen.ok) return frozen;
  const ahead = lookAhead(ground, frozen.value, null);
  const found = ahead?.defaults.find((one) => one.product === product);
  if (ahead === null) return ok(endedSentence(ground));
  if (found === undefined)
    return ok(
      ahead.endMs === null
        ? `rollout ${record.id} does not come to the default: a wave or its window never opens`
        : `rollout ${record.id} has moved the default of ${product}`,
    );
  const [window] = windowsOf(plan.default.window, loadWindowFacts(db)) ?? [];
  const zone = window === undefined || window.zone === ACCOUNT_ZONE ? "UTC" : window.zone;
  const { atMs } = found;
  const to = plan.targets[product] ?? "";
  return ok({ product, to, wave: null, atMs, at: showInstant(atMs, zone), zone });
}
