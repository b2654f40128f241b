/**
 * Sends some requests of no known account to the next default as well, after the present one has answered them, and
 * counts how the two answers compare. The client's answer never waits for it and never shows it: everything happens in
 * `waitUntil`, a few at a time, for seconds, once, and the candidate's body is thrown away unread.
 * Only `GET` and `HEAD` without body, query, cookie, authorization or condition, and with no more headers than an
 * origin needs to choose its answer: no address, nothing that names a person. Nothing while break-glass or halt is on.
 * Called by `route.ts` for answered default traffic. Posture: open; whatever fails here is counted or forgotten.
 */
import type { MirroredRequest } from "../adapters/mirror-counts.ts";
import type { SendToOrigin } from "../adapters/origin.ts";
import type { Config } from "../contracts/env.ts";
import type { Root } from "../contracts/maps.ts";
import type { RootMirror } from "../contracts/mirror.ts";
import type { Origin } from "../contracts/origin-rules.ts";
import type { EpochMs, ProductName } from "../contracts/units.ts";
import { bucketOf } from "../core/bucket.ts";
import type { Forward } from "../core/decision.ts";
import type { WriteFirebreakHeader } from "../core/firebreak-header.ts";
import { countPair, NOTHING_COMPARED } from "../core/mirror.ts";
import { own } from "../core/record.ts";
import { extendLoop } from "./cdn-loop.ts";
import { identifyClient } from "./client.ts";
import type { RoutedExchange } from "./exchange.ts";
import { FIREBREAK_HEADER } from "./header-sets.ts";
import type { JudgeOrigin } from "./origin-verdicts.ts";

/** Time to the candidate's headers; longer counts as no answer. */
const TIMEOUT_MS = 10_000;
/** Requests that the default itself took this long for say more of the request than of the candidate. */
const MAX_PRIMARY_MS = 2_500;
/** On their way at once, in one isolate. */
const MAX_AT_ONCE = 8;
/** A slot whose request the runtime gave up on (it may, after the answer) is free again after this time. */
const SLOT_MS = 2 * TIMEOUT_MS;

/** Headers by which an origin chooses among answers. Nothing else of the client's goes along. */
const COPIED = ["accept", "accept-language", "user-agent"] as const;
/** Such requests say who asks, or ask for something that a copy without them would be answered otherwise. */
const EXCLUDING = [
  "authorization",
  "proxy-authorization",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "range",
] as const;

export interface MirrorDeps {
  readonly config: Config;
  readonly clock: { nowMs(): EpochMs };
  readonly send: SendToOrigin;
  readonly judgeOrigin: JudgeOrigin;
  readonly writeFirebreak: WriteFirebreakHeader;
  readonly count: (request: MirroredRequest) => void;
}

/** Looks at one answered request of no known account. Never throws, and returns before anything is sent. */
export type MirrorAnswered = (exchange: RoutedExchange, forward: Forward, status: number) => void;

/** The mirroring of a product that is in force now; null: none. */
export function mirrorInForce(
  { root, breakGlass }: { readonly root: Root | null; readonly breakGlass: unknown },
  product: ProductName,
  nowMs: EpochMs,
): RootMirror | null {
  if (root === null || root.halt || breakGlass !== null) return null;
  const mirror = own(root.products, product)?.mirror;
  if (mirror === undefined || mirror.share === 0) return null;
  return mirror.until !== null && nowMs >= mirror.until ? null : mirror;
}

/** Whether a request may be sent twice: it asks for something, and says nothing of who asks. */
export function isMirrorable({ request, inbound, destination }: RoutedExchange): boolean {
  const { values } = inbound;
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  if (destination.pathAndQuery.includes("?") || values.cookie !== undefined) return false;
  if (values["firebreak-override"] !== undefined || values.upgrade !== undefined) return false;
  const hasBody = values["transfer-encoding"] !== undefined || (values["content-length"] ?? "0") !== "0";
  return !hasBody && !EXCLUDING.some((name) => request.headers.has(name));
}

