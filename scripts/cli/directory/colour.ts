/**
 * Colours of a difference: green is new, red is gone, yellow changes. Only on a screen, and not when NO_COLOR is set
 * (https://no-color.org): what is piped is plain text. Pure.
 */
import { styleText } from "node:util";
import type { Terminal } from "../terminal.ts";

export type Mark = "+" | "~" | "-" | " ";

const COLOURS = { "+": "green", "~": "yellow", "-": "red" } as const;

/** Paints one line by its mark, or leaves it as it is. */
export type Paint = (mark: Mark, line: string) => string;

/** The paint of a terminal's standard output. */
export function createPaint({ out, env }: Terminal): Paint {
  const plain = !out.isTerminal || (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return (mark, line) =>
    plain || mark === " " ? line : styleText(COLOURS[mark], line, { validateStream: false });
}
