/**
 * `export DIR`: the instance as the files that `apply` reads, one text for one state of things, so that a second export
 * into a repository shows exactly what has changed. Files of things that are not there any more are told, not removed.
 */
import { mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cliFailure } from "../failure.ts";
import { createFile, fileFailure } from "../file-stream.ts";
import { count } from "../render.ts";
import { printJson, type Session } from "../verb.ts";
import { ACCOUNT_FILES, fileOf, fileText, FOLDERS } from "./layout.ts";
import { accountLine, readLive, readLiveAccounts } from "./live.ts";

const [ACCOUNTS, OTHER_ACCOUNTS] = ACCOUNT_FILES;

/** A folder is meant: it is one, or its name ends like one. */
export async function isFolderName(name: string): Promise<boolean> {
  if (/[\\/]$/.test(name)) return true;
  const found = await stat(name).catch(() => null);
  return found?.isDirectory() === true;
}

/** Writes everything. Each file appears whole or not at all. @throws Failure */
export async function exportFolder(session: Session, folder: string): Promise<void> {
  const before = await listFiles(folder);
  const { found } = await readLive(session);
  const files = new Map([...found.values()].map(({ resource }) => [fileOf(resource), fileText(resource)]));
  refuseDoubles(folder, before, files);
  for (const [file, text] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    await makeFolder(dirname(join(folder, file)));
    await writeWhole(join(folder, file), [text]);
  }
  await makeFolder(folder);
  const accounts = await writeWhole(join(folder, ACCOUNTS), accountTexts(session));
  const stale = before.filter((file) => file !== ACCOUNTS && !files.has(file));
  if (session.json) printJson(session, { folder, files: files.size + 1, accounts, stale });
  else
    session.terminal.out.write(
      `Wrote ${count(files.size + 1, "file")} with ${count(accounts, "account")} to ${folder}.\n${staleText(stale)}`,
    );
}

function staleText(stale: readonly string[]): string {
  if (stale.length === 0) return "";
  return `Not on the instance, left alone: ${stale.join(", ")}\n`;
}

async function* accountTexts(session: Session): AsyncGenerator<string> {
  for await (const account of readLiveAccounts(session)) yield `${JSON.stringify(accountLine(account))}\n`;
}

async function writeWhole(file: string, texts: Iterable<string> | AsyncIterable<string>): Promise<number> {
  const written = await createFile(file);
  let pieces = 0;
  try {
    for await (const text of texts) {
      await written.write(text);
      pieces += 1;
    }
    await written.finish();
    return pieces;
  } catch (error) {
    await written.discard();
    throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw fileFailure(folder, error, "written");
  }
}

/** Files of the layout that are there, relative, with slashes. */
async function listFiles(folder: string): Promise<readonly string[]> {
  if (!(await stat(folder).catch(() => null))) return [];
  try {
    const all = await readdir(folder, { recursive: true });
    const names = all.map((name) => name.replaceAll("\\", "/"));
    const isOurs = (name: string): boolean =>
      ACCOUNT_FILES.some((file) => file === name) ||
      (Object.values(FOLDERS).some((each) => name.startsWith(`${each}/`)) && /\.jsonc?$/.test(name));
    return names.filter(isOurs).toSorted();
  } catch (error) {
    throw fileFailure(folder, error, "read");
  }
}

/** Two files for one thing could not be applied. */
function refuseDoubles(folder: string, before: readonly string[], files: ReadonlyMap<string, string>): void {
  const doubles = before.filter(
    (file) => file === OTHER_ACCOUNTS || (file.endsWith(".jsonc") && files.has(file.replace(/c$/, ""))),
  );
  if (doubles.length === 0) return;
  throw cliFailure("exists", {
    title: "The folder says the same things in other files",
    detail: doubles.map((file) => join(folder, file)).join("\n"),
    next: "Export into another folder, or remove these first: nothing was written.",
  });
}
