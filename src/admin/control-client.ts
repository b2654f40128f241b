/**
 * Wraps the control plane's port so that a call answers or refuses, in bounded time, and never throws.
 * It must not retry writes: whether one was done is not known after a failure, and only the caller has an
 * Idempotency-Key. Import batches are idempotent by contract and are retried where they are sent (import-stream.ts).
 * Called by every route. Posture: closed; the router itself goes on serving without the control plane.
 */
import type { Clock } from "../adapters/clock.ts";
import type { Logger } from "../adapters/logger.ts";
import type { Actor, Authenticated, ControlPort, ExportPage } from "../contracts/control.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { EpochMs } from "../contracts/units.ts";

/** A caller sees 503 after this time; the longest thing the object does in one call is a batch of 2,000 lines. */
const CALL_TIMEOUT_MS = 20_000;
/** The end of a sync or restore goes over everything there is, once; as long as the command line waits. */
const FINISH_TIMEOUT_MS = 10 * 60_000;
/** A run of preflight takes at most 45 s: no probe is begun after 35, and each has 10. */
const PREFLIGHT_TIMEOUT_MS = 50_000;
/** What is asked before anything else may not keep everybody waiting. */
const AUTHENTICATE_TIMEOUT_MS = 5_000;
/** `Retry-After` of a `control-unavailable`: an object that was moved or restarted is back within seconds. */
export const CONTROL_RETRY_SECONDS = 5;

/** The port, with `Refusal` as the only way to fail. */
export interface ControlClient extends Omit<
  ControlPort,
  "authenticate" | "findGranted" | "exportPage" | "noteRefused" | "tick"
> {
  authenticate(sha256: string): Promise<Result<Authenticated | null, Refusal>>;
  findGranted(identity: string): Promise<Result<Actor | null, Refusal>>;
  exportPage(cursor: string | null): Promise<Result<ExportPage, Refusal>>;
  /** Since when it has not answered this isolate; null: it did when it was last asked, or was not asked yet. */
  silentSince(): EpochMs | null;
}

interface Parts {
  readonly port: ControlPort;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Thrown inside `within` alone, and caught there. */
class TookTooLong extends Error {}

/** Builds the client over a port. Cheap: one closure a method. */
export function createControlClient({ port, clock, logger }: Parts): ControlClient {
  let silentSince: EpochMs | null = null;
  let answeredMs = 0;
  async function giveUpAfter(timeoutMs: number): Promise<never> {
    await clock.sleep(timeoutMs);
    throw new TookTooLong(`no answer within ${timeoutMs} ms`);
  }
  async function within<T>(
    what: string,
    timeoutMs: number,
    call: () => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    const askedMs = clock.nowMs();
    try {
      // The call comes first: should it throw at once, no timer is left to reject with nobody listening.
      const answer = await Promise.race([call(), giveUpAfter(timeoutMs)]);
      silentSince = null;
      answeredMs = clock.nowMs();
      return ok(answer);
    } catch (cause) {
      silentSince ??= Math.max(askedMs, answeredMs);
      logger.line("admin.control-unavailable", {
        what,
        cause: cause instanceof Error ? cause.message : String(cause),
      });
      return err(unavailable(what));
    }
  }
  /** The same for calls that may refuse by themselves. */
  async function withinAnd<T>(
    what: string,
    timeoutMs: number,
    call: () => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    const answer = await within(what, timeoutMs, call);
    return answer.ok ? answer.value : answer;
  }
  const asked = <T>(what: string, call: () => Promise<Result<T, Refusal>>): Promise<Result<T, Refusal>> =>
    withinAnd(what, CALL_TIMEOUT_MS, call);
  const finished = <T>(what: string, call: () => Promise<Result<T, Refusal>>): Promise<Result<T, Refusal>> =>
    withinAnd(what, FINISH_TIMEOUT_MS, call);
  return {
    silentSince: () => silentSince,
    execute: (name, input, context) => asked(name, () => port.execute(name, input, context)),
    query: (name, input) => asked(name, () => port.query(name, input)),
    authenticate: (sha256) =>
      within<Actor | null>("authenticate", AUTHENTICATE_TIMEOUT_MS, () => port.authenticate(sha256)),
    findGranted: (identity) =>
      within("authenticate", AUTHENTICATE_TIMEOUT_MS, () => port.findGranted(identity)),
    runPreflight: (asked, context) =>
      withinAnd("preflight", PREFLIGHT_TIMEOUT_MS, () => port.runPreflight(asked, context)),
    importBegin: (begin, actor) => asked("import", () => port.importBegin(begin, actor)),
    importBatch: (id, lines) => asked("import", () => port.importBatch(id, lines)),
    importEnd: (id, rejected) => finished("import", () => port.importEnd(id, rejected)),
    exportPage: (cursor) => within("export", CALL_TIMEOUT_MS, () => port.exportPage(cursor)),
    restoreBegin: (actor, reason) => asked("restore", () => port.restoreBegin(actor, reason)),
    restoreLines: (lines) => asked("restore", () => port.restoreLines(lines)),
    restoreEnd: (highestSeen) => finished("restore", () => port.restoreEnd(highestSeen)),
  };
}

/** The refusal for a control plane that failed or took too long; a change may or may not have been made. */
function unavailable(what: string): Refusal {
  return {
    problem: "control-unavailable",
    detail: `The control plane did not answer (${what}); serving goes on unchanged. If this was a change it may have been made: look, or send it again with the same Idempotency-Key.`,
    extensions: { retry_after_seconds: CONTROL_RETRY_SECONDS },
  };
}
