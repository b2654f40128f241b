/**
 * Judges one probe by what came back. The answer is read again from the bytes with the same reader as the adapter used,
 * so that the evidence alone decides and a stored exchange gives the same result another day.
 * Posture: closed. No fault of ours or of the network becomes `pass`, and none of ours becomes `fail`. It must not
 * weigh waivers: that is `verdict`. Called by the control plane and the command line for each probe.
 */
import {
  MAX_EVIDENCE_CHARS,
  type Expectation,
  type Probe,
  type ProbeOutcome,
  type ProbeResult,
  type RawExchange,
  type StatusRange,
  type Vantage,
} from "../../contracts/preflight.ts";
import { fieldValues } from "./answer-framing.ts";
import { escapeBytes, latin1Text } from "./bytes.ts";
import { describeFault, outcomeOfFault } from "./faults.ts";
import { createResponseReader, type ReadAnswer } from "./response-reader.ts";

interface Judgement {
  readonly outcome: ProbeOutcome;
  readonly sentence: string;
}

/** What was not sent because nothing leads there. */
const NOTHING: RawExchange = {
  end: "not-connected",
  fault: null,
  detail: "",
  received: new Uint8Array(),
  ms: 0,
};

/** Whether the request's method is HEAD, whose answer has no body whatever it says. */
export function isHeadRequest(bytes: Uint8Array): boolean {
  return latin1Text(bytes.subarray(0, 5)) === "HEAD ";
}

/**
 * Judges a probe.
 *
 * @param exchange what came back; null when nothing was sent, which is right for an unreachable target alone.
 * @param from where it was sent from.
 * @returns the outcome with its evidence (escaped, at most 4 KB a side) and a sentence for people.
 */
export function judge(probe: Probe, exchange: RawExchange | null, from: Vantage): ProbeResult {
  const { received, ms, end, fault: connection } = exchange ?? NOTHING;
  const answer = readAgain(probe, exchange ?? NOTHING);
  const fault = connection ?? (end === "not-connected" ? null : answer.fault);
  const judged = decide(probe, { exchange, answer });
  return {
    id: probe.id,
    title: probe.title,
    class: probe.class,
    cell: probe.cell,
    outcome: judged.outcome,
    evidence: {
      sent: escapeBytes(probe.bytes, MAX_EVIDENCE_CHARS),
      received: escapeBytes(received, MAX_EVIDENCE_CHARS),
      status: answer.status,
      ms,
      fault,
      from,
    },
    sentence: judged.sentence,
  };
}

function readAgain(probe: Probe, { received, end }: RawExchange): ReadAnswer {
  // One more than there is, so that the end is what the exchange says and never this reader's own cap.
  const reader = createResponseReader({ isHead: isHeadRequest(probe.bytes), capBytes: received.length + 1 });
  reader.push(received);
  return reader.answer(end);
}

function decide(
  probe: Probe,
  { exchange, answer }: { readonly exchange: RawExchange | null; readonly answer: ReadAnswer },
): Judgement {
  if (probe.target.kind === "unreachable") return { outcome: "unreachable", sentence: probe.target.why };
  if (exchange === null) return { outcome: "error", sentence: `${probe.title}: it was never sent` };
  const fault = exchange.fault ?? answer.fault;
  if (fault !== null) {
    const outcome = outcomeOfFault(fault);
    return { outcome, sentence: `${probe.title}: ${describeFault(fault)}${adviceFor(outcome)}` };
  }
  const missed = findMissed(probe.expect, answer);
  if (missed !== null) return { outcome: "fail", sentence: `${probe.title}: ${missed}${demand(probe)}` };
  return { outcome: "pass", sentence: `${probe.title}: ${answer.status ?? "no status"} as expected` };
}

function adviceFor(outcome: ProbeOutcome): string {
  return outcome === "unreachable"
    ? "; run `firebreak preflight … --from here` from a place that reaches it, or waive the probe by name"
    : "";
}

/** What of the expectation the answer lacks, null when nothing. */
function findMissed({ status, header, bodyContains }: Expectation, answer: ReadAnswer): string | null {
  const got = answer.status ?? 0;
  if (!status.some(([from, to]) => got >= from && got <= to)) {
    return `answered ${got}, expected ${formatRanges(status)}`;
  }
  if (header !== null) {
    const values = fieldValues(answer.fields, header.name.toLowerCase());
    const { contains } = header;
    if (values.length === 0) return `answered ${got} without the header ${header.name}`;
    if (contains !== null && !values.some((value) => value.includes(contains))) {
      return `answered ${got}, but ${header.name} does not hold "${contains}"`;
    }
  }
  if (bodyContains === null || holds(answer.body, bodyContains)) return null;
  const where = answer.capped ? `the first ${answer.body.length} bytes of the body do` : "the body does";
  return `answered ${got}, but ${where} not hold "${bodyContains}"`;
}

/** Compares bytes, so that the body's charset does not matter: both sides as one character a byte. */
function holds(body: Uint8Array, text: string): boolean {
  return latin1Text(body).includes(latin1Text(new TextEncoder().encode(text)));
}

function demand({ demandedBy }: Probe): string {
  return demandedBy.length === 0 ? "" : `, which is what ${demandedBy.join(" and ")} calls healthy`;
}

/** Ranges as people write them: `200`, `200-399`, several with commas; `nothing` when presets contradict each other. */
export function formatRanges(ranges: readonly StatusRange[]): string {
  if (ranges.length === 0) return "nothing (the chosen load balancers contradict each other)";
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}
