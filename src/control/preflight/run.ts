/**
 * A run of preflight from the control plane: sends the matrix to a version's origin and keeps what came.
 * It asks nothing of an origin that ORIGIN_ALLOW does not allow now, whatever it allowed when the version was written.
 * Between question and answer the world goes on (this is the one command that waits), so what was probed is looked up
 * again at the end: a run of an origin or settings that changed meanwhile is given up, not kept.
 * Two requests for one version are one run; the audit names who asked first.
 */
import { runMatrix } from "../../adapters/preflight-runner.ts";
import type { WriteContext } from "../../contracts/control.ts";
import type { PreflightAsked, PreflightDone } from "../../contracts/preflight-port.ts";
import type { ExchangePort, ProbeResult } from "../../contracts/preflight.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import type { RouterClaim } from "../../core/preflight/built-in-probes.ts";
import { parseObject, readInt, readText } from "../row.ts";
import { sha256Hex } from "../../core/sha256.ts";
import { refuseProducts, refuseRole } from "../access.ts";
import { commandTime, type ControlClock } from "../clock.ts";
import { refuseOriginHere } from "../commands/products.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";
import { checkRevision, refuse } from "../refuse.ts";
import { appendAudit } from "../store/audit.ts";
import { loadAnswer, saveAnswer } from "../store/idempotency.ts";
import { oneOf } from "../store/preflight-settings.ts";
import { keepRun } from "./keep.ts";
import { loadSubject, matrixOf, type Subject } from "./subject.ts";

/** Ways out to a version, given by whoever makes the control plane. */
export interface PreflightPorts {
  readonly exchange: ExchangePort;
  /** Value of the `Firebreak` header as the router would send it now; null: unsigned. */
  readonly routerHeader: ((claim: RouterClaim, nowMs: EpochMs) => string) | null;
}

export interface PreflightRunPorts {
  readonly db: Db;
  readonly clock: ControlClock;
  readonly config: ControlConfig;
  readonly preflight: PreflightPorts;
}

export type RunPreflight = (
  asked: PreflightAsked,
  context: WriteContext,
) => Promise<Result<PreflightDone, Refusal>>;

/** No probe is begun after this time; the last one ends a probe's own time-out later, before the admin surface gives up. */
const BEGIN_WITHIN_MS = 35_000;

/** Makes the runner of one object; it remembers the runs under way. */
export function createPreflightRunner(ports: PreflightRunPorts): RunPreflight {
  const underWay = new Map<string, Promise<Result<PreflightDone, Refusal>>>();
  return async (asked, context) => {
    const { db, clock } = ports;
    const key = keyOf(asked, context);
    const given = key === null ? null : loadAnswer(db, key, commandTime(db, clock));
    if (given !== null && key !== null) return repeat(given, key.request);
    const name = `${asked.product} ${asked.version}`;
    const running = underWay.get(name);
    if (running !== undefined) {
      const may = begin(ports, asked, context);
      return may.ok ? running : may;
    }
    const run = carryOut(ports, asked, context).finally(() => underWay.delete(name));
    underWay.set(name, run);
    return run;
  };
}

interface RequestKey {
  readonly actor: string;
  readonly key: string;
  readonly request: string;
}

function keyOf(asked: PreflightAsked, { actor, idempotencyKey, ifMatch }: WriteContext): RequestKey | null {
  if (idempotencyKey === null) return null;
  return {
    actor: actor.name,
    key: idempotencyKey,
    request: sha256Hex(canonicalJson(["preflight.run", asked, ifMatch])),
  };
}

function repeat(
  given: { readonly request: string; readonly answer: string },
  request: string,
): Result<PreflightDone, Refusal> {
  if (given.request !== request) {
    return refuse(
      "idempotency-mismatch",
      "this Idempotency-Key was used for another request in the last 24 hours: send a new one",
    );
  }
  const value = parseObject(given.answer);
  const word = (name: "wave" | "default"): PreflightDone["wave"] =>
    oneOf(["pass", "fail", "inconclusive"], readText(value, name));
  return ok({
    run: readInt(value, "run"),
    at: readInt(value, "at"),
    wave: word("wave"),
    default: word("default"),
  });
}

/** What is to be probed, when this actor may probe it and the router may connect there. */
function begin(
  { db, config }: PreflightRunPorts,
  asked: PreflightAsked,
  { actor, ifMatch }: WriteContext,
): Result<Subject, Refusal> {
  const denied = refuseRole(actor, "preflight.run") ?? refuseProducts(actor, [asked.product]);
  if (denied !== null) return denied;
  const subject = loadSubject(db, asked);
  if (!subject.ok) return subject;
  const { version } = subject.value;
  const stale = checkRevision(ifMatch, version.revision);
  if (stale !== null) return stale;
  if (version.state === "retired")
    return refuse("conflict", `${asked.product} ${asked.version} is retired: nothing is served by it`);
  const reason = refuseOriginHere({ db, config }, version.origin);
  return reason === null ? subject : refuse("conflict", reason);
}

async function carryOut(
  ports: PreflightRunPorts,
  asked: PreflightAsked,
  context: WriteContext,
): Promise<Result<PreflightDone, Refusal>> {
  const subject = begin(ports, asked, context);
  if (!subject.ok) return subject;
  const results = await send(ports, subject.value);
  const { db, clock } = ports;
  return db.transaction(() => {
    const after = begin(ports, asked, { ...context, ifMatch: null });
    if (!after.ok) return after;
    if (after.value.basis !== subject.value.basis) {
      return refuse(
        "conflict",
        `the origin, domains or preflight settings of ${asked.product} ${asked.version} changed while it was probed: run it again`,
      );
    }
    const at = commandTime(db, clock);
    const { actor } = context;
    const made = {
      source: "control",
      via: null,
      purpose: asked.purpose,
      by: actor.name,
      at,
      results,
    } as const;
    const { done, told } = keepRun(db, after.value, made);
    appendAudit(db, { ...told, at, actor: actor.name, role: actor.role, action: "preflight.run" });
    const key = keyOf(asked, context);
    if (key !== null) saveAnswer(db, key, { request: key.request, answer: JSON.stringify(done), at });
    return ok(done);
  });
}

async function send(
  { clock, preflight }: PreflightRunPorts,
  subject: Subject,
): Promise<readonly ProbeResult[]> {
  const started = clock.nowMs();
  const { exchange, routerHeader } = preflight;
  const probes = matrixOf(subject, {
    via: null,
    routerHeader: routerHeader === null ? null : (claim) => routerHeader(claim, started),
  });
  const nowMs = (): EpochMs => clock.nowMs();
  return runMatrix({ probes, exchange, nowMs, stopAtMs: started + BEGIN_WITHIN_MS });
}
