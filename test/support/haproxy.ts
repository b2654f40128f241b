/**
 * Whether tests that need HAProxy run: where it is missing they are skipped aloud, except in CI, where missing is a
 * failure, because a skipped proof proves nothing.
 */
import { findHaProxy, INSTALL_HINT } from "../../scripts/haproxy/haproxy.ts";

/** True when the tests must be skipped; says so once. Throws in CI. */
export function mustSkipHaProxy(): boolean {
  if (findHaProxy() !== null) return false;
  if (process.env["CI"] === "true") throw new Error(INSTALL_HINT);
  process.stderr.write(`SKIPPED: ${INSTALL_HINT}\n`);
  return true;
}
