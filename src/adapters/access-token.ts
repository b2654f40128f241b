/**
 * Says whom Cloudflare Access vouches for, from the token that it puts into `Cf-Access-Jwt-Assertion`. Only that header: a
 * cookie or an e-mail header is whatever the client wrote. RS256 alone, of this team, for this application, in time, with at
 * most a minute of leeway. It does not know what anybody may do here: that is granted by name in the control plane.
 * Called by admin/authenticate.ts. Posture: closed; whatever is wrong gives a word, never an exception. RFC 7519, RFC 8725.
 */
import {
  JOSEAlgNotAllowed,
  JWKSMultipleMatchingKeys,
  JWKSNoMatchingKey,
  JWSSignatureVerificationFailed,
  JWTClaimValidationFailed,
  JWTExpired,
} from "jose/errors";
import { decodeProtectedHeader } from "jose/decode/protected_header";
import { jwtVerify } from "jose/jwt/verify";
import type { AccessConfig } from "../contracts/access-env.ts";
import { parseAccessIdentity } from "../contracts/access-identity.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { AccessKeys, Asking } from "./access-keys.ts";

const ALGORITHM = "RS256";
const LEEWAY_SECONDS = 60;
/** Access' tokens have one or two thousand, with groups some more; longer ones are not looked at. */
export const MAX_ASSERTION_CHARS = 16 * 1024;
const MAX_KID_CHARS = 200;

/** What is wrong with a token. `unavailable`: nothing that is known, only its key cannot be had. */
export type AccessFault =
  | "malformed"
  | "algorithm"
  | "unknown-key"
  | "signature"
  | "audience"
  | "issuer"
  | "expired"
  | "unavailable";

/** @returns the e-mail address of a person or the client id of a service token, in lower case. Never rejects. */
export type VerifyAccess = (assertion: string, asking: Asking) => Promise<Result<string, AccessFault>>;

/** Makes the verifier of one team and application. */
export function createAccessVerifier(
  { issuer, audiences }: Pick<AccessConfig, "issuer" | "audiences">,
  keys: AccessKeys,
): VerifyAccess {
  return async (assertion, asking) => {
    const kid = readKid(assertion);
    if (!kid.ok) return kid;
    const key = await keys.find(kid.value, asking);
    if (!key.ok) return err(key.error === "unknown" ? "unknown-key" : "unavailable");
    try {
      const { payload } = await jwtVerify(assertion, key.value, {
        algorithms: [ALGORITHM],
        issuer,
        audience: [...audiences],
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(asking.nowMs),
        requiredClaims: ["exp", "iat"],
      });
      const identity = identityOf(payload);
      return identity === null ? err("malformed") : ok(identity);
    } catch (error) {
      return err(faultOf(error));
    }
  };
}

/** Looks at the header before anything is fetched or computed for it. */
function readKid(assertion: string): Result<string, AccessFault> {
  if (assertion.length > MAX_ASSERTION_CHARS) return err("malformed");
  try {
    const { alg, kid } = decodeProtectedHeader(assertion);
    if (alg !== ALGORITHM) return err("algorithm");
    const named = typeof kid === "string" && kid !== "" && kid.length <= MAX_KID_CHARS;
    return named ? ok(kid) : err("malformed");
  } catch {
    return err("malformed");
  }
}

/** People have an address, service tokens a client id. */
function identityOf({ email, common_name: client }: Readonly<Record<string, unknown>>): string | null {
  return parseAccessIdentity(email ?? client);
}

function faultOf(error: unknown): AccessFault {
  if (error instanceof JWTExpired) return "expired";
  if (error instanceof JWTClaimValidationFailed) return claimFault(error);
  if (error instanceof JWSSignatureVerificationFailed) return "signature";
  if (error instanceof JOSEAlgNotAllowed) return "algorithm";
  const noKey = error instanceof JWKSNoMatchingKey || error instanceof JWKSMultipleMatchingKeys;
  return noKey ? "unknown-key" : "malformed";
}

function claimFault({ claim, reason }: JWTClaimValidationFailed): AccessFault {
  if (reason !== "check_failed") return "malformed";
  if (claim === "aud") return "audience";
  if (claim === "iss") return "issuer";
  // Not yet is no better than no more.
  return claim === "nbf" ? "expired" : "malformed";
}
