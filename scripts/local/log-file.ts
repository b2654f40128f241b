/**
 * Where the log lines of the nodes go, so that the terminal stays readable. Never pushes back on workerd: when the disk
 * is slower than the nodes talk, lines are dropped and counted, and the count is the next line. Owned by the instance.
 */
import { createWriteStream, existsSync, renameSync, statSync } from "node:fs";

const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const ROTATE_ABOVE_BYTES = 50 * 1024 * 1024;

export interface LogFile {
  line(text: string): void;
  /** Resolves when everything accepted is written. */
  close(): Promise<void>;
}

/** Opens `path` for appending; a file grown large is put aside as `path.1` first. */
export function openLogFile(path: string): LogFile {
  if (existsSync(path) && statSync(path).size > ROTATE_ABOVE_BYTES) renameSync(path, `${path}.1`);
  const stream = createWriteStream(path, { flags: "a" });
  // A full disk must not end the runner: what cannot be written is lost, and serving goes on.
  stream.on("error", () => {});
  let dropped = 0;
  return {
    line(text) {
      if (stream.writableLength > MAX_WAITING_BYTES) {
        dropped += 1;
        return;
      }
      if (dropped > 0) stream.write(`{"event":"log-lines-dropped","count":${dropped}}\n`);
      dropped = 0;
      stream.write(text.endsWith("\n") ? text : `${text}\n`);
    },
    close: () => new Promise((resolve) => void stream.end(() => resolve())),
  };
}
