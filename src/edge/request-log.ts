/**
 * Decides which requests are worth a log line: failures, refusals (a few a second, the rest counted) and one in a
 * thousand of the others. A line costs a fifth of a request, and a flood of refusals must not become a flood of lines.
 * Paths are written without their query and without userinfo, which may hold secrets. Called by the edge once a request.
 */
import type { Logger } from "../adapters/logger.ts";
import type { Outcome } from "../contracts/telemetry.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { RequestRecord } from "./request-record.ts";

const SAMPLE_EVERY = 1000;
const LINES_PER_SECOND = 5;
const SECOND_MS = 1000;

/** What kind of line an outcome makes; null: only in the sample. */
const EVENTS: Readonly<Record<Outcome, "refusal" | "failure" | null>> = {
  health: null,
  admin: null,
  forwarded: null,
  held: null,
  "client-gone": null,
  refused: "refusal",
  loop: "refusal",
  unresolved: "failure",
  "origin-unreachable": "failure",
  "origin-timeout": "failure",
  "internal-error": "failure",
};

export interface LoggedRequest {
  readonly record: RequestRecord;
  readonly method: string;
  readonly rawUrl: string;
  readonly status: number;
  readonly nowMs: EpochMs;
}

export type LogRequest = (request: LoggedRequest) => void;

/** Creates the log of one isolate. */
export function createRequestLog(logger: Logger): LogRequest {
  const refusals = createLineLimit();
  const failures = createLineLimit();
  let seen = 0;
  return (request) => {
    seen++;
    const kind = EVENTS[request.record.outcome];
    if (kind !== null) {
      const suppressed = (kind === "refusal" ? refusals : failures)(request.nowMs);
      if (suppressed !== null) logger.line(kind, { ...toFields(request), suppressed });
    } else if (seen % SAMPLE_EVERY === 0) {
      logger.line("sample", toFields(request));
    }
  };
}

/** Allows a few lines a second; returns how many were left out since the last one, or null to leave this one out. */
function createLineLimit(): (nowMs: EpochMs) => number | null {
  let second = -1;
  let written = 0;
  let suppressed = 0;
  return (nowMs) => {
    const current = Math.floor(nowMs / SECOND_MS);
    if (current !== second) {
      second = current;
      written = 0;
    }
    if (written >= LINES_PER_SECOND) {
      suppressed++;
      return null;
    }
    written++;
    const before = suppressed;
    suppressed = 0;
    return before;
  };
}

/** Name and password before a host. Targets that have them are refused, which must not show them in the log. */
const USERINFO = /^([a-z][a-z\d+.-]*:[/\\]*|[/\\]{2,})?[^/\\?#]*@/i;

function toFields({ record, method, rawUrl, status }: LoggedRequest): Record<string, unknown> {
  const { error, ...facts } = record;
  const [path = ""] = rawUrl.replace(USERINFO, "$1").split("?", 1);
  return { ...facts, method, path, status, ...(error === null ? {} : { error }) };
}
