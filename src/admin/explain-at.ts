/**
 * `explain` for another time. The past: the maps that edges could answer by then, decided on again with the edge's own
 * functions; where a change was spreading, every answer that was possible. The future: what this node serves now, with the
 * move that the engine's forecast expects; never more than "if all goes as planned". Nothing is guessed: what is not
 * recorded is refused with the earliest time that is. Called by routes/insight.ts. Needs the control plane.
 */
import type { ExplainedTime, OtherAnswer } from "../contracts/api/history.ts";
import type { Explain } from "../contracts/api/operations.ts";
import type { AheadView, MomentView } from "../contracts/history-port.ts";
import { BUCKETS } from "../contracts/limits.ts";
import type { BreakGlass } from "../contracts/maps.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { EpochMs, Generation } from "../contracts/units.ts";
import type { AdminContext, Services } from "./deps.ts";
import { aheadNotes, pastNotes, sentenceAhead, sentencePast } from "./explain-at-words.ts";
import { explainOn, groundOf, type Ground, type Question } from "./explain.ts";
import { NotKept, openHistory, openKeptMaps } from "./past-maps.ts";

export interface TimedQuestion extends Question {
  readonly atMs: EpochMs;
  /** For times ahead: a rollout to look at; null: whichever runs. */
  readonly rollout: string | null;
}

/** Answers the question for its time. */
export async function explainAt(
  question: TimedQuestion,
  services: Services,
  context: AdminContext,
): Promise<Result<Explain, Refusal>> {
  const moment = await services.control.query("history.moment", { at: question.atMs });
  if (!moment.ok) return moment;
  return moment.value.tense === "past"
    ? explainPast(question, moment.value, services)
    : explainAhead(question, await groundOf(services, context), services);
}

function instant(atMs: EpochMs): string {
  return new Date(atMs).toISOString();
}

type Source = ExplainedTime["source"];

interface Answered {
  readonly explain: Explain;
  readonly source: Source;
}

/** What could have been in force: maps and a break-glass document. */
interface Candidate {
  readonly generation: Generation;
  readonly breakGlass: BreakGlass | null;
}

async function explainPast(
  question: TimedQuestion,
  moment: MomentView,
  services: Services,
): Promise<Result<Explain, Refusal>> {
  if (question.rollout !== null) return err(ROLLOUT_IS_AHEAD);
  const [served] = moment.served;
  if (served === undefined) return err(tooEarly(question, moment));
  const answers: Answered[] = [];
  for (const candidate of candidatesOf(moment)) {
    const answered = await answerFrom(candidate, question, services);
    if (answered.ok) answers.push(answered.value);
    else if (answered.error.problem !== "not-found") return answered;
    // An older answer that is not recorded any more is only missing among the others.
    else if (answers.length === 0) return err(tooEarly(question, moment));
  }
  const [first, ...rest] = answers;
  if (first === undefined) return err(tooEarly(question, moment));
  const others = othersOf(first.explain, rest);
  const at: ExplainedTime = {
    time: instant(question.atMs),
    tense: "past",
    source: first.source,
    certainty: others.length === 0 ? "certain" : "spreading",
    from: instant(served.fromMs),
    others: [...others],
    move: null,
    notes: [...pastNotes(moment)],
  };
  return ok({ ...first.explain, sentence: sentencePast(first.explain.sentence, at), at });
}

const ROLLOUT_IS_AHEAD: Refusal = {
  problem: "invalid",
  detail: "rollout is for times ahead: the past is told from what was published. Leave it out.",
};

function tooEarly({ atMs }: TimedQuestion, { earliest }: MomentView): Refusal {
  const since =
    earliest === null
      ? "nothing has been published yet"
      : `the record begins at ${instant(earliest)}, so ask for that time or a later one`;
  return {
    problem: "not-found",
    detail: `What this request got at ${instant(atMs)} cannot be known: ${since}. The audit may go back further.`,
    extensions: { earliest: earliest === null ? null : instant(earliest) },
  };
}

/** The likeliest first. A document may hold edges at a generation of its own. */
function candidatesOf({ served, breakGlass }: MomentView): readonly Candidate[] {
  const documents = breakGlass.length === 0 ? [null] : breakGlass.map(({ document }) => document);
  const all = documents.flatMap((document) =>
    served.map(({ generation }) => ({
      generation: document?.holdGeneration ?? generation,
      breakGlass: document,
    })),
  );
  const seen = new Set<string>();
  return all.filter(({ generation, breakGlass: document }) => {
    const name = `${generation} ${documents.indexOf(document)}`;
    const isNew = !seen.has(name);
    seen.add(name);
    return isNew;
  });
}

