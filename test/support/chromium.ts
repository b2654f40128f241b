/**
 * Whether tests that need Chromium run: where it is missing they are skipped aloud, except in CI, where missing is a
 * failure, because a skipped proof proves nothing.
 */
import { findChromium, INSTALL_HINT } from "../../scripts/browser/chromium.ts";

/** True when the tests must be skipped; says so once. Throws in CI. */
export function mustSkipChromium(): boolean {
  if (findChromium() !== null) return false;
  if (process.env["CI"] === "true") throw new Error(INSTALL_HINT);
  process.stderr.write(`SKIPPED: ${INSTALL_HINT}\n`);
  return true;
}
