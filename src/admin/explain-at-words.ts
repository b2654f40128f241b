/**
 * What is said about another time, in sentences for people: when, how certain, what is not known, what may change it.
 * Pure; every fact is in the arguments. Called by explain-at.ts.
 */
import type { ExplainedTime } from "../contracts/api/history.ts";
import type { AheadView, MomentView } from "../contracts/history-port.ts";

/** The answer's sentence with its time in front. */
export function sentencePast(sentence: string, { time, others }: ExplainedTime): string {
  const [other] = others;
  const spread =
    other === undefined
      ? ""
      : ` Maps were spreading then, so some edges may have answered otherwise: ${other.version === null ? other.reason : `${other.version}, by ${other.reason}`} (generation ${other.generation}).`;
  return `At ${time}: ${sentence}${spread}`;
}

export function pastNotes({ breakGlass, served }: MomentView): readonly string[] {
  const [first] = served;
  return [
    ...(breakGlass.length === 0
      ? ["Whether a break-glass document was in force then is not recorded."]
      : ["Break-glass is as the control plane saw it, once a minute."]),
    ...(first === undefined || served.length === 1
      ? []
      : [
          `Generation ${first.generation} came out at ${new Date(first.fromMs).toISOString()}; edges that were idle may have answered by the one before until three minutes later.`,
        ]),
    "Testers' overrides are not part of it.",
  ];
}

/** The expected move, and nothing that sounds like more than an expectation. */
export function sentenceAhead(sentence: string, { time, move }: ExplainedTime): string {
  const what = `If all goes as planned, at ${time}: ${sentence}`;
  if (move === null) return what;
  const { at, to, product, wave, rollout } = move;
  const who = wave === null ? `The default of ${product} moves` : "It moves";
  const by = wave === null ? `rollout ${rollout}` : `wave "${wave}" of rollout ${rollout}`;
  return `${what} ${who} to ${product} ${to} from ${at.local} (${at.utc}) on, with ${by}.`;
}

/** What stands now and may not then. */
export interface Standing {
  readonly product: string | null;
  readonly breakGlass: boolean;
  readonly replacing: boolean;
}

export function aheadNotes(
  view: AheadView | null,
  { product, breakGlass, replacing }: Standing,
): readonly string[] {
  const glass = [
    ...(breakGlass ? ["A break-glass document is in force now; it is counted until it expires."] : []),
    ...(replacing ? ["A replacement is under way; it is counted as it stands now."] : []),
  ];
  if (view === null)
    return [
      ...glass,
      "This does not depend on any rollout, only on settings that somebody would have to change.",
    ];
  if (view.rollout === null)
    return [
      ...glass,
      `No rollout of ${product ?? "this product"} is running, so nothing that is planned moves it. Ask about a draft with --rollout ID (rollout=ID in the API).`,
      ...view.unless,
    ];
  const stays = view.stays === null ? [] : [sentenceCase(view.stays)];
  const spread =
    view.move === null ? [] : ["Edges learn of a move within about a minute, idle ones within three."];
  return [...glass, ...stays, ...view.unless, ...spread];
}

function sentenceCase(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