/** From the kept copies, else from the record. */
async function answerFrom(
  candidate: Candidate,
  question: Question,
  services: Services,
): Promise<Result<Answered, Refusal>> {
  const kept = await tryGround(question, await openKeptMaps(candidate, services));
  if (kept !== null) return ok({ explain: kept, source: "kept-maps" });
  const recorded = await openHistory(candidate, services);
  if (!recorded.ok) return recorded;
  const explain = await tryGround(question, recorded.value);
  if (explain !== null) return ok({ explain, source: "history" });
  return err({ problem: "not-found", detail: "that time is not recorded" });
}

async function tryGround(question: Question, ground: Ground | null): Promise<Explain | null> {
  if (ground === null) return null;
  try {
    return await explainOn(question, ground);
  } catch (cause) {
    if (cause instanceof NotKept) return null;
    throw cause;
  }
}

/** Answers that differ from the first in more than the generation. */
function othersOf(first: Explain, rest: readonly Answered[]): readonly OtherAnswer[] {
  const textOf = ({ version, origin, reason, account, product }: Explain): string =>
    JSON.stringify([version, origin, reason, account, product]);
  const byText = new Map([
    [textOf(first), first],
    ...rest.map(({ explain }) => [textOf(explain), explain] as const),
  ]);
  byText.delete(textOf(first));
  return [...byText.values()].map(({ generation, version, origin, reason, sentence }) => ({
    generation,
    version,
    origin,
    reason,
    sentence,
  }));
}

async function explainAhead(
  question: TimedQuestion,
  ground: Ground,
  services: Services,
): Promise<Result<Explain, Refusal>> {
  const then = withoutExpired(ground, question.atMs);
  const now = await explainOn(question, then);
  const { product, account } = now;
  const ahead =
    product === null || now.reason === "fallback" || now.reason === "health"
      ? null
      : await services.control.query("history.ahead", { product, account, rollout: question.rollout });
  if (ahead !== null && !ahead.ok) return ahead;
  const view = ahead?.value ?? null;
  const move = view?.move ?? null;
  const moved =
    move !== null && move.atMs <= question.atMs ? await explainOn(question, withMove(then, view)) : now;
  const at: ExplainedTime = {
    time: instant(question.atMs),
    tense: "ahead",
    source: "forecast",
    certainty: "expected",
    from: null,
    others: [],
    move:
      move === null || view?.rollout == null
        ? null
        : {
            product: move.product,
            to: move.to,
            wave: move.wave,
            at: { ...move.at },
            zone: move.zone,
            rollout: view.rollout.id,
          },
    notes: [...aheadNotes(view, { product, ...standing(then, product) })],
  };
  return ok({ ...moved, sentence: sentenceAhead(moved.sentence, at), at });
}

function standing(
  { snapshot: { root, breakGlass } }: Ground,
  product: string | null,
): { readonly breakGlass: boolean; readonly replacing: boolean } {
  const facts = product === null ? undefined : root?.products[product];
  return { breakGlass: breakGlass !== null, replacing: (facts?.replacements.length ?? 0) > 0 };
}

/** A break-glass document that has expired by then. */
function withoutExpired(ground: Ground, atMs: EpochMs): Ground {
  const { breakGlass } = ground.snapshot;
  if (breakGlass === null || breakGlass.expires > atMs) return ground;
  return { ...ground, snapshot: { ...ground.snapshot, breakGlass: null } };
}

/** The maps as they would be once the expected move has been made. */
function withMove(ground: Ground, view: AheadView | null): Ground {
  const { move, rollout } = view ?? { move: null, rollout: null };
  if (move === null || rollout === null) return ground;
  const { product, to, wave } = move;
  const afterwards = (root: Ground["snapshot"]["root"]): Ground["snapshot"]["root"] => {
    const facts = root?.products[product];
    if (root === null || facts === undefined) return root;
    if (wave === null)
      return { ...root, products: { ...root.products, [product]: { ...facts, default: to } } };
    const moved = { id: rollout.id, salt: "", targets: { [product]: to }, moved: [BUCKETS], held: [0] };
    return { ...root, rollouts: [moved] };
  };
  return {
    ...ground,
    snapshot: { ...ground.snapshot, root: afterwards(ground.snapshot.root) },
    look: async (key) => {
      const { found, root } = await ground.look(key);
      const row =
        found.kind === "row" && wave !== null ? { ...found, row: { ...found.row, group: 0 } } : found;
      return { found: row, root: afterwards(root) };
    },
  };
}
