/**
 * Puts the verifier of Cloudflare Access together for one isolate. Called by the composition root, on the first request to
 * the admin host.
 */
import type { AccessConfig } from "../contracts/access-env.ts";
import { createAccessKeys } from "./access-keys.ts";
import { createAccessVerifier, type VerifyAccess } from "./access-token.ts";
import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

/** @returns null when Access is not set up. */
export function connectAccess(
  config: AccessConfig | null,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): VerifyAccess | null {
  if (config === null) return null;
  const keys = createAccessKeys({
    url: config.keysUrl,
    fetch: (url, init) => fetch(url, init),
    clock,
    onFault: (why) => logger.line("access-keys-fault", { url: config.keysUrl, why }),
  });
  return createAccessVerifier(config, keys);
}
