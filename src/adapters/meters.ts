/**
 * The meter objects as edges, admin and control use them. What an isolate serves goes to one meter of its own; counts of
 * an account go to the meter that the account's hash names, so that all of an account is in one place. Several objects, so
 * that a flood of reports overloads none (an object takes about 1,000 requests a second). Everything here may fail or
 * hang: senders count what was dropped, a tick goes on without. Wired by the composition root and the control plane.
 */
import type {
  Gathered,
  HurtAccount,
  HurtAsk,
  MeterTick,
  MeterTotals,
  ObservationAnswer,
  ObservationReport,
} from "../contracts/observation.ts";
import type { EdgeReport, SeenIsolate } from "../contracts/telemetry.ts";
import type { AccountLately, TrafficLately } from "../contracts/traffic-port.ts";
import type { AccountSlug, EpochMs } from "../contracts/units.ts";
import { murmur3 } from "../core/murmur3.ts";
import { within } from "./deadline.ts";
import { sumAnswers } from "../core/observation/sum.ts";

/**
 * Changing this number sends accounts to other meters: for 14 days their own past then lies where nobody looks, and
 * gates compare with not moved accounts alone.
 */
export const METERS = 4;
/** Reports older than this say nothing about what is served now. */
export const SEEN_MS = 120_000;
/** A tick protects accounts by what it knows already; it waits this long for more. */
const TICK_DEADLINE_MS = 5000;

/** What a meter object offers through RPC. */
export interface MeterStub {
  report(report: EdgeReport): Promise<void>;
  observe(report: ObservationReport): Promise<void>;
  seen(sinceMs: EpochMs): Promise<readonly SeenIsolate[]>;
  totals(): Promise<MeterTotals>;
  tick(tick: MeterTick): Promise<readonly ObservationAnswer[]>;
  hurt(ask: HurtAsk): Promise<readonly HurtAccount[]>;
  lately(): Promise<TrafficLately>;
  accountLately(account: AccountSlug): Promise<readonly AccountLately[]>;
}

export interface Meters {
  send(report: EdgeReport): Promise<void>;
  /** Rejects when the report was not taken, or nobody knows whether it was. */
  observe(meter: number, report: ObservationReport): Promise<void>;
  /** Isolates that reported within the last two minutes. */
  seen(): Promise<readonly SeenIsolate[]>;
  /** What each meter ever took, in the order of their numbers; empty when the deployment binds none. */
  totals(): Promise<readonly MeterTotals[]>;
  /** Accounts that failed, worst first, at most as many as asked for; rejects when a meter does not answer. */
  hurt(ask: HurtAsk): Promise<readonly HurtAccount[]>;
  /** Traffic of late, of each meter; rejects when one does not answer. */
  lately(): Promise<readonly TrafficLately[]>;
  /** One account now and before; rejects when a meter does not answer. */
  accountLately(account: AccountSlug): Promise<readonly AccountLately[]>;
  /** Hands the clock and the questions of a tick to all meters. Never rejects; null when the deployment binds none. */
  tick(tick: MeterTick): Promise<Gathered | null>;
}

export interface MetersDeps {
  /** Finds a meter by name; null when the deployment binds none. */
  readonly meter: (name: string) => MeterStub | null;
  readonly nowMs: () => EpochMs;
  readonly tickDeadlineMs?: number;
}

/** Meter of what an isolate says about itself and of requests without an account. */
export function homeMeter(isolate: string): number {
  return murmur3(isolate, 0) % METERS;
}

/** Asks each meter. Rejects where the deployment binds none, and when one does not answer. */
export function askAllMeters<S, A>(
  meter: (name: string) => S | null,
  ask: (stub: S) => Promise<A>,
): Promise<readonly A[]> {
  return Promise.all(
    Array.from({ length: METERS }, async (_unused, number) => {
      const stub = meter(`meter-${number}`);
      if (stub === null) throw new Error("no METER binding");
      return ask(stub);
    }),
  );
}

export function createMeters({ meter, nowMs, tickDeadlineMs = TICK_DEADLINE_MS }: MetersDeps): Meters {
  const numbers = Array.from({ length: METERS }, (_, number) => number);
  const stubOf = (number: number): MeterStub | null => meter(`meter-${number}`);
  const bound = (number: number): MeterStub => {
    const stub = stubOf(number);
    if (stub === null) throw new Error("no METER binding");
    return stub;
  };
  const tickOne = async (stub: MeterStub, tick: MeterTick): Promise<readonly ObservationAnswer[] | null> => {
    try {
      return await within(stub.tick(tick), tickDeadlineMs);
    } catch {
      return null;
    }
  };
  return {
    send: async (report) => bound(homeMeter(report.isolate)).report(report),
    observe: async (number, report) => bound(number).observe(report),
    async seen() {
      const since = nowMs() - SEEN_MS;
      const answers = await Promise.all(
        numbers.map(async (number) => (await stubOf(number)?.seen(since)) ?? []),
      );
      return answers.flat();
    },
    async totals() {
      const answers = await Promise.all(
        numbers.map(async (number) => (await stubOf(number)?.totals()) ?? []),
      );
      return answers.flat();
    },
    async hurt(ask) {
      const answers = await Promise.all(
        numbers.map(async (number) => (await stubOf(number)?.hurt(ask)) ?? []),
      );
      return answers
        .flat()
        .toSorted((a, b) => b.minutes - a.minutes || (a.account < b.account ? -1 : 1))
        .slice(0, ask.limit);
    },
    async lately() {
      const answers = await Promise.all(
        numbers.map(async (number) => (await stubOf(number)?.lately()) ?? []),
      );
      return answers.flat();
    },
    async accountLately(account) {
      const answers = await Promise.all(
        numbers.map(async (number) => (await stubOf(number)?.accountLately(account)) ?? []),
      );
      return answers.flat();
    },
    async tick(tick) {
      const stubs = numbers.map(stubOf).filter((stub) => stub !== null);
      if (stubs.length === 0) return null;
      const answers = await Promise.all(stubs.map((stub) => tickOne(stub, tick)));
      const given = answers.filter((answer) => answer !== null);
      return {
        atMs: tick.clockMs,
        missingMeters: METERS - given.length,
        answers: sumAnswers(given),
      };
    },
  };
}
