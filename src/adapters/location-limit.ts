/**
 * Counts failed authentications of a client over all isolates of a location, when a rate limit is bound: the platform's
 * counters are near at hand and only nearly right, so they brake and keep no accounts. Called by admin/authenticate.ts for
 * failures alone. Posture: open; without an answer the brake of the isolate is all there is.
 * https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/
 */

/** The binding, as far as it is used. */
export interface RateLimitBinding {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** Counts one failure of a client. @returns true when it is one too many; never rejects. */
export type IsTooMany = (client: string) => Promise<boolean>;

/** @param binding undefined: none is bound, so nothing is ever too many. */
export function createLocationLimit(binding: RateLimitBinding | undefined): IsTooMany {
  return async (client) => {
    try {
      return binding !== undefined && !(await binding.limit({ key: client })).success;
    } catch {
      return false;
    }
  };
}
