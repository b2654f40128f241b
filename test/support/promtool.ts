/**
 * Whether tests that need promtool run: where it is missing they are skipped aloud, except in CI, where missing is a
 * failure, because a skipped proof proves nothing. And how it is run.
 */
import { spawnSync } from "node:child_process";

const INSTALL_HINT = "promtool is not installed: bash scripts/setup-ci.sh, or apt-get install prometheus";

/** True when the tests must be skipped; says so once. Throws in CI. */
export function mustSkipPromtool(): boolean {
  if (spawnSync("promtool", ["--version"]).status === 0) return false;
  if (process.env["CI"] === "true") throw new Error(INSTALL_HINT);
  process.stderr.write(`SKIPPED: ${INSTALL_HINT}\n`);
  return true;
}

/** @returns the exit code and everything it said; `input` goes to its standard input. */
export function promtool(
  words: readonly string[],
  { cwd, input = "" }: { readonly cwd?: string; readonly input?: string } = {},
): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync("promtool", words, {
    encoding: "utf8",
    input,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { code: status, said: stdout + stderr };
}
