/**
 * Decides who a request is from: a bearer token against the bootstrap tokens of the configuration and the hashed ones of
 * the control plane. It must not log, answer or keep a token, only its SHA-256.
 * Missing, malformed, unknown, expired and revoked tokens do the same work and get the same answer. Posture: closed;
 * while the control plane cannot be asked only bootstrap tokens are known, and everybody else gets 503, not 401.
 * RFC 6750 §2.1; constant-time comparison: ASVS 11.2.4.
 */
import type { Actor } from "../contracts/control.ts";
import type { BootstrapToken } from "../contracts/env.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import { clientKey } from "./client-key.ts";
import type { Services } from "./deps.ts";
import { createFailureLimiter } from "./failure-limiter.ts";

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

export interface Authenticator {
  /** Finds the actor of a request; refusals are `unauthorized`, `rate-limited` and `control-unavailable`. */
  authenticate(request: Request, requestId: string): Promise<Result<Actor, Refusal>>;
}

/** Builds the authenticator of one isolate. Its memory: hashes of the bootstrap tokens, and the failure limiter. */
export function createAuthenticator({ config, control, clock, logger }: Services): Authenticator {
  const limiter = createFailureLimiter();
  let bootstrap: readonly HashedToken[] | null = null;

  function refuseFailed(request: Request, client: string, requestId: string): Result<never, Refusal> {
    limiter.failed(client, clock.nowMs());
    const presented = request.headers.has("authorization");
    logger.line("admin.authentication-failed", { requestId, client, presented });
    return err(UNAUTHORIZED);
  }

  return {
    async authenticate(request, requestId) {
      const hash = await sha256(bearerOf(request));
      bootstrap ??= await hashAll(config.adminTokens);
      const known = findToken(bootstrap, hash);
      if (known !== null) return ok(known);

      const client = clientKey(request.headers, config.trustedProxy);
      const hex = toHex(hash);
      const waitSeconds = limiter.waitSeconds(client, hex, clock.nowMs());
      if (waitSeconds > 0) return err(rateLimited(waitSeconds));
      const found = await control.authenticate(hex);
      if (!found.ok) return found;
      if (found.value === null) return refuseFailed(request, client, requestId);
      const { bootstrap: token, ...actor } = found.value;
      // A session must not outlive its token, and which bootstrap tokens there are is known only here.
      if (token !== undefined && !bootstrap.some((known) => toHex(known.hash) === token))
        return refuseFailed(request, client, requestId);
      limiter.succeeded(hex, clock.nowMs());
      return ok(actor);
    },
  };
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
