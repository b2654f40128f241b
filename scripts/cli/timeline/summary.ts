/**
 * What the lines of a time line come to: how many accounts, for how long, whose hands, what was put back, and what is left
 * for people to answer. Pure. It states what was recorded and asks about the rest; it never guesses a cause.
 */
import type { AuditEntry } from "../../../src/contracts/api/operations.ts";
import { isPerson, nameOf, textIn, within, type Facts, type Happening, type RolloutFacts } from "./facts.ts";
import { happeningsOf, markReturns } from "./happenings.ts";
import { minutesBetween, type DefaultSpan, type Touched } from "./measures.ts";
import { questionsOf } from "./questions.ts";

/** Hurt accounts that are named; `rollout impact` has all of them. */
const WORST = 10;

export interface Story {
  readonly asked: string | null;
  readonly from: string;
  readonly to: string;
  readonly happenings: readonly Happening[];
  readonly touched: readonly Touched[];
  readonly defaults: readonly DefaultSpan[];
  /** Accounts that were pinned, put back, held or released one by one. */
  readonly oneByOne: number;
  readonly people: readonly { readonly name: string; readonly did: readonly string[] }[];
  readonly putBack: readonly Happening[];
  readonly questions: readonly string[];
}

/** Adds up what was read. */
export function tellStory(facts: Facts): Story {
  const happenings = happeningsOf(facts);
  const touched = facts.rollouts.map((rollout) => touchedBy(rollout, facts));
  const defaults = defaultSpans(facts);
  const parts = { happenings, touched, defaults };
  return {
    asked: facts.asked,
    from: facts.from,
    to: facts.to,
    ...parts,
    oneByOne: new Set(
      facts.entries.map(({ target }) => target).filter((target) => target.startsWith("account/")),
    ).size,
    people: peopleOf(happenings),
    putBack: happenings.filter(({ kind }) => kind === "back"),
    questions: questionsOf(facts, parts),
  };
}

function touchedBy({ view, gates, hurt }: RolloutFacts, facts: Facts): Touched {
  const steps = facts.entries
    .filter(({ action, target }) => action === "rollout.published" && target === `rollout/${view.id}`)
    .map(({ at, detail }) => ({ at, moved: Number(detail["moved"] ?? 0) }));
  const first = steps.find(({ moved }) => moved > 0)?.at ?? null;
  const last = steps.at(-1);
  const backAt = first !== null && last?.moved === 0 ? last.at : null;
  return {
    id: view.id,
    targets: view.targets,
    phase: view.phase,
    accounts: view.accounts,
    movedAtMost: Math.max(0, ...steps.map(({ moved }) => moved)),
    movedNow: view.moved,
    firstMoveAt: first,
    backAt,
    minutes: first === null ? null : minutesBetween(first, backAt ?? facts.to),
    accountHours: accountHours(steps, facts.to),
    verdicts: (gates?.waves ?? []).flatMap(({ name, verdict }) =>
      verdict === null
        ? []
        : [`Wave "${name}", ${verdict.product} ${verdict.version}: ${verdict.verdict}. ${verdict.sentence}`],
    ),
    ...stayed(view),
    putBackAlone: gates?.putBack.length ?? 0,
    hurt: {
      accounts: hurt.length,
      failures: hurt.reduce((sum, { failures }) => sum + failures, 0),
      stillThere: hurt.filter(({ putBackAt }) => putBackAt === null).length,
      worst: hurt.toSorted((a, b) => b.minutes - a.minutes).slice(0, WORST),
    },
  };
}

/** Who is not on the target, told apart: "left behind" is a word for those alone that have a reason of their own. */
function stayed({
  leftBehind,
}: RolloutFacts["view"]): Pick<Touched, "takenBack" | "notReached" | "leftBehind"> {
  const sum = (of: (reason: string) => boolean): number =>
    leftBehind.reduce((all, { reason, accounts }) => all + (of(reason) ? accounts : 0), 0);
  return {
    takenBack: sum((reason) => reason === "rolled-back"),
    notReached: sum((reason) => reason === "not-reached"),
    leftBehind: sum((reason) => reason !== "rolled-back" && reason !== "not-reached"),
  };
}

function accountHours(steps: readonly { readonly at: string; readonly moved: number }[], to: string): number {
  const minutes = steps.reduce(
    (sum, { at, moved }, index) => sum + moved * minutesBetween(at, steps[index + 1]?.at ?? to),
    0,
  );
  return Math.round(minutes / 6) / 10;
}

const DEFAULTS: ReadonlySet<string> = new Set(["product.default.set", "product.default.revert"]);

function defaultSpans({ entries, to }: Facts): readonly DefaultSpan[] {
  const turns = markReturns(entries).filter(({ entry }) => DEFAULTS.has(entry.action));
  return turns.flatMap(({ entry: turn, returns }, index) => {
    if (returns || turn.action === "product.default.revert") return [];
    const next = turns.slice(index + 1).find(({ entry }) => entry.target === turn.target)?.entry;
    return {
      product: nameOf(turn.target),
      version: textIn(within(turn.detail, "after"), "default") ?? "none",
      from: turn.at,
      to: next?.at ?? null,
      minutes: minutesBetween(turn.at, next?.at ?? to),
      forced: turn.detail["forced"] === true,
      by: whoOf(turn),
    };
  });
}

function whoOf(entry: AuditEntry): string {
  return isPerson(entry) ? entry.actor : "Firebreak";
}

function peopleOf(happenings: readonly Happening[]): Story["people"] {
  const people = new Map<string, string[]>();
  for (const { who, byPerson, what } of happenings) {
    if (!byPerson) continue;
    const did = people.get(who) ?? [];
    did.push(what);
    people.set(who, did);
  }
  return [...people].map(([name, did]) => ({ name, did }));
}
