/**
 * Finds and starts the Chromium of the machine: nothing is downloaded. Used by the tests that read the dashboard as
 * people do, and by `npm run screenshots`. Who starts one closes it.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

export const INSTALL_HINT =
  "Chromium is not installed. Install it with `apt-get install chromium`, or name one in CHROMIUM, and try again.";

/** The program's path: CHROMIUM, else the first on the path; null when there is none. */
export function findChromium(): string | null {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return paths.find((path) => existsSync(path)) ?? null;
}

/** Starts one without a window. @throws with INSTALL_HINT when there is none. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error(INSTALL_HINT);
  // Containers often run as root and with a small /dev/shm; the pages are ours.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
