/**
 * How long work shows itself: a bar on a terminal, else a plain line every few seconds, always on standard error.
 * It owns no counting; the caller says how far it is. Silent with `--json`, so that programs read problems alone there.
 */
import { Presets, SingleBar } from "cli-progress";
import { percent } from "./render.ts";
import type { Terminal } from "./terminal.ts";

const LINE_EVERY_MS = 5000;
const BAR_EVERY_MS = 100;
const MAX_BAR = 30;

export interface Progress {
  /** `done` of `total` (null: unknown) in bytes, and what else to say. */
  update(done: number, text: string): void;
  stop(): void;
}

/** Starts showing progress. `total` null: there is no telling how much is to come. */
export function startProgress(
  terminal: Terminal,
  options: { readonly label: string; readonly total: number | null; readonly silent: boolean },
): Progress {
  const { label, total, silent } = options;
  if (silent) return { update: () => undefined, stop: () => undefined };
  return terminal.bars !== null && total !== null
    ? startBar(terminal.bars, { label, total })
    : startLines(terminal, { label, total });
}

function startBar(stream: NodeJS.WriteStream, { label, total }: { label: string; total: number }): Progress {
  const bar = new SingleBar(
    {
      format: `${label} {bar} {percentage} %  {text}  {eta_formatted} left`,
      barsize: Math.max(10, Math.min(MAX_BAR, stream.columns - 80)),
      hideCursor: true,
      fps: 1000 / BAR_EVERY_MS,
      stream,
    },
    Presets.shades_classic,
  );
  bar.start(Math.max(total, 1), 0, { text: "" });
  return { update: (done, text) => bar.update(Math.min(done, total), { text }), stop: () => bar.stop() };
}

function startLines(terminal: Terminal, { label, total }: { label: string; total: number | null }): Progress {
  let next = terminal.nowMs() + LINE_EVERY_MS;
  return {
    update: (done, text) => {
      if (terminal.nowMs() < next) return;
      next = terminal.nowMs() + LINE_EVERY_MS;
      const share = total === null || total === 0 ? "" : ` ${percent(Math.min(1, done / total))}`;
      terminal.err.write(`${label}${share}: ${text}\n`);
    },
    stop: () => undefined,
  };
}