/** Creates the mirror of one isolate. */
export function createMirror(deps: MirrorDeps): MirrorAnswered {
  /** When each slot in use was taken. */
  const slots = new Set<{ readonly sinceMs: EpochMs }>();

  function takeSlot(nowMs: EpochMs): { readonly sinceMs: EpochMs } | null {
    for (const slot of slots) if (nowMs - slot.sinceMs > SLOT_MS) slots.delete(slot);
    if (slots.size >= MAX_AT_ONCE) return null;
    const slot = { sinceMs: nowMs };
    slots.add(slot);
    return slot;
  }

  return (exchange, forward, status) => {
    try {
      const planned = planCopy(deps, exchange, forward);
      if (planned === null) return;
      const { product } = forward;
      const { run } = planned.mirror;
      const slot = takeSlot(planned.nowMs);
      if (slot === null) return deps.count({ product, run, counts: { ...NOTHING_COMPARED, skipped: 1 } });
      const primary = { status, ms: planned.nowMs - exchange.nowMs };
      const copying = sendCopy(deps, exchange, { ...planned, product })
        .then((candidate) => deps.count({ product, run, counts: countPair({ primary, candidate }) }))
        .catch(() => undefined)
        .finally(() => slots.delete(slot));
      exchange.request.waitUntil(copying);
    } catch {
      // The answer is the client's already; what went wrong with a copy of the question is nobody's matter.
    }
  };
}

interface PlannedCopy {
  readonly mirror: RootMirror;
  readonly origin: Origin;
  readonly nowMs: EpochMs;
}

/** Whether, and where to, this request is sent again. Asked from the cheap to the dear. */
function planCopy(deps: MirrorDeps, exchange: RoutedExchange, forward: Forward): PlannedCopy | null {
  const { snapshot, record, requestId, nowMs: startedMs } = exchange;
  const { root } = snapshot;
  const nowMs = deps.clock.nowMs();
  const mirror = mirrorInForce(snapshot, forward.product, nowMs);
  if (mirror === null || root === null) return null;
  // The standby's answer, or one that we made up, is not the default's.
  const isPrimary = record.outcome === "forwarded" && record.version === forward.version;
  if (!isPrimary || forward.version === mirror.version || nowMs - startedMs > MAX_PRIMARY_MS) return null;
  if (!isMirrorable(exchange) || bucketOf(mirror.run, requestId) >= mirror.share) return null;
  const text = own(own(root.products, forward.product)?.versions ?? {}, mirror.version)?.origin ?? "";
  // No account, so no cell.
  if (text === "" || text.includes("{cell}")) return null;
  const judged = deps.judgeOrigin(text, root);
  return judged.ok ? { mirror, origin: judged.value, nowMs } : null;
}

interface Copy extends PlannedCopy {
  readonly product: ProductName;
}

/** The candidate's answer; its body is not read. One attempt. */
async function sendCopy(
  deps: MirrorDeps,
  exchange: RoutedExchange,
  copy: Copy,
): Promise<{ readonly status: number | null; readonly ms: number }> {
  // A turn of the event loop: the client's answer is on its way before anything of this is built.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const sentMs = deps.clock.nowMs();
  const answer = await deps.send({
    origin: copy.origin,
    pathAndQuery: exchange.destination.pathAndQuery,
    method: exchange.request.method,
    headers: copyHeaders(exchange),
    editHeaders: (headers) => setOwnHeaders(headers, deps, { exchange, copy }),
    body: { kind: "none" },
    timeoutMs: TIMEOUT_MS,
    waitedMs: 0,
    abandon: true,
    // The client may have its answer and be gone; that says nothing of the candidate.
    clientSignal: null,
    waitUntil: exchange.request.waitUntil,
  });
  const ms = deps.clock.nowMs() - sentMs;
  if (!answer.ok) return { status: null, ms };
  answer.value.body?.cancel().catch(() => undefined);
  return { status: answer.value.status, ms };
}

function copyHeaders({ request }: RoutedExchange): Headers {
  const headers = new Headers();
  for (const name of COPIED) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

function setOwnHeaders(
  headers: Headers,
  deps: MirrorDeps,
  { exchange, copy }: { readonly exchange: RoutedExchange; readonly copy: Copy },
): void {
  const { inbound, destination, requestId } = exchange;
  const { mirror, product, nowMs } = copy;
  const host = destination.port === null ? destination.name : `${destination.name}:${destination.port}`;
  headers.set("X-Forwarded-Host", host);
  headers.set(
    "X-Forwarded-Proto",
    identifyClient(inbound, deps.config.trustedProxy, destination.scheme).scheme,
  );
  headers.set("CDN-Loop", extendLoop(inbound.values["cdn-loop"]));
  const facts = { product, account: null, version: mirror.version, host, requestId, mirror: true } as const;
  headers.set(FIREBREAK_HEADER, deps.writeFirebreak(facts, nowMs));
}
