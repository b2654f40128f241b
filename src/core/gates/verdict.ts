/**
 * One verdict out of all parts of a gate, with what the plan wants done. Decides the order of precedence: unhealthy beats
 * inconclusive beats pass; while the not moved accounts are bad as well nothing is held against the version, and people
 * are told; a part that runs dry or only warns says its word and changes nothing.
 * Pure; called by control for each product of the wave at hand, by the replay and by the simulation. Design §5.2.
 */
import type {
  ErrorNumbers,
  GateAction,
  GateCause,
  GateInput,
  GateVerdict,
  LatencyNumbers,
  PartVerdict,
} from "../../contracts/gate.ts";
import { GATE_ACTIONS } from "../../contracts/gate.ts";
import { errorNumbers, isBaselineBad } from "./error-rate.ts";
import { latencyNumbers } from "./latency.ts";
import type { AccountsFinding } from "./part-accounts.ts";
import { accountsPart } from "./part-accounts.ts";
import { errorsPart } from "./part-errors.ts";
import { latencyPart } from "./part-latency.ts";
import { signalsPart } from "./part-signals.ts";
import { percent, points } from "./wording.ts";

/** What no plan may let past by itself, in the order in which it is told. */
const NEVER_ADVANCE: readonly GateCause[] = ["baseline-bad", "not-measured", "must-have"];
const NO_LATENCY: LatencyNumbers = {
  movedP95Ms: null,
  notMovedP95Ms: null,
  slowWindows: 0,
  windows: 0,
  requests: 0,
};

/** A part with what the plan does about it. */
interface Weighed {
  readonly part: PartVerdict;
  readonly action: GateAction;
  readonly dry: boolean;
}

function strongest(weighed: readonly Weighed[]): GateAction | null {
  return GATE_ACTIONS.findLast((action) => weighed.some((one) => one.action === action)) ?? null;
}

function baselineSentence(numbers: ErrorNumbers): string {
  const { baseline, notMovedRate } = numbers;
  const more =
    baseline === null ? "" : `, at least ${points(baseline.lower)} points more than in their own past`;
  return `not moved accounts are bad as well (${percent(notMovedRate)}${more}): nothing is held against the version`;
}

/** Takes back a failure of the version while everybody else fails too; signals speak for themselves. */
function excuse(part: PartVerdict, sentence: string): PartVerdict {
  if (part.part === "signals") return part;
  return { ...part, verdict: "inconclusive", cause: "baseline-bad", sentence, missing: [] };
}

interface Findings {
  readonly errors: ErrorNumbers;
  readonly latency: LatencyNumbers;
  readonly accounts: AccountsFinding;
  readonly parts: readonly PartVerdict[];
}

function find(input: GateInput): Findings {
  const errors = errorNumbers(input);
  const latency =
    input.policy.latency === null ? NO_LATENCY : latencyNumbers(input.latency, input.policy.latency);
  const accounts = accountsPart(input, errors);
  const parts = [errorsPart(input, errors), accounts.part, latencyPart(input, latency), signalsPart(input)];
  if (!isBaselineBad(errors)) return { errors, latency, accounts, parts };
  const sentence = baselineSentence(errors);
  return {
    errors,
    latency,
    accounts: { ...accounts, quarantine: [] },
    parts: parts.map((part) => excuse(part, sentence)),
  };
}

function weigh(input: GateInput, { parts, accounts }: Findings): readonly Weighed[] {
  const { actions, dryRun } = input.policy;
  return parts.map((part) => ({
    part,
    action: part.part === "accounts" && accounts.holds ? "hold" : actions[part.part],
    dry: dryRun.includes(part.part),
  }));
}

type Word = Pick<GateVerdict, "verdict" | "cause" | "action" | "wouldDo" | "planMayAdvance">;

/** A missing `mustHave` holds even where signals only warn: that they must be there was said by name. */
function holdsUp({ part, action, dry }: Weighed): boolean {
  if (part.verdict !== "inconclusive" || dry) return false;
  return action !== "warn" || part.cause === "must-have" || part.cause === "baseline-bad";
}

