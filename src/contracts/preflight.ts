/**
 * The words of preflight: a probe (one raw request to a candidate), what came back, how it was judged, what was waived.
 * Plain data that crosses RPC, is stored as evidence and is shown to people; the operators' own probes are checked here,
 * by the one function that both the API schema and the byte builder call. It must not send or judge anything.
 * Posture: closed. Nothing heard is never `pass`, and a probe that would smuggle a second header is refused.
 */
import type { AccountSlug, EpochMs, ProductName, VersionName } from "./units.ts";

/** Load balancers whose health checks are known; what each sends and counts as healthy is in `core/preflight/presets`. */
export const PRESETS = ["haproxy", "elb-classic", "alb", "nlb", "gclb", "kubelet", "cloudflare-lb"] as const;
export type PresetName = (typeof PRESETS)[number];

/** Used when nobody said what stands in front: the bare check of the incident. */
export const DEFAULT_PRESETS: readonly PresetName[] = ["haproxy"];

/** Classes that a version will serve and that must have been seen before a wave or default move completes. */
export const COVERED_CLASSES = ["known", "unknown", "none", "ip"] as const;
export type CoveredClass = (typeof COVERED_CLASSES)[number];

/** What the Host of a probe names. `malformed` and `asterisk` (`OPTIONS *`) are probed, but no coverage waits for them. */
export const PROBE_CLASSES = [...COVERED_CLASSES, "malformed", "asterisk"] as const;
export type ProbeClass = (typeof PROBE_CLASSES)[number];

/** Inclusive range of status codes. */
export type StatusRange = readonly [from: number, to: number];

export interface Expectation {
  /** The status must lie in one of these. */
  readonly status: readonly StatusRange[];
  /** A field that must be there (name without regard to case), holding `contains`; null: any value. */
  readonly header: { readonly name: string; readonly contains: string | null } | null;
  /** Text that the body must hold, compared as bytes (UTF-8). */
  readonly bodyContains: string | null;
}

/** Where a probe goes. `unreachable`: no raw connection leads there; `why` is a sentence for people. */
export type ProbeTarget =
  | { readonly kind: "socket"; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly kind: "unreachable"; readonly why: string };

export interface Probe {
  /** Stable: `NAME`, or `NAME@CELL` where the origin has one server per cell. Own ones start with `own-`. */
  readonly id: string;
  readonly title: string;
  readonly class: ProbeClass;
  readonly cell: string | null;
  readonly target: ProbeTarget;
  /** Exactly what is written to the socket. */
  readonly bytes: Uint8Array;
  readonly expect: Expectation;
  /** One sentence: who sends this in the world. */
  readonly why: string;
  /** Chosen presets that tightened `expect`. */
  readonly demandedBy: readonly PresetName[];
}

/** A request that operators add. Structured ones cannot smuggle; `raw` ones are sent as they are and say so. */
export interface OwnProbe {
  readonly id: string;
  readonly title: string;
  readonly class: ProbeClass;
  readonly why: string;
  readonly request: OwnRequest;
  readonly expect: Expectation;
}

export type OwnRequest =
  | {
      readonly kind: "request";
      readonly method: string;
      /** Request target as sent, such as `/`, `/login?x=1` or `*`. */
      readonly target: string;
      readonly httpVersion: "1.0" | "1.1";
      /** null: no Host line; "": an empty one. `{domain}` and `{cell}` are filled in. */
      readonly host: string | null;
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly body: string | null;
    }
  /** Every character is one byte (U+0000–U+00FF). Nothing is checked but the size: that is what it is for. */
  | { readonly kind: "raw"; readonly text: string };

export const MAX_OWN_PROBES = 32;
export const MAX_OWN_BYTES = 8 * 1024;
/** Room for every built-in probe, the own ones and this many cells. */
export const MAX_PROBED_CELLS = 32;

