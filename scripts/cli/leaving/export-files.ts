/**
 * Writes exported maps and their configuration into a folder: maps line by line, the configuration last, so that whoever
 * sees it finds what it names. Files are readable by their owner alone: names of customers are in them.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createFile, fileFailure } from "../file-stream.ts";

export interface ConfigOptions {
  /** Where the load balancer listens, as `*:8080`. */
  readonly listen: string;
  /** Where it will find the files. */
  readonly folder: string;
  /** Lines of the comment at the top. */
  readonly head: readonly string[];
}

export interface ExportedConfig {
  readonly config: { readonly file: string; readonly text: string };
  readonly maps: readonly { readonly file: string; readonly lines: Iterable<string> }[];
  /** The command that checks it. */
  readonly check: string;
}

/** Characters written at once. */
const CHUNK = 256 * 1024;

/** Writes everything. @returns the files, the configuration first. @throws Failure when one cannot be written. */
export async function writeExport(
  folder: string,
  { config, maps }: ExportedConfig,
): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw fileFailure(folder, error, "written");
  }
  for (const { file, lines } of maps) await writeLines(join(folder, file), lines);
  await writeLines(join(folder, config.file), [config.text]);
  return [config, ...maps].map(({ file }) => join(folder, file));
}

async function writeLines(file: string, lines: Iterable<string>): Promise<void> {
  const written = await createFile(file);
  let held = "";
  for (const line of lines) {
    held += `${line}\n`;
    if (held.length < CHUNK) continue;
    await written.write(held);
    held = "";
  }
  if (held !== "") await written.write(held);
  await written.finish();
}