function decide(
  input: GateInput,
  weighed: readonly Weighed[],
): Word & { readonly about: readonly Weighed[] } {
  const failed = weighed.filter(({ part }) => part.verdict === "fail");
  const acting = failed.filter(({ dry }) => !dry);
  const wouldFail = strongest(failed);
  const stopping = acting.filter(({ action }) => action !== "warn");
  const [worst] = stopping;
  if (worst !== undefined) {
    const action = strongest(acting);
    const { cause } = worst.part;
    return { verdict: "fail", cause, action, wouldDo: wouldFail, planMayAdvance: true, about: stopping };
  }
  const open = weighed.filter(holdsUp);
  const barred = NEVER_ADVANCE.find((cause) => open.some(({ part }) => part.cause === cause));
  const [first] = open;
  if (first !== undefined) {
    const action = input.policy.onInconclusive === "pause" ? "pause" : "hold";
    const stronger = wouldFail !== null && GATE_ACTIONS.indexOf(wouldFail) > GATE_ACTIONS.indexOf(action);
    return {
      verdict: "inconclusive",
      cause: barred ?? first.part.cause,
      action,
      wouldDo: stronger ? wouldFail : action,
      planMayAdvance: barred === undefined,
      about: barred === undefined ? open : open.filter(({ part }) => part.cause === barred),
    };
  }
  const action = strongest(acting);
  const cause = failed[0]?.part.cause ?? "fine";
  const about = weighed.filter(({ part }) => part.part === "errors" || part.part === "accounts");
  return { verdict: "pass", cause, action, wouldDo: wouldFail, planMayAdvance: true, about };
}

function sentenceOf(weighed: readonly Weighed[], about: readonly Weighed[]): string {
  const quiet = weighed.filter(
    ({ part, action, dry }) => part.verdict === "fail" && (dry || action === "warn"),
  );
  const said = about.filter(({ part }) => part.verdict !== "fail" || !quiet.some((one) => one.part === part));
  const words = said.map(({ part }) => part.sentence);
  const asides = quiet.map(({ part, action, dry }) =>
    dry ? `would ${action}, but runs dry: ${part.sentence}` : `warning: ${part.sentence}`,
  );
  return [...new Set([...words, ...asides])].join("; ");
}

function notifyOf(word: Word, findings: Findings): GateVerdict["notify"] {
  if (word.cause === "baseline-bad") return "page";
  if (word.verdict === "fail") return word.action === "hold" ? "ticket" : "page";
  if (word.cause === "not-measured" || word.wouldDo === "warn") return "ticket";
  const dryFailure = findings.parts.some(({ verdict }) => verdict === "fail");
  return dryFailure || findings.accounts.quarantine.length > 0 ? "ticket" : null;
}

/**
 * The word over one product of one wave. Always answers; the same input gives the same answer.
 *
 * Worked example: 3 requests in all → `inconclusive`, cause `too-little`, action `hold`, missing `3 of 300 requests of
 * moved accounts`; 200 accounts of which the moved half fails 5 % and the rest 1 % → `fail`, cause `errors`, the plan's
 * action; both halves 5 % where the past had 1 % → `inconclusive`, cause `baseline-bad`, action `hold`, notify `page`.
 */
export function judgeGate(input: GateInput): GateVerdict {
  const findings = find(input);
  const weighed = weigh(input, findings);
  const { about, ...word } = decide(input, weighed);
  const dry = input.policy.dryRun.includes("accounts");
  return {
    atMs: input.nowMs,
    product: input.product,
    version: input.version,
    ...word,
    sentence: `${input.product} ${input.version}: ${sentenceOf(weighed, about)}`,
    notify: notifyOf(word, findings),
    quarantine: dry ? [] : findings.accounts.quarantine,
    suspects: findings.accounts.suspects,
    parts: findings.parts,
    errors: findings.errors,
    latency: findings.latency,
    missing: findings.parts.flatMap(({ missing }) => missing),
  };
}

const ORDER = ["pass", "inconclusive", "fail"] as const;

/** A verdict over all products of a wave; who goes into quarantine stays with each product. */
export type WaveVerdict = Pick<
  GateVerdict,
  "atMs" | "verdict" | "cause" | "sentence" | "action" | "wouldDo" | "planMayAdvance" | "notify"
>;

/**
 * The word over a wave that moves several products together: the worst of them and the strongest action; all that are as
 * bad are said. Null for none, which the engine takes as nothing measured.
 */
export function worstVerdict(verdicts: readonly GateVerdict[]): WaveVerdict | null {
  const [worst] = verdicts.toSorted((a, b) => ORDER.indexOf(b.verdict) - ORDER.indexOf(a.verdict));
  if (worst === undefined) return null;
  const same = verdicts.filter(({ verdict }) => verdict === worst.verdict);
  const mostOf = (pick: (one: GateVerdict) => GateAction | null): GateAction | null =>
    GATE_ACTIONS.findLast((action) => verdicts.some((one) => pick(one) === action)) ?? null;
  const barred = same.find(({ planMayAdvance }) => !planMayAdvance) ?? worst;
  return {
    atMs: Math.min(...verdicts.map(({ atMs }) => atMs)),
    verdict: worst.verdict,
    cause: barred.cause,
    sentence: same.map(({ sentence }) => sentence).join("; "),
    action: mostOf(({ action }) => action),
    wouldDo: mostOf(({ wouldDo }) => wouldDo),
    planMayAdvance: barred.planMayAdvance,
    notify: verdicts.find(({ notify }) => notify === "page")?.notify ?? worst.notify,
  };
}