/** How long one probe may take in all, and how much of an answer is read: a body of that size proves nothing more. */
export const PROBE_TIMEOUT_MS = 10_000;
export const PROBE_CAP_BYTES = 256 * 1024;
/** Longest `sent` and `received` of stored evidence, in characters after escaping. */
export const MAX_EVIDENCE_CHARS = 4096;

/** What went wrong between us and a readable answer. A closed set: each has its own sentence. */
export const EXCHANGE_FAULTS = [
  // No connection: nothing was heard from the version.
  "dns",
  "connect-timeout",
  "connect-failed", // workerd says the same of a refusal, an unknown name and an address it will not let us reach
  // The machine answered, the service did not.
  "refused",
  "tls",
  "reset",
  // Connected, and then:
  "closed-without-answer",
  "no-answer",
  "headers-cut",
  "headers-timeout",
  "body-cut",
  "body-timeout",
  // Answered, but not in HTTP/1.x as RFC 9112 has it.
  "malformed-status-line",
  "malformed-header",
  "headers-too-large",
  "obs-fold",
  "duplicate-length",
  "bad-length",
  "length-and-chunked",
  "unknown-transfer-encoding",
  "bad-chunk",
  "interim-flood",
  // Ours: a bug or a probe that cannot be sent.
  "internal",
] as const;
export type ExchangeFault = (typeof EXCHANGE_FAULTS)[number];

/** How the bytes ended: the answer was complete by its own framing, or the connection did something else. */
export type ExchangeEnd = "complete" | "capped" | "closed" | "reset" | "timeout" | "not-connected";

/** Where it was sent from: the control plane, or somebody's command line. */
export type Vantage = "control" | "here";

export interface ExchangeRequest {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Name sent in SNI and checked in the certificate; as a rule the same as `host`. */
  readonly serverName: string;
  readonly bytes: Uint8Array;
  /** For everything together: connect, TLS, write, read. */
  readonly timeoutMs: number;
  readonly capBytes: number;
}

export interface RawExchange {
  readonly end: ExchangeEnd;
  /** Set when there was no connection to read from; faults of the answer itself are found by the reader. */
  readonly fault: ExchangeFault | null;
  /** What the runtime said, for the log and the evidence; never parsed. */
  readonly detail: string;
  /** Bytes as received, at most `capBytes`. */
  readonly received: Uint8Array;
  readonly ms: number;
}

/** Sends bytes and reads one answer. Never rejects: everything that can go wrong is in the value. */
export type ExchangePort = (request: ExchangeRequest) => Promise<RawExchange>;

/** `unreachable`: nothing was heard of the version, which is not `pass`. `error`: our side could not ask. */
export type ProbeOutcome = "pass" | "fail" | "unreachable" | "error";

export interface ProbeEvidence {
  /** Escaped text, secrets removed. */
  readonly sent: string;
  readonly received: string;
  readonly status: number | null;
  readonly ms: number;
  readonly fault: ExchangeFault | null;
  readonly from: Vantage;
}

export interface ProbeResult {
  readonly id: string;
  readonly title: string;
  readonly class: ProbeClass;
  readonly cell: string | null;
  readonly outcome: ProbeOutcome;
  readonly evidence: ProbeEvidence;
  /** For people: what happened against what was expected. */
  readonly sentence: string;
}

/** How a product is probed. */
export interface PreflightSettings {
  readonly presets: readonly PresetName[];
  /** An account that versions may be asked about; null: the class `known` waits for real traffic. */
  readonly syntheticAccount: AccountSlug | null;
  readonly syntheticByCell: Readonly<Record<string, AccountSlug>>;
  /** Empty: the cells that accounts are in. */
  readonly cells: readonly string[];
  readonly own: readonly OwnProbe[];
}

/** Lets one probe past, by name. `probe` is an id; without `@CELL` it stands for that probe in every cell. */
export interface Waiver {
  readonly probe: string;
  readonly reason: string;
  readonly by: string;
  readonly at: EpochMs;
}

