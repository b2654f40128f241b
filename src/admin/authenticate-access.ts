/**
 * Who a request is from by the word of Cloudflare Access: its token says who it is, and the control plane what is granted
 * to that name. It must not believe any other header or cookie of Access', nor know roles. Called by authenticate.ts for
 * requests without `Authorization`. Posture: closed, and never in the way of tokens: when Access' keys cannot be had it
 * answers 503 to those who came with nothing else.
 */
import { ACCESS_HEADER, type AccessConfig } from "../contracts/access-env.ts";
import type { Actor } from "../contracts/control.ts";
import type { Refusal } from "../contracts/problems.ts";
import type { RefusedKind } from "../contracts/refused.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { AdminContext, Services } from "./deps.ts";

/** `refusal` null: the token is no good, and is answered like any other credential that is none. */
export type AccessDenied =
  | { readonly refusal: null; readonly kind: RefusedKind }
  | { readonly refusal: Refusal; readonly kind: RefusedKind | null; readonly identity?: string };

const UNAVAILABLE: Refusal = {
  problem: "access-unavailable",
  detail:
    "The keys of Cloudflare Access cannot be fetched, so nobody can come in through it just now; they are asked for once a minute. A token opens everything as before: send `Authorization: Bearer TOKEN`, or sign in with one at /sign-in.",
  extensions: { retry_after_seconds: 60 },
};

/** The token that Access put on a request which has no credential of its own; null when there is none, or no Access. */
export function assertionOf({ headers }: Request, access: AccessConfig | null): string | null {
  return access === null || headers.has("authorization") ? null : headers.get(ACCESS_HEADER);
}

/** Builds the check of one isolate. */
export function createAccessCheck({
  access,
  control,
  clock,
  logger,
}: Services): (assertion: string, context: AdminContext) => Promise<Result<Actor, AccessDenied>> {
  return async (assertion, { waitUntil }) => {
    if (access === null) return err({ refusal: null, kind: "no-token" });
    const verified = await access(assertion, { nowMs: clock.nowMs(), waitUntil });
    if (!verified.ok) {
      if (verified.error !== "unavailable") return err({ refusal: null, kind: `access-${verified.error}` });
      logger.line("admin.access-unavailable", {});
      return err({ refusal: UNAVAILABLE, kind: null });
    }
    const found = await control.findGranted(verified.value);
    if (!found.ok) return err({ refusal: found.error, kind: null });
    return found.value === null ? err(refuseUngranted(verified.value)) : ok(found.value);
  };
}

function refuseUngranted(identity: string): AccessDenied {
  const detail = `Cloudflare Access vouches for ${identity}, and nothing is granted to that name here, or no more. An admin does it: firebreak access grant ${identity} --role viewer`;
  return { refusal: { problem: "forbidden", detail }, kind: "access-no-role", identity };
}
