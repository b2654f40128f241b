/**
 * The words of alarms: their names, what each rule says, what is found, and what is in force. Plain data; the table is in
 * `core/alarms/table`, what fires is decided in `core/alarms`, the shapes of the wire are in api/alarms.ts.
 * An alarm has a name and a subject (`rollout-stuck` of `2026-11-autumn`): those two are its identity for as long as it
 * lasts, so that it is told once when it begins and once when it is over. Design §6.
 */
import type { RolloutPhase } from "./rollout.ts";
import type { EpochMs, Generation, ProductName, VersionName } from "./units.ts";

/** `page` wakes somebody; `ticket` waits for the morning. */
export const ALARM_LEVELS = ["page", "ticket"] as const;
export type AlarmLevel = (typeof ALARM_LEVELS)[number];

export const ALARM_NAMES = [
  "control-down",
  "no-tick",
  "router-5xx",
  "known-share-falls",
  "edges-behind",
  "outbox-old",
  "automatic-rollback",
  "rollout-page",
  "undo-unconfirmed",
  "hold-past-end",
  "halt-active",
  "break-glass-active",
  "rollout-ticket",
  "wave-overdue",
  "approval-old",
  "pin-old",
  "bad-in-use",
  "fallback-old",
  "dead-letters",
] as const;
export type AlarmName = (typeof ALARM_NAMES)[number];

export interface AlarmRule {
  readonly level: AlarmLevel;
  /** When it fires, in words. */
  readonly condition: string;
  /** How long the condition must hold before anybody is told. */
  readonly forMs: number;
  /** What to type first. */
  readonly firstCommand: string;
}

/** A condition that holds now. */
export interface AlarmFinding {
  readonly name: AlarmName;
  /** Empty: there can be only one. */
  readonly subject: string;
  /** One sentence with its numbers. */
  readonly words: string;
  /** For this subject; left out: as in the table. */
  readonly firstCommand?: string;
}

/** A condition that holds, and since when. `raisedMs` null: not for long enough yet. */
export interface Alarm {
  readonly name: AlarmName;
  readonly subject: string;
  readonly level: AlarmLevel;
  readonly words: string;
  readonly firstCommand: string;
  readonly sinceMs: EpochMs;
  readonly raisedMs: EpochMs | null;
}

/** Requests by the class of their account, in some span of time. */
export interface KnownCount {
  readonly known: number;
  readonly unknown: number;
}

/** What edges said about themselves, as the meters added it up. */
export interface EdgePulse {
  /** Of the last ten minutes: all requests, and those that the router itself answered with 5xx. */
  readonly requests: number;
  readonly routerErrors: number;
  /** Of the last quarter of an hour, and of the same hour of the day before. */
  readonly lately: KnownCount;
  readonly yesterday: KnownCount;
  /** Isolates that answered requests by maps within two minutes. */
  readonly isolates: readonly PulseIsolate[];
  /** Testers' overrides that came and did not count, ever. */
  readonly refusedOverrides: number;
}

export interface PulseIsolate {
  readonly generation: Generation;
  /** Since when every report of it named this generation, without a pause. */
  readonly sinceMs: EpochMs;
  readonly requests: number;
}

/** A rollout as alarms see it. */
export interface AlarmRollout {
  readonly id: string;
  readonly phase: RolloutPhase;
  readonly reason: string;
  readonly sinceMs: EpochMs;
  readonly deadlineMs: EpochMs | null;
  /** Waits for a yes, of a person, since `sinceMs`. */
  readonly wantsApproval: boolean;
  /** It went back by itself, or is about to; null: nothing of the kind. */
  readonly automaticRollback: string | null;
}

/** What a rollout or replacement last told people, and nothing has come of yet. */
export interface AlarmNotice {
  /** `rollout/ID` or `replacement/PRODUCT/VERSION`. */
  readonly source: string;
  readonly level: AlarmLevel;
  readonly words: string;
}

/** A version that is marked bad and that somebody is left on. */
export interface AlarmBad {
  readonly product: ProductName;
  readonly version: VersionName;
  /** Accounts whose home it is. */
  readonly homes: number;
  /** Pins and quarantines of living accounts that name it. */
  readonly held: number;
}

/** Everything that alarms are decided from. */
export interface AlarmFacts {
  /** The control plane's clock: for what is due. */
  readonly nowMs: EpochMs;
  /** The machine's: for what is physical. */
  readonly wallMs: EpochMs;
  /** When cron last ticked; null: never yet. */
  readonly cronMs: EpochMs | null;
  readonly outbox: { readonly oldestMs: EpochMs | null; readonly blocked: string | null };
  readonly published: { readonly generation: Generation; readonly atMs: EpochMs | null };
  /** Null: there are no meters, or they do not answer. */
  readonly pulse: EdgePulse | null;
  readonly halt: { readonly by: string; readonly reason: string } | null;
  readonly breakGlass: {
    readonly reason: string;
    readonly expiresMs: EpochMs;
    readonly pins: boolean;
  } | null;
  readonly rollouts: readonly AlarmRollout[];
  readonly notices: readonly AlarmNotice[];
  /** Living accounts that are on a page until a rollout's undo is confirmed. `accounts` names a few of `count`. */
  readonly stuck: readonly {
    readonly rollout: string;
    readonly accounts: readonly string[];
    readonly count: number;
  }[];
  /** Past their end, of living accounts. `accounts` names a few of `count`. */
  readonly holds: {
    readonly products: readonly { readonly product: ProductName; readonly until: string }[];
    readonly accounts: readonly string[];
    readonly count: number;
  };
  /** Made so long ago that they are old, of living accounts. */
  readonly oldPins: { readonly count: number; readonly accounts: readonly string[] };
  readonly badInUse: readonly AlarmBad[];
  readonly fallbacks: readonly {
    readonly product: ProductName;
    readonly fallback: string;
    readonly default: VersionName;
    readonly origin: string;
  }[];
  /** Messages that were given up, by who never took them, with the command that sends them again. */
  readonly dead: readonly { readonly receiver: string; readonly count: number; readonly command: string }[];
}
