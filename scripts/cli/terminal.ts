/**
 * What the command line may touch of the process: where it writes, which variables it reads, the clock.
 * Every verb takes this value and never `process` or `console`, so tests run whole command lines in memory.
 * Machine output goes to `out` alone; everything meant for eyes while a verb works goes to `err`.
 */

/** One end of a terminal or pipe. `columns` is 0 when it is not a terminal. */
export interface TextSink {
  write(text: string): void;
  /** Moves the cursor or erases: the only text that a guarded sink lets act on the screen. */
  draw(sequence: string): void;
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
    draw: (sequence) => void stream.write(sequence),
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

/** What a screen acts on: control and direction characters, but for line ends, tabs and the colours of `apply`. */
const ACTED_ON =
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  /(?!\u001b\[3[1-39]m)[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The text with every character that a screen would act on written out as JSON has it (`\u001b`), so that nothing from
 * elsewhere, a reason, a label, somebody's error page, can rewrite what an operator sees; as JSON it means the same.
 */
export function harmless(text: string): string {
  return text.replace(ACTED_ON, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The terminal, through which only harmless text is written, whichever verb writes it. */
export function guardTerminal(terminal: Terminal): Terminal {
  return { ...terminal, out: guardSink(terminal.out), err: guardSink(terminal.err) };
}

function guardSink(sink: TextSink): TextSink {
  return {
    write: (text) => sink.write(harmless(text)),
    draw: (sequence) => sink.draw(sequence),
    drained: () => sink.drained(),
    get isTerminal() {
      return sink.isTerminal;
    },
    get columns() {
      return sink.columns;
    },
  };
}
