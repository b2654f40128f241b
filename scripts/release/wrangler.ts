/**
 * Runs wrangler and reads what it has to say: the ND-JSON that it writes to WRANGLER_OUTPUT_FILE_PATH, and the JSON of
 * `deployments status`. Its tables for people are never parsed. A run that does not end in time is killed with all that it
 * started; whether what it asked for was done is then not known, and is read back.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { z } from "zod";

/** Traffic by version of the Worker, in percent. */
export interface Share {
  readonly version: string;
  readonly percent: number;
}

/** How a run ended. `entries` is what it wrote, one object a line; lines that are none are left out. */
export interface Ran {
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  readonly stdout: string;
  readonly stderr: string;
}

export interface Wrangler {
  /** The words before which a command line of wrangler's begins, for people. */
  readonly words: string;
  run(args: readonly string[]): Promise<Ran>;
}

export interface WranglerOptions {
  /** Program and first arguments. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly timeoutMs: number;
}

/** Longest that a killed run is waited for. */
const KILL_WAIT_MS = 2_000;

export function createWrangler({ command, cwd, timeoutMs }: WranglerOptions): Wrangler {
  const [program, ...first] = command;
  return {
    words: "npx wrangler",
    async run(args) {
      const folder = mkdtempSync(join(tmpdir(), "firebreak-release-"));
      const output = join(folder, "wrangler.ndjson");
      try {
        const child = spawn(program, [...first, ...args], {
          cwd,
          stdio: ["ignore", "pipe", "pipe"],
          // A group of its own: Ctrl-C is for us to answer, and killing it must reach what it started.
          detached: true,
          env: { ...process.env, WRANGLER_OUTPUT_FILE_PATH: output, WRANGLER_SEND_METRICS: "false", CI: "1" },
        });
        const text = { stdout: "", stderr: "" };
        child.stdout.on("data", (chunk: Buffer) => (text.stdout += chunk.toString("utf8")));
        child.stderr.on("data", (chunk: Buffer) => (text.stderr += chunk.toString("utf8")));
        const end = await ended(child, timeoutMs);
        return { ...end, ...text, entries: readEntries(output) };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function ended(child: ReturnType<typeof spawn>, timeoutMs: number): Promise<Pick<Ran, "code" | "timedOut">> {
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) killGroup(child.pid);
      // What it started may hold its output open; it is not waited for.
      setTimeout(() => resolve({ code: null, timedOut: true }), KILL_WAIT_MS).unref();
    }, timeoutMs);
    child.once("error", (cause) => {
      clearTimeout(timer);
      reject(new Error("wrangler could not be started", { cause }));
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, timedOut });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

function readEntries(file: string): Ran["entries"] {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return []; // it wrote nothing
  }
  return text.split("\n").flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === "object" && value !== null ? [{ ...value }] : [];
    } catch {
      return [];
    }
  });
}

const UploadSchema = z.looseObject({
  type: z.literal("version-upload"),
  version_id: z.uuid(),
  worker_name: z.string().min(1),
});
const FailedSchema = z.looseObject({ type: z.literal("command-failed"), message: z.string() });
const DeploymentSchema = z.looseObject({
  versions: z.array(z.looseObject({ version_id: z.uuid(), percentage: z.number() })).min(1),
});

/** The version that was uploaded, and the Worker's name; null when wrangler did not say. */
export function uploadedBy({ entries }: Ran): { readonly version: string; readonly worker: string } | null {
  for (const entry of entries) {
    const parsed = UploadSchema.safeParse(entry);
    if (parsed.success) return { version: parsed.data.version_id, worker: parsed.data.worker_name };
  }
  return null;
}

/** Why a run failed, in wrangler's own words; null when it did not. */
export function failureOf({ code, timedOut, entries, stderr }: Ran): string | null {
  if (timedOut) return "wrangler did not end in time and was killed";
  if (code === 0) return null;
  // Its entry has the first sentence of an API's refusal, standard error the reason as well.
  const said = firstLines(stderr);
  for (const entry of entries) {
    const parsed = FailedSchema.safeParse(entry);
    if (parsed.success && !said.includes(firstLines(parsed.data.message)))
      return firstLines(parsed.data.message);
  }
  return said || `wrangler ended with ${code ?? "a signal"} and said nothing`;
}

const SHOWN_LINES = 4;

function firstLines(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.includes("Logs were written to"));
  return lines.slice(0, SHOWN_LINES).join(" ");
}

/** The shares that `deployments status --json` printed; null when it printed something else. */
export function sharesOf({ stdout }: Ran): readonly Share[] | null {
  const begin = stdout.indexOf("{");
  if (begin < 0) return null;
  try {
    const parsed = DeploymentSchema.safeParse(JSON.parse(stdout.slice(begin)));
    if (!parsed.success) return null;
    return parsed.data.versions.map(({ version_id: version, percentage: percent }) => ({ version, percent }));
  } catch {
    return null;
  }
}
