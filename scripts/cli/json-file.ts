/**
 * Reads one small JSON document (comments are allowed) from a file or (`-`) standard input, for verbs that take more than
 * flags can say. Whole in memory, so bounded; long files of many lines go through file-stream.ts.
 */
import { readFile } from "node:fs/promises";
import { usageFailure } from "./failure.ts";
import { fileFailure, STANDARD } from "./file-stream.ts";
import { parseJsonc } from "./jsonc.ts";
import type { Terminal } from "./terminal.ts";

const MAX_CHARS = 1024 * 1024;

/** @throws Failure when it cannot be read, is larger than 1 MiB or is no JSON. */
export async function readJsonFile(terminal: Terminal, file: string): Promise<unknown> {
  const text = file === STANDARD ? await readInput(terminal) : await readText(file);
  if (text.length > MAX_CHARS) throw usageFailure(`${file} is larger than 1 MiB.`);
  try {
    return parseJsonc(text);
  } catch (error) {
    throw usageFailure(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw fileFailure(file, error, "read");
  }
}

async function readInput({ input }: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(piece);
    bytes += piece.length;
    // Four bytes a character at most; the caller says that it is too large.
    if (bytes > 4 * MAX_CHARS) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
