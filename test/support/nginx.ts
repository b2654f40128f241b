/** Whether tests that need nginx run: where it is missing they are skipped aloud, except in CI, where missing is a failure. */
import { findProgram } from "../../scripts/bench/world/process.ts";

/** True when the tests must be skipped; says so once. Throws in CI. */
export function mustSkipNginx(): boolean {
  try {
    findProgram("nginx");
    return false;
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    process.stderr.write("SKIPPED: nginx is not installed: apt-get install nginx-light\n");
    return true;
  }
}
