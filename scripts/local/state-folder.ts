/**
 * The folder that a local run keeps between starts, and who may use it: `settings.json` (what was made once),
 * `v3/` (KV, objects, Cache API; named so because `wrangler --local --persist-to FOLDER` looks there), `firebreak.log`,
 * and `control.json` while a run is alive.
 * `control.json` doubles as the lock: it is created exclusively, and one left by a run that ended hard is recognised by
 * its control server not answering with its process id; the workerd it left is ended then. Two starts that find the
 * same stale file in the same millisecond could both take it; the port check that follows then stops one of them.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { endLeftWorkerd, WorkerdProcessSchema, type WorkerdProcess } from "./workerd-processes.ts";

const ANSWER_WITHIN_MS = 2000;
const KEY_BYTES = 32;

const SettingsSchema = z.strictObject({
  /** `kid:secret`, made once so that tester tokens outlive a restart. */
  overrideKey: z.string().min(16),
  /** Port of each demo origin by `product/version`. */
  demoPorts: z.record(z.string(), z.int().min(1).max(65_535)),
  /** Whether the demo accounts were imported. */
  accountsImported: z.boolean(),
});
export type Settings = z.infer<typeof SettingsSchema>;

const ControlFileSchema = z.looseObject({
  url: z.string(),
  pid: z.int(),
  workerd: z.array(WorkerdProcessSchema).default([]),
});
/** What the control server answers to `GET /`. */
const AliveSchema = z.looseObject({ pid: z.int() });

export interface StateFolder {
  readonly path: string;
  readonly logPath: string;
  readonly storagePath: string;
  readonly controlPath: string;
  settings(): Settings;
  saveSettings(settings: Settings): void;
}

/**
 * Opens the folder, making it and its settings when they are not there.
 * @throws when `settings.json` is there and not ours: it is better to stop than to lose a key.
 */
export function openStateFolder(path: string): StateFolder {
  const settingsPath = join(path, "settings.json");
  const storagePath = join(path, "v3");
  const isNew = mkdirSync(storagePath, { recursive: true }) !== undefined;
  const saveSettings = (settings: Settings): void => writeWhole(settingsPath, settings);
  if (readIfThere(settingsPath) === null) {
    const overrideKey = `local:${randomBytes(KEY_BYTES).toString("base64url")}`;
    saveSettings({ overrideKey, demoPorts: {}, accountsImported: false });
  }
  return {
    path,
    logPath: join(path, "firebreak.log"),
    storagePath,
    controlPath: join(path, "control.json"),
    settings() {
      const parsed = SettingsSchema.safeParse(parseJson(readIfThere(settingsPath)));
      // Somebody who removed the storage alone, to begin anew, gets the demo accounts again.
      if (parsed.success) return isNew ? { ...parsed.data, accountsImported: false } : parsed.data;
      throw new Error(`${settingsPath} is not readable as settings: move the folder away to begin anew`);
    },
    saveSettings,
  };
}

/**
 * Takes the folder for this run by writing `control.json`.
 * @returns null when it was taken, else the address of the run that has it.
 */
export async function takeFolder(folder: StateFolder, controlUrl: string): Promise<string | null> {
  const text = controlText(controlUrl, []);
  for (;;) {
    if (writeNew(folder.controlPath, text)) return null;
    const found = ControlFileSchema.safeParse(parseJson(readIfThere(folder.controlPath)));
    if (found.success && (await isAlive(found.data))) return found.data.url;
    if (found.success) await endLeftWorkerd(found.data.workerd);
    rmSync(folder.controlPath, { force: true });
  }
}

/** Notes which workerd runs on the folder, so that the next start can end it should this run be killed. */
export function noteWorkerd(
  { controlPath }: StateFolder,
  controlUrl: string,
  workerd: readonly WorkerdProcess[],
): void {
  writeFileSync(`${controlPath}.new`, controlText(controlUrl, workerd));
  renameSync(`${controlPath}.new`, controlPath);
}

function controlText(url: string, workerd: readonly WorkerdProcess[]): string {
  return `${JSON.stringify({ url, pid: process.pid, workerd })}\n`;
}

/** Gives the folder back. Only the run that took it may call this. */
export function releaseFolder(folder: StateFolder): void {
  rmSync(folder.controlPath, { force: true });
}

/** A process id alone proves nothing, since ids are reused: the control server must answer and name it. */
async function isAlive({ url, pid }: z.infer<typeof ControlFileSchema>): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const answer: unknown = await response.json();
    return AliveSchema.safeParse(answer).data?.pid === pid;
  } catch {
    return false;
  }
}

function writeNew(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** Whole or not at all, so that a run that ends in the middle leaves the old settings. The file holds a key. */
function writeWhole(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

/** Whether an error of Node's carries this code, such as `EADDRINUSE`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
