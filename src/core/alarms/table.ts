/**
 * The table of alarms: what wakes somebody and what waits for the morning, when, and what to type first. Pure data; what
 * fires is found in find.ts. Numbers that people may want to change are here, each with why it is what it is.
 */
import type { AlarmName, AlarmRule } from "../../contracts/alarms.ts";

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** Cron comes every minute; the watchdog stands in after three. */
export const TICK_LATE_MS = 5 * MINUTE_MS;
/** A change is out within some two minutes; with KV failing for a while it may take longer. */
export const OUTBOX_OLD_MS = 10 * MINUTE_MS;
/** Warm edges adopt maps within a minute, idle ones within three. */
export const EDGES_LATE_MS = 5 * MINUTE_MS;
/** An isolate whose requests were answered by old maps for so long has refreshed several times, in vain. */
export const EDGE_STUCK_MS = 2 * MINUTE_MS;
/** Fewer requests say nothing about shares. */
export const MIN_REQUESTS = 200;
/** Points that the share of known hosts may fall below yesterday's. */
export const KNOWN_SHARE_FALL = 0.1;
/** Single ones happen to idle edges whose KV read was slow. */
export const MIN_ROUTER_ERRORS = 10;
export const ROUTER_ERROR_SHARE = 0.01;
/** Whoever was to say yes has had a working day. */
export const APPROVAL_OLD_MS = DAY_MS;
/** Two releases on, nobody remembers why. */
export const PIN_OLD_MS = 90 * DAY_MS;
/** Long enough for the deploy that follows a default move. */
export const FALLBACK_OLD_MS = DAY_MS;
/** An automatic rollback is told until somebody has had a night and a morning to see it. */
export const ROLLBACK_TOLD_MS = DAY_MS;

export const ALARM_TABLE: Readonly<Record<AlarmName, AlarmRule>> = {
  "control-down": {
    level: "page",
    condition: "the control plane does not answer this node; serving goes on with the last maps",
    forMs: 0,
    firstCommand: "npx wrangler tail",
  },
  "no-tick": {
    level: "page",
    condition:
      "cron has not ticked for 5 minutes; only the watchdog may, or nothing moves and nothing expires",
    forMs: 0,
    firstCommand: "npx wrangler triggers deploy",
  },
  "router-5xx": {
    level: "page",
    condition:
      "the router itself, not a version, answered 10 requests and 1 % of all with 5xx within 10 minutes",
    forMs: 0,
    firstCommand: "firebreak status",
  },
  "known-share-falls": {
    level: "page",
    condition:
      "the share of requests for known accounts is 10 points below that of the same hour yesterday, over 200 requests or more",
    forMs: 5 * MINUTE_MS,
    firstCommand: "firebreak explain HOST",
  },
  "edges-behind": {
    level: "page",
    condition: "an edge keeps answering by older maps than were published 5 minutes ago or earlier",
    forMs: 2 * MINUTE_MS,
    firstCommand: "firebreak status",
  },
  "outbox-old": {
    level: "page",
    condition: "a change has not been published for 10 minutes, or publishing is blocked",
    forMs: 0,
    firstCommand: "firebreak status",
  },
  "automatic-rollback": {
    level: "page",
    condition: "a rollout goes back by itself, or did within the last day",
    forMs: 0,
    firstCommand: "firebreak rollout show ID",
  },
  "rollout-page": {
    level: "page",
    condition: "a rollout or replacement stopped itself, or saw what a person must see now",
    forMs: 0,
    firstCommand: "firebreak rollout show ID",
  },
  "undo-unconfirmed": {
    level: "page",
    condition: "accounts are on a maintenance page until a hook confirms that their move was undone",
    forMs: 0,
    firstCommand: "firebreak rollout left-behind ID",
  },
  "hold-past-end": {
    level: "page",
    condition: "a product or account is still on its maintenance page after the hold was to end",
    forMs: 0,
    firstCommand: "firebreak accounts release ACCOUNT --reason …",
  },
  "halt-active": {
    level: "page",
    condition: "everything automatic is halted",
    forMs: 0,
    firstCommand: "firebreak halt off --reason …",
  },
  "break-glass-active": {
    level: "page",
    condition: "a break-glass document is in force",
    forMs: 0,
    firstCommand: "firebreak status",
  },
  "rollout-ticket": {
    level: "ticket",
    condition: "a rollout or replacement waits for a person, or told of something to look at",
    forMs: 0,
    firstCommand: "firebreak rollout show ID",
  },
  "wave-overdue": {
    level: "ticket",
    condition: "a rollout has waited in its phase beyond its deadline",
    forMs: 0,
    firstCommand: "firebreak rollout show ID",
  },
  "approval-old": {
    level: "ticket",
    condition: "a rollout has waited for approval for a day",
    forMs: 0,
    firstCommand: "firebreak rollout approve ID WAVE",
  },
  "pin-old": {
    level: "ticket",
    condition: "a pin without an end is older than 90 days",
    forMs: 0,
    firstCommand: "firebreak accounts show ACCOUNT",
  },
  "bad-in-use": {
    level: "ticket",
    condition: "accounts are at home on, pinned to or in quarantine on a version that is marked bad",
    forMs: 0,
    firstCommand: "firebreak accounts list --product PRODUCT --on VERSION",
  },
  "fallback-old": {
    level: "ticket",
    condition: "FALLBACK has named another origin than the default version's for a day",
    forMs: FALLBACK_OLD_MS,
    firstCommand: "npx wrangler deploy",
  },
  "dead-letters": {
    level: "ticket",
    condition: "a message was given up after a day without being taken",
    forMs: 0,
    firstCommand: "firebreak events dead",
  },
};
