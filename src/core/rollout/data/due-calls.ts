/**
 * Which calls to make now: never more of one product at once than its hooks bear, undo before everything else, and first
 * tries before second ones, so that hooks that hang keep nobody else waiting. Nothing forward is begun that could not be
 * answered in time. The same call has the same key whoever makes it, after a crash too. Pure; called by control's runner.
 */
import type { CallTerms, HookCall, HookRun, HookStep, HookUnit } from "../../../contracts/move-data.ts";
import type { EpochMs, ProductName } from "../../../contracts/units.ts";
import { forwardUntil, nextStep } from "./calls.ts";
import { ANSWER_ROOM_MS } from "./steps.ts";

/** The one name of a step's work: per rollout, account (or unit of a cell), product, step and batch. */
export function hookKey(
  terms: CallTerms,
  unit: HookUnit,
  { run, step }: { run: HookRun; step: HookStep },
): string {
  const subject = run.account === null ? unit.unit : `account:${run.account}`;
  return [terms.rollout, subject, run.product, step, String(terms.batch)].join("/");
}

interface Due {
  readonly call: HookCall;
  readonly product: ProductName;
  readonly order: number;
}

function dueOf(
  unit: HookUnit,
  index: number,
  { terms, nowMs }: { terms: CallTerms; nowMs: EpochMs },
): Due | null {
  const run = unit.runs[index];
  const step = run === undefined ? null : nextStep(unit, run, terms);
  const hooks = run === undefined ? undefined : terms.hooks[run.product];
  const url = step === null ? null : (hooks?.[step] ?? null);
  if (run === undefined || step === null || hooks === undefined || url === null) return null;
  const state = run[step];
  const timeoutMs = hooks.timeoutSeconds * 1000;
  const untilMs = step === "undo" || unit.direction === "back" ? Infinity : forwardUntil(unit, terms);
  if (state.sentMs !== null || state.nextMs > nowMs || nowMs + timeoutMs > untilMs) return null;
  const { product, from, to, account } = run;
  const body = {
    key: hookKey(terms, unit, { run, step }),
    rollout: terms.rollout,
    fence: terms.batch,
    step,
    product,
    from,
    to,
    cell: unit.cell,
    accounts: account === null ? unit.accounts : [account],
  };
  const call = { unit: unit.unit, run: index, step, attempt: state.tries + 1, url, timeoutMs, body };
  return { call, product, order: step === "undo" ? -1 : state.tries };
}

/**
 * Calls to make, in order, at most as many as are free. The caller stores `sent` for each before it goes out, then hands
 * the answer to `answered`. Units are taken as `elapse` leaves them.
 */
export function dueCalls(units: readonly HookUnit[], terms: CallTerms, nowMs: EpochMs): readonly HookCall[] {
  const free = new Map(
    Object.entries(terms.hooks).map(([product, { concurrency }]) => [product, concurrency]),
  );
  const due: Due[] = [];
  for (const unit of units) {
    for (const [index, { product, prepare, verify, undo }] of unit.runs.entries()) {
      const out = [prepare, verify, undo].filter(({ sentMs }) => sentMs !== null).length;
      free.set(product, (free.get(product) ?? 0) - out);
      const found = dueOf(unit, index, { terms, nowMs });
      if (found !== null) due.push(found);
    }
  }
  return due
    .sort((a, b) => a.order - b.order)
    .flatMap(({ call, product }) => {
      const left = free.get(product) ?? 0;
      if (left <= 0) return [];
      free.set(product, left - 1);
      return [call];
    });
}

/**
 * When to look at a batch again without an answer: now, where calls are due; else when a call's time is over, a second
 * try is due, or the terms end. Null: never.
 */
export function nextCallMs(units: readonly HookUnit[], terms: CallTerms, nowMs: EpochMs): EpochMs | null {
  if (dueCalls(units, terms, nowMs).length > 0) return nowMs;
  let next = Infinity;
  const consider = (atMs: EpochMs): void => {
    if (atMs > nowMs) next = Math.min(next, atMs);
  };
  for (const unit of units) {
    if (unit.fate === "open") {
      consider(unit.stage === "undo" ? terms.undoUntilMs : forwardUntil(unit, terms));
      consider(terms.undoUntilMs);
    }
    for (const run of unit.runs) {
      const step = nextStep(unit, run, terms);
      const timeoutMs = (terms.hooks[run.product]?.timeoutSeconds ?? 1) * 1000;
      for (const { sentMs } of [run.prepare, run.verify, run.undo])
        if (sentMs !== null) consider(sentMs + timeoutMs + ANSWER_ROOM_MS);
      if (step !== null && run[step].sentMs === null) consider(run[step].nextMs);
    }
  }
  return next === Infinity ? null : next;
}
