/**
 * Files on the way in and out, never whole in memory: opened with a message people can act on, counted byte by byte,
 * hashed, written beside their final name and moved there when they are complete. `-` is standard input or output.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { cliFailure, type Failure } from "./failure.ts";

/** Stands for standard input or output. */
export const STANDARD = "-";

/** A file that cannot be read or written, in words. */
export function fileFailure(file: string, error: unknown, doing: "read" | "written"): Failure {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const known: Record<string, string> = {
    ENOENT: doing === "read" ? "There is no such file" : "There is no such folder",
    EACCES: "This user may not",
    EISDIR: "It is a folder",
    ENOSPC: "The disk is full",
  };
  const why = known[code] ?? (error instanceof Error ? error.message : String(error));
  return cliFailure("file", { title: `The file cannot be ${doing}`, detail: `${file}: ${why}.` }, error);
}

/** Size in bytes of a file that can be read. @throws Failure when it cannot. */
export async function readableSize(file: string): Promise<number> {
  try {
    const handle = await open(file, "r");
    await handle.close();
    const found = await stat(file);
    if (found.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    return found.size;
  } catch (error) {
    throw fileFailure(file, error, "read");
  }
}

/** SHA-256 of a file in hex. */
export async function fileDigest(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    throw fileFailure(file, error, "read");
  }
  return hash.digest("hex");
}

/** Opens a file for streaming; errors while reading arrive as Failures. */
export function openForReading(file: string): Readable {
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 });
  const failing = new Transform({ transform: (chunk, _, done) => done(null, chunk) });
  stream.on("error", (error) => failing.destroy(fileFailure(file, error, "read")));
  return stream.pipe(failing);
}

/** A stage that reports how many bytes have passed. */
export function countBytes(report: (bytes: number) => void): Transform {
  let passed = 0;
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      passed += chunk.byteLength;
      report(passed);
      done(null, chunk);
    },
  });
}

/** A text file being written; nothing has its name before `finish`. */
export interface WrittenFile {
  write(text: string): Promise<void>;
  finish(): Promise<void>;
  /** Gives up and removes what was written. */
  discard(): Promise<void>;
}

/** Starts writing a file. @throws Failure when it cannot be created. */
export async function createFile(file: string): Promise<WrittenFile> {
  const part = `${file}.part`;
  // Whoever may read a set of accounts is for its owner to say, so the file starts private.
  const stream = createWriteStream(part, { mode: 0o600 });
  let broken: unknown = null;
  stream.on("error", (error) => (broken = error));
  const settle = (act: (done: () => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => (broken === null ? resolve() : reject(fileFailure(file, broken, "written")));
      stream.once("error", check);
      act(() => {
        stream.off("error", check);
        check();
      });
    });
  await settle((done) => stream.once("open", done));
  return {
    write: (text) => settle((done) => (stream.write(text) ? done() : stream.once("drain", done))),
    finish: async () => {
      await settle((done) => stream.end(done));
      await rename(part, file);
    },
    discard: async () => {
      stream.destroy();
      await rm(part, { force: true });
    },
  };
}
