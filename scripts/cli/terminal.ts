/**
 * What the command line may touch of the process: where it writes, which variables it reads, the clock.
 * Every verb takes this value and never `process` or `console`, so tests run whole command lines in memory.
 * Machine output goes to `out` alone; everything meant for eyes while a verb works goes to `err`.
 */

/** One end of a terminal or pipe. `columns` is 0 when it is not a terminal. */
export interface TextSink {
  write(text: string): void;
  /** Settles when what was written is on its way, so that long output does not pile up in memory. */
  drained(): Promise<void>;
  readonly isTerminal: boolean;
  readonly columns: number;
}

export interface Terminal {
  readonly out: TextSink;
  readonly err: TextSink;
  /** Where a progress bar is drawn: standard error when it is a terminal, else null. */
  readonly bars: NodeJS.WriteStream | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard input, for `-` as a file name. */
  readonly input: NodeJS.ReadableStream;
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Lets this many milliseconds pass. */
  sleep(ms: number): Promise<void>;
}

/** The real process. A reader that leaves early (`… | head`) ends the command quietly. */
export function createProcessTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
  return {
    out: sinkOf(process.stdout),
    err: sinkOf(process.stderr),
    bars: process.stderr.isTTY === true ? process.stderr : null,
    env: process.env,
    input: process.stdin,
    nowMs: () => Date.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

function sinkOf(stream: NodeJS.WriteStream): TextSink {
  return {
    write: (text) => void stream.write(text),
    drained: () =>
      stream.writableNeedDrain ? new Promise((resolve) => stream.once("drain", resolve)) : Promise.resolve(),
    // Undefined, not false, when the stream is a file or pipe.
    get isTerminal() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.isTTY === true ? stream.columns : 0;
    },
  };
}