/**
 * What the verdict is for. A waiver lets accounts move although a probe failed; it never lets the default move to a
 * version that failed one, because unknown accounts and health checks are exactly what the default serves.
 */
export type PreflightPurpose = "wave" | "default";

export interface PreflightVerdict {
  readonly verdict: "pass" | "fail" | "inconclusive";
  /** Ids that failed and are not waived. */
  readonly failed: readonly string[];
  /** Ids that would have counted against it, and who let them past. */
  readonly waived: readonly {
    readonly id: string;
    readonly outcome: ProbeOutcome;
    readonly waiver: Waiver;
  }[];
  /** Ids of which nothing was heard (`unreachable`, `error`) and that are not waived. */
  readonly unreachable: readonly string[];
  /** Ids of the matrix without any result. */
  readonly missing: readonly string[];
  readonly sentence: string;
}

/** One run of the matrix, as stored and shown. */
export interface PreflightRun {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly at: EpochMs;
  readonly by: string;
  readonly from: Vantage;
  readonly results: readonly ProbeResult[];
}

const OWN_ID = /^own-[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/; // RFC 9110 §5.6.2
const TARGET = /^[\x21-\x7e]{1,2048}$/; // no space and no control byte: either would end the request line early
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/; // RFC 9110 §5.5, without CR, LF and NUL
const BYTES = /^[\x00-\xff]*$/; // oxlint-disable-line no-control-regex -- each character is a byte, control ones included
/** Set by the framing itself, so that a probe cannot contradict its own bytes. */
const FRAMING = new Set(["host", "content-length", "transfer-encoding"]);

/**
 * Says why an operator's probe may not be sent.
 * @returns null when it may, else one sentence that names the field. Only `raw` probes may hold CR or LF of their own.
 */
export function refuseOwnProbe(own: OwnProbe): string | null {
  if (!OWN_ID.test(own.id))
    return `id "${own.id}" must be own- and a lower-case label, at most 44 characters`;
  return refuseRequest(own.request) ?? refuseExpectation(own.expect);
}

function refuseRequest(request: OwnRequest): string | null {
  if (request.kind === "raw") {
    if (request.text === "" || request.text.length > MAX_OWN_BYTES) {
      return `raw text must have 1 to ${MAX_OWN_BYTES} bytes`;
    }
    return BYTES.test(request.text)
      ? null
      : "raw text holds a character above U+00FF: every character is one byte";
  }
  const { method, target, host, headers, body } = request;
  if (!TOKEN.test(method)) return "method must be a token such as GET";
  if (!TARGET.test(target))
    return "target must be 1 to 2048 visible ASCII characters: no space, no line break";
  if (host !== null && !FIELD_VALUE.test(host)) return "host must not hold line breaks; only a raw probe may";
  for (const [name, value] of headers) {
    if (!TOKEN.test(name)) return `header name ${JSON.stringify(name)} is no token`;
    if (FRAMING.has(name.toLowerCase()))
      return `header ${name} is set by the probe itself; use a raw probe to contradict it`;
    if (!FIELD_VALUE.test(value)) return `header ${name} must not hold line breaks; only a raw probe may`;
  }
  const bytes = [method, target, host ?? "", body ?? "", ...headers.flat()].reduce(
    (sum, part) => sum + 3 * part.length,
    0,
  );
  return bytes <= 3 * MAX_OWN_BYTES ? null : `the request must stay below ${MAX_OWN_BYTES} bytes`;
}

function refuseExpectation({ status, header }: Expectation): string | null {
  const isRange = ([from, to]: StatusRange): boolean => from >= 100 && to <= 599 && from <= to;
  if (status.length === 0 || !status.every(isRange)) return "expect.status needs ranges within 100-599";
  if (header !== null && !TOKEN.test(header.name)) return "expect.header.name must be a field name";
  return null;
}
