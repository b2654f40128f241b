/**
 * What a time line cannot answer, asked of the people who write the post-mortem. Pure. Each question stands on something
 * that was recorded and says it; without such a ground it is not asked.
 */
import { count } from "../render.ts";
import { isPerson, nameOf, textIn, type Facts, type Happening } from "./facts.ts";
import { duration, minutesBetween, type DefaultSpan, type Touched } from "./measures.ts";

interface Parts {
  readonly happenings: readonly Happening[];
  readonly touched: readonly Touched[];
  readonly defaults: readonly DefaultSpan[];
}

export function questionsOf(facts: Facts, parts: Parts): readonly string[] {
  return [
    ...parts.touched.flatMap((each) => ofRollout(each, parts.happenings)),
    ...ofDefaults(parts.defaults),
    ...ofPeople(facts),
    ...ofWhatStillHolds(facts),
  ];
}

/** Phases in which something went another way than planned. */
const WENT_WRONG: ReadonlySet<string> = new Set([
  "rolled-back",
  "rolling-back",
  "stopped",
  "paused",
  "preflight-failed",
]);

function ofRollout(rollout: Touched, happenings: readonly Happening[]): string[] {
  const { id, targets, phase, firstMoveAt, movedAtMost, movedNow, hurt, verdicts } = rollout;
  const stayed = rollout.leftBehind + rollout.notReached + rollout.takenBack;
  const names = Object.entries(targets).map((pair) => pair.join(" "));
  const questions: string[] = [];
  const wrong = WENT_WRONG.has(phase) || hurt.accounts > 0;
  if (wrong) questions.push(`What was wrong with ${names.join(" and ")}, and which change brought it in?`);
  const sign = firstMoveAt === null ? undefined : firstSign(happenings, { id, after: firstMoveAt });
  if (wrong && sign !== undefined && firstMoveAt !== null) {
    const minutes = minutesBetween(firstMoveAt, sign.at);
    questions.push(
      `Between the first account that moved and the first sign (${quoted(sign)}) lay ${duration(minutes)}. What would have shown it sooner, on how many accounts?`,
    );
  }
  const watched = verdicts.length > 0 || happenings.some(({ what }) => what.startsWith("Gate of "));
  if (wrong && movedAtMost > 0 && !watched)
    questions.push(
      `No gate watched ${id}: its plan names none, or nothing was counted. Should the next plan have one?`,
    );
  if (movedNow > 0 && wrong)
    questions.push(
      `${count(movedNow, "account")} of ${id} ${movedNow === 1 ? "is" : "are"} still on ${names.join(" and ")}. Is that meant?`,
    );
  if (hurt.accounts > 0)
    questions.push(
      `${count(hurt.accounts, "account")} met failures. Who tells them, and is any of their data to be repaired?`,
    );
  if (hurt.stillThere > 0)
    questions.push(
      `${count(hurt.stillThere, "account")} that met failures ${hurt.stillThere === 1 ? "was" : "were"} not put back. Why?`,
    );
  if (stayed > 0 && phase === "completed")
    questions.push(`${count(stayed, "account")} left behind by ${id}: when do they move?`);
  return questions;
}

/** The first verdict, pause, stop, halt or way back after it began to move. */
function firstSign(
  happenings: readonly Happening[],
  { id, after }: { readonly id: string; readonly after: string },
): Happening | undefined {
  return happenings.find(
    ({ at, kind, target, what }) =>
      at >= after &&
      (target === `rollout/${id}` || target === "halt") &&
      (kind === "stop" || kind === "back" || (kind === "gate" && /: fail/.test(what))),
  );
}

function ofDefaults(spans: readonly DefaultSpan[]): string[] {
  return spans
    .filter(({ forced, to }) => forced && to !== null)
    .map(
      ({ product, version, by, minutes }) =>
        `${by} forced the default of ${product} to ${version} past its preflight, for ${duration(minutes)}. Why, and who should have been asked?`,
    )
    .slice(0, 3);
}

/** A resume after a pause, a probe or a gate let past: what was known when it was decided? */
function ofPeople({ entries }: Facts): string[] {
  return entries.filter(isPerson).flatMap(({ action, actor, reason, target, detail }) => {
    const because = reason === null ? "without a reason" : `because "${reason}"`;
    if (action === "rollout.resume")
      return [`${actor} resumed ${nameOf(target)} ${because}. What was known then?`];
    if (action === "rollout.waive-gate")
      return [`${actor} let the gate of ${nameOf(target)} pass ${because}. Would waiting have shown it?`];
    if (action === "preflight.waive")
      return [
        `${actor} let the probe ${textIn(detail, "probe") ?? "?"} of ${nameOf(target)} past ${because}. Would it have shown it?`,
      ];
    return [];
  });
}

function ofWhatStillHolds({ entries }: Facts): string[] {
  const halt = entries.findLast(({ action }) => action === "halt.set");
  const bad = entries.filter(({ action }) => action === "version.bad.mark");
  const cleared = new Set(
    entries.filter(({ action }) => action === "version.bad.clear").map(({ target }) => target),
  );
  return [
    ...(halt?.detail["after"] === true ? ["The halt is still on. Who ends it, and when?"] : []),
    ...bad
      .filter(({ target }) => !cleared.has(target))
      .map(({ target }) => `Version ${nameOf(target)} is marked bad. Which version takes its place?`),
  ];
}

function quoted({ what, reason }: Happening): string {
  return reason === null ? what : `${what}: "${reason}"`;
}
