/**
 * Which conditions of the table hold, with the numbers that somebody woken at night wants first. A pure function of state
 * and time: what is not known fires nothing, except that ticks and the outbox are judged by their age. How long a
 * condition must hold before it is told is turn.ts's business. Called by the control plane once a tick and when asked.
 */
import type {
  AlarmBad,
  AlarmFacts,
  AlarmFinding,
  AlarmName,
  AlarmNotice,
  KnownCount,
  PulseIsolate,
} from "../../contracts/alarms.ts";
import { counted } from "../counted.ts";
import {
  APPROVAL_OLD_MS,
  EDGE_STUCK_MS,
  EDGES_LATE_MS,
  KNOWN_SHARE_FALL,
  MIN_REQUESTS,
  MIN_ROUTER_ERRORS,
  MINUTE_MS,
  OUTBOX_OLD_MS,
  ROUTER_ERROR_SHARE,
  TICK_LATE_MS,
} from "./table.ts";

/** Every condition that holds. */
export function findAlarms(facts: AlarmFacts): readonly AlarmFinding[] {
  return [
    ...noTick(facts),
    ...routerErrors(facts),
    ...knownShare(facts),
    ...edgesBehind(facts),
    ...oldOutbox(facts),
    ...switches(facts),
    ...rollouts(facts),
    ...facts.stuck.map(({ rollout, accounts, count }): AlarmFinding => ({
      name: "undo-unconfirmed",
      subject: rollout,
      words: `The undo hook of ${rollout} has not confirmed that it is done, so these stay on a page: ${listed(accounts, count)}`,
      firstCommand: `firebreak rollout left-behind ${rollout}`,
    })),
    ...holds(facts),
    ...oldPins(facts),
    ...facts.badInUse.map(badInUse),
    ...facts.fallbacks.map((each): AlarmFinding => ({
      name: "fallback-old",
      subject: each.product,
      words: `FALLBACK sends ${each.product} to ${each.fallback}, and its default (unknown accounts) is ${each.default} at ${each.origin}: deploy with the new origin, or a cold edge without KV serves the old version`,
    })),
    ...facts.dead.map(({ receiver, count, command }): AlarmFinding => ({
      name: "dead-letters",
      subject: receiver,
      words: `${count} ${count === 1 ? "message was" : "messages were"} given up for ${receiver}`,
      firstCommand: command,
    })),
  ];
}

function one(name: AlarmName, words: string): readonly AlarmFinding[] {
  return [{ name, subject: "", words }];
}

function noTick({ cronMs, wallMs }: AlarmFacts): readonly AlarmFinding[] {
  if (cronMs === null || wallMs - cronMs <= TICK_LATE_MS) return [];
  return one(
    "no-tick",
    `No tick has come from cron since ${instant(cronMs)}: is the cron trigger still there?`,
  );
}

function routerErrors({ pulse }: AlarmFacts): readonly AlarmFinding[] {
  if (pulse === null) return [];
  const { requests, routerErrors: errors } = pulse;
  if (errors < MIN_ROUTER_ERRORS || errors < requests * ROUTER_ERROR_SHARE) return [];
  return one(
    "router-5xx",
    `The router itself answered ${errors} of ${requests} requests of the last 10 minutes with 5xx: maps that cannot be read, a version that they do not have, or a bug`,
  );
}

function knownShare({ pulse }: AlarmFacts): readonly AlarmFinding[] {
  if (pulse === null) return [];
  const [now, before] = [shareOf(pulse.lately), shareOf(pulse.yesterday)];
  if (now === null || before === null || before - now < KNOWN_SHARE_FALL) return [];
  return one(
    "known-share-falls",
    `Known accounts make ${percent(now)} of the requests, yesterday at this hour ${percent(before)}: are accounts missing from the maps, or is somebody scanning?`,
  );
}

/** Null: too few to say. */
function shareOf({ known, unknown }: KnownCount): number | null {
  const all = known + unknown;
  return all < MIN_REQUESTS ? null : known / all;
}

function edgesBehind({ pulse, published, breakGlass, wallMs }: AlarmFacts): readonly AlarmFinding[] {
  if (pulse === null || published.atMs === null || wallMs - published.atMs < EDGES_LATE_MS) return [];
  // `holdGeneration` keeps edges where they are on purpose.
  if (breakGlass?.pins === true) return [];
  const stuck = pulse.isolates.filter(
    ({ generation, sinceMs }) => generation < published.generation && wallMs - sinceMs >= EDGE_STUCK_MS,
  );
  if (stuck.length === 0) return [];
  const sum = (isolates: readonly PulseIsolate[]): number =>
    isolates.reduce((all, { requests }) => all + requests, 0);
  const oldest = Math.min(...stuck.map(({ generation }) => generation));
  return one(
    "edges-behind",
    `${stuck.length} of ${pulse.isolates.length} isolates, with ${percent(sum(stuck) / Math.max(1, sum(pulse.isolates)))} of the requests, answer by maps as old as generation ${oldest}; ${published.generation} is out since ${instant(published.atMs)}`,
  );
}

