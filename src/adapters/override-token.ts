/**
 * Issues and verifies tester overrides: short signed tokens that put one account's requests on one version.
 * JWT with HS256 alone, a type and an audience of our own, at most an hour long, bound to product, account and version.
 * It decides whether a token is genuine and in time. Whether it fits the request, and whether it was revoked, the edge
 * decides from the maps. Called by the edge only when a token is present, and by admin to issue one.
 * Posture: closed; whatever is wrong gives a word, never an exception. RFC 7519, RFC 8725 (3.1 algorithms, 3.11 types).
 */
import { JWTExpired } from "jose/errors";
import { SignJWT } from "jose/jwt/sign";
import { jwtVerify } from "jose/jwt/verify";
import type { NamedKey } from "../contracts/env.ts";
import { OVERRIDE_LEEWAY_SECONDS } from "../contracts/limits.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../contracts/units.ts";

export const OVERRIDE_AUDIENCE = "firebreak";
export const OVERRIDE_TYPE = "firebreak-override+jwt";
/** A token that lives longer is refused, whoever signed it. */
export const MAX_OVERRIDE_SECONDS = 3600;
/** A token of ours has about 300 characters; longer ones are not looked at. */
const MAX_TOKEN_CHARS = 2048;
const ALGORITHM = "HS256";
/**
 * RFC 7515 §7.1, and the one spelling of 32 bytes: base64 readers skip blanks and the last two bits, so that other texts
 * than the one that was issued would count as well.
 */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]$/;

export interface OverrideClaims {
  readonly product: ProductName;
  readonly account: AccountSlug;
  readonly version: VersionName;
  readonly issuedAt: EpochMs;
  readonly expires: EpochMs;
  /** Names the token in the audit. */
  readonly jti: string;
}

/** Why a token does not count. A closed set: the words travel to testers in a response header. */
export type OverrideFault = "invalid" | "expired";

export interface OverrideVerifier {
  /** Never rejects. `nowMs` is the edge's clock. */
  verify(token: string, nowMs: EpochMs): Promise<Result<OverrideClaims, OverrideFault>>;
}

/** Creates the verifier for a set of keys; a token names its key in `kid`. Without keys every token is invalid. */
export function createOverrideVerifier(keys: readonly NamedKey[]): OverrideVerifier {
  const secrets = new Map(keys.map(({ kid, secret }) => [kid, encodeSecret(secret)]));
  return {
    async verify(token, nowMs) {
      if (token.length > MAX_TOKEN_CHARS || !COMPACT.test(token)) return err("invalid");
      try {
        const { payload } = await jwtVerify(token, ({ kid }) => findSecret(secrets, kid), {
          algorithms: [ALGORITHM],
          audience: OVERRIDE_AUDIENCE,
          typ: OVERRIDE_TYPE,
          clockTolerance: OVERRIDE_LEEWAY_SECONDS,
          currentDate: new Date(nowMs),
          requiredClaims: ["iat", "exp", "jti", "product", "account", "version"],
        });
        const claims = parseClaims(payload);
        return claims === null || claims.issuedAt > nowMs + OVERRIDE_LEEWAY_SECONDS * 1000
          ? err("invalid")
          : ok(claims);
      } catch (error) {
        return err(error instanceof JWTExpired ? "expired" : "invalid");
      }
    },
  };
}

function encodeSecret(secret: string): Uint8Array {
  return new TextEncoder().encode(secret);
}

function findSecret(secrets: ReadonlyMap<string, Uint8Array>, kid: string | undefined): Uint8Array {
  const secret = kid === undefined ? undefined : secrets.get(kid);
  if (secret === undefined) throw new Error("unknown key id");
  return secret;
}

function parseClaims(payload: Readonly<Record<string, unknown>>): OverrideClaims | null {
  const { product, account, version, jti, iat, exp } = payload;
  if (typeof product !== "string" || typeof account !== "string" || typeof version !== "string") return null;
  if (typeof jti !== "string" || typeof iat !== "number" || typeof exp !== "number") return null;
  // Whole milliseconds, because differences of fractional seconds are off by a little.
  const issuedAt = Math.round(iat * 1000);
  const expires = Math.round(exp * 1000);
  if (expires <= issuedAt || expires - issuedAt > MAX_OVERRIDE_SECONDS * 1000) return null;
  return { product, account, version, jti, issuedAt, expires };
}

export interface OverrideRequest {
  readonly product: ProductName;
  readonly account: AccountSlug;
  readonly version: VersionName;
  /** 1 to 3600. */
  readonly seconds: number;
  readonly jti: string;
}

/**
 * Issues a token, signed with the first key (the newest: later ones are kept so that old tokens still verify).
 * @returns the token and when it expires, or an error when no key is configured or the time is out of range.
 */
export async function issueOverride(
  keys: readonly NamedKey[],
  request: OverrideRequest,
  nowMs: EpochMs,
): Promise<Result<{ readonly token: string; readonly expires: EpochMs }, "no-key" | "too-long">> {
  const key = keys[0];
  if (key === undefined) return err("no-key");
  const { product, account, version, seconds, jti } = request;
  if (!(seconds > 0 && seconds <= MAX_OVERRIDE_SECONDS)) return err("too-long");
  // Fractions of a second are kept: revocation compares this time with its own, to the millisecond.
  const issued = nowMs / 1000;
  const token = await new SignJWT({ product, account, version })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: OVERRIDE_TYPE })
    .setAudience(OVERRIDE_AUDIENCE)
    .setIssuedAt(issued)
    .setExpirationTime(issued + seconds)
    .setJti(jti)
    .sign(encodeSecret(key.secret));
  return ok({ token, expires: nowMs + seconds * 1000 });
}
