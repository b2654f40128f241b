/**
 * Decides who a request is from: a bearer token against the bootstrap tokens of the configuration and the hashed ones of
 * the control plane, or, without any `Authorization`, whom Cloudflare Access vouches for (authenticate-access.ts): a bearer
 * token decides alone, good or bad, because it was sent on purpose and Access adds its word to everything.
 * It must not log, answer or keep a token, only its SHA-256.
 * Missing, malformed, unknown, expired and revoked tokens do the same work and get the same answer. Posture: closed;
 * while the control plane cannot be asked only bootstrap tokens are known, and everybody else gets 503, not 401.
 * RFC 6750 §2.1; constant-time comparison: ASVS 11.2.4.
 */
import type { Actor } from "../contracts/control.ts";
import type { BootstrapToken } from "../contracts/env.ts";
import type { Refusal } from "../contracts/problems.ts";
import type { RefusedKind } from "../contracts/refused.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import { assertionOf, createAccessCheck } from "./authenticate-access.ts";
import { clientKey, NOBODY_KNOWN } from "./client-key.ts";
import type { AdminContext, Services } from "./deps.ts";
import { createFailureLimiter, FAILURE_WINDOW_MS } from "./failure-limiter.ts";
import { SESSION_PREFIX } from "./secret.ts";

/** RFC 6750: `b64token`. Longer than any token of ours, short enough to hash without a thought. */
const BEARER = /^bearer +([A-Za-z0-9._~+/=-]{1,512}) *$/i;
/** Hashed in place of a token that is missing or malformed, so that the work is the same. No token is empty. */
const NO_TOKEN = "";

const UNAUTHORIZED: Refusal = {
  problem: "unauthorized",
  detail:
    "Send a valid token as `Authorization: Bearer TOKEN`. An admin issues one with POST /api/v1/tokens.",
};

interface HashedToken {
  readonly hash: Uint8Array;
  readonly actor: Actor;
}

/** Why nobody was found, and what the audit calls it; `kind` null: nobody was refused, only nobody could be asked. */
export interface Denied {
  readonly refusal: Refusal;
  readonly kind: RefusedKind | null;
  /** Whom Access vouched for, where it did and that was not enough. */
  readonly identity?: string;
}

/** The request, and where what goes on behind it hangs. */
export interface Arrived {
  readonly request: Request;
  readonly requestId: string;
  readonly context: AdminContext;
}

export interface Authenticator {
  /** Finds the actor of a request. Never rejects. */
  authenticate(arrived: Arrived): Promise<Result<Actor, Denied>>;
}

/** Builds the authenticator of one isolate. Its memory: hashes of the bootstrap tokens, and the failure limiter. */
export function createAuthenticator(services: Services): Authenticator {
  const { config, control, clock, logger, isTooMany } = services;
  const limiter = createFailureLimiter();
  const checkAccess = createAccessCheck(services);
  let bootstrap: readonly HashedToken[] | null = null;

  /** Refuses a credential that opens nothing, or, after too many of them, to look at one. */
  async function refuseFailed(
    { request, requestId }: Arrived,
    kind: RefusedKind,
  ): Promise<Result<never, Denied>> {
    const client = clientKey(request.headers, config.trustedProxy);
    limiter.failed(client, clock.nowMs());
    logger.line("admin.authentication-failed", { requestId, client, presented: kind !== "no-token", kind });
    // Where nobody is known by an address, everybody of a location would wait for one guesser.
    if (client === NOBODY_KNOWN || !(await isTooMany(client))) return err({ refusal: UNAUTHORIZED, kind });
    limiter.exhausted(client, clock.nowMs());
    return err({ refusal: rateLimited(FAILURE_WINDOW_MS / 1000), kind: "rate-limited" });
  }

  function refuseSlowed(request: Request, tokenHash: string): Result<never, Denied> | null {
    const client = clientKey(request.headers, config.trustedProxy);
    const seconds = limiter.waitSeconds(client, tokenHash, clock.nowMs());
    return seconds > 0 ? err({ refusal: rateLimited(seconds), kind: "rate-limited" }) : null;
  }

  async function ofBearer(arrived: Arrived): Promise<Result<Actor, Denied>> {
    const { request } = arrived;
    const hash = await sha256(bearerOf(request));
    bootstrap ??= await hashAll(config.adminTokens);
    const known = findToken(bootstrap, hash);
    if (known !== null) return ok(known);

    const hex = toHex(hash);
    const slowed = refuseSlowed(request, hex);
    if (slowed !== null) return slowed;
    const found = await control.authenticate(hex);
    if (!found.ok) return err({ refusal: found.error, kind: null });
    if (found.value === null) return refuseFailed(arrived, bearerKind(request));
    const { bootstrap: token, ...kept } = found.value;
    // A session must not outlive its token, nor may do more: what bootstrap tokens may do now is known only here.
    const actor = token === undefined ? kept : findSessionToken(bootstrap, token);
    if (actor === null) return refuseFailed(arrived, bearerKind(request));
    limiter.succeeded(hex, clock.nowMs());
    return ok(actor);
  }

  async function ofAccess(arrived: Arrived, assertion: string): Promise<Result<Actor, Denied>> {
    const found = await checkAccess(assertion, arrived.context);
    if (found.ok) return found;
    if (found.error.refusal !== null) return err(found.error);
    // Only what is no good is slowed: checking one costs little, and no flood may keep out whom Access vouches for.
    return refuseSlowed(arrived.request, "") ?? refuseFailed(arrived, found.error.kind);
  }

  return {
    authenticate(arrived) {
      const assertion = assertionOf(arrived.request, config.access);
      return assertion === null ? ofBearer(arrived) : ofAccess(arrived, assertion);
    },
  };
}

function bearerKind(request: Request): RefusedKind {
  if (bearerOf(request).startsWith(SESSION_PREFIX)) return "session";
  return request.headers.has("authorization") ? "token" : "no-token";
}

/** The token of a request; the empty one when there is none that could be. */
export function bearerOf(request: Request): string {
  return BEARER.exec(request.headers.get("authorization") ?? "")?.[1] ?? NO_TOKEN;
}

function rateLimited(seconds: number): Refusal {
  const detail = `Too many failed attempts from this client. Try again in ${seconds} s, with a valid token.`;
  return { problem: "rate-limited", detail, extensions: { retry_after_seconds: seconds } };
}

async function hashAll(tokens: readonly BootstrapToken[]): Promise<readonly HashedToken[]> {
  return Promise.all(
    tokens.map(async ({ name, role, secret }) => ({
      hash: await sha256(secret),
      actor: { name, role, products: null },
    })),
  );
}

/** Compares with every entry to its last byte, whatever was found, so that time tells nothing. */
function findToken(tokens: readonly HashedToken[], hash: Uint8Array): Actor | null {
  let found: Actor | null = null;
  for (const token of tokens) {
    if (equalBytes(token.hash, hash)) found = token.actor;
  }
  return found;
}

/** Whom the token of a session is now, by its digest, which is no secret here; null: it is configured no more. */
function findSessionToken(tokens: readonly HashedToken[], digest: string): Actor | null {
  return tokens.findLast(({ hash }) => toHex(hash) === digest)?.actor ?? null;
}

/** Whether two digests are the same, read to their last byte wherever they differ (ASVS 11.2.4). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [at, byte] of a.entries()) difference |= byte ^ (b[at] ?? 0);
  return difference === 0;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 of a token in hex, as the control plane keeps it. */
export async function hashToken(token: string): Promise<string> {
  return toHex(await sha256(token));
}