function oldOutbox({ outbox, wallMs }: AlarmFacts): readonly AlarmFinding[] {
  if (outbox.blocked !== null) return one("outbox-old", `Publishing is blocked: ${outbox.blocked}`);
  const age = outbox.oldestMs === null ? 0 : wallMs - outbox.oldestMs;
  if (age < OUTBOX_OLD_MS) return [];
  return one("outbox-old", `A change has not been published for ${Math.floor(age / MINUTE_MS)} minutes`);
}

function switches({ halt, breakGlass }: AlarmFacts): readonly AlarmFinding[] {
  return [
    ...(halt === null
      ? []
      : one("halt-active", `Everything automatic is halted by ${halt.by}: ${halt.reason}`)),
    ...(breakGlass === null
      ? []
      : one(
          "break-glass-active",
          `Break-glass is in force until ${instant(breakGlass.expiresMs)}: ${breakGlass.reason}`,
        )),
  ];
}

/** Of one rollout the most telling alarm alone: what it said last is why it waits. */
function rollouts({ rollouts: all, notices, nowMs }: AlarmFacts): readonly AlarmFinding[] {
  const found: AlarmFinding[] = [];
  const told = new Map(notices.map((notice) => [notice.source, notice]));
  for (const { id, phase, reason, sinceMs, deadlineMs, wantsApproval, automaticRollback } of all) {
    const firstCommand = `firebreak rollout show ${id}`;
    const add = (name: AlarmName, words: string): void => {
      found.push({ name, subject: id, words, firstCommand });
      told.delete(`rollout/${id}`);
    };
    if (automaticRollback !== null) add("automatic-rollback", `${id} ${automaticRollback}`);
    else if (told.get(`rollout/${id}`)?.level === "page") continue;
    else if (wantsApproval && nowMs - sinceMs >= APPROVAL_OLD_MS)
      add("approval-old", `${id} has waited for approval since ${instant(sinceMs)}: ${reason}`);
    else if (!wantsApproval && deadlineMs !== null && nowMs > deadlineMs)
      add(
        "wave-overdue",
        `${id} has been ${phase} since ${instant(sinceMs)}, and was to be done by ${instant(deadlineMs)}: ${reason}`,
      );
  }
  return [...found, ...[...told.values()].map(findNotice)];
}

function findNotice({ source, level, words }: AlarmNotice): AlarmFinding {
  const [kind, ...rest] = source.split("/");
  const subject = rest.join(" ");
  const firstCommand =
    kind === "rollout"
      ? `firebreak rollout show ${subject}`
      : `firebreak version replacement show ${subject}`;
  return { name: level === "page" ? "rollout-page" : "rollout-ticket", subject, words, firstCommand };
}

function holds({ holds: { products, accounts, count } }: AlarmFacts): readonly AlarmFinding[] {
  const ofProducts = products.map(({ product, until }): AlarmFinding => ({
    name: "hold-past-end",
    subject: product,
    words: `All of ${product} is still held; that was to end at ${until}`,
    firstCommand: `firebreak product release ${product} --reason …`,
  }));
  if (count === 0) return ofProducts;
  return [
    ...ofProducts,
    ...one("hold-past-end", `Holds past their end: ${listed(accounts, count)}. Lift them, or set a new end`),
  ];
}

function oldPins({ oldPins: { count, accounts } }: AlarmFacts): readonly AlarmFinding[] {
  if (count === 0) return [];
  return one(
    "pin-old",
    `${count} ${count === 1 ? "pin" : "pins"} without an end and older than 90 days: ${listed(accounts, count)}`,
  );
}

function badInUse({ product, version, homes, held }: AlarmBad): AlarmFinding {
  const on = [
    ...(homes === 0 ? [] : [`the home of ${counted(homes, "account")}`]),
    ...(held === 0 ? [] : [`named by ${held} of the pins and quarantines`]),
  ];
  return {
    name: "bad-in-use",
    subject: `${product} ${version}`,
    words: `${product} ${version} is marked bad, and is ${on.join(" and ")}: nothing moves them by itself`,
    firstCommand: `firebreak accounts list --product ${product} --on ${version}`,
  };
}

function listed(names: readonly string[], count: number): string {
  const more = count > names.length ? ` and ${count - names.length} more` : "";
  return names.join(", ") + more;
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
