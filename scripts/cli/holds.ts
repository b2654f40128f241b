/** What holds of products and of accounts share on the command line: options, body, and how a hold reads. */
import { HoldInputSchema, type HoldInput, type HoldView } from "../../src/contracts/api/products.ts";
import { toInput, toInstant } from "./arguments.ts";
import { clean, instant } from "./render.ts";
import type { OptionSpec, Words } from "./verb.ts";

export const HOLD_OPTIONS: readonly OptionSpec[] = [
  { flags: "--read-only", about: "let GET, HEAD and OPTIONS pass (default: a page for everything)" },
  { flags: "--message <text>", about: "wording on the page, plain text (default: the usual one)" },
  {
    flags: "--until <instant>",
    about: "expected end, for Retry-After; the hold ends by `release` (default: not known)",
    parse: toInstant,
  },
];

/** The body of a hold. */
export function holdInput(words: Words): HoldInput {
  return toInput(HoldInputSchema, {
    mode: words.on("readOnly") ? "readOnly" : "page",
    message: words.maybe("message") ?? null,
    until: words.maybe("until") ?? null,
    reason: words.text("reason"),
  });
}

/** A hold as one cell; null when there is none. */
export function holdText(hold: HoldView | null): string | null {
  if (hold === null) return null;
  const kind = hold.mode === "page" ? "held (page)" : "held (read-only)";
  const until = hold.until === null ? "" : ` until about ${instant(hold.until)}`;
  const page = hold.message === null ? "" : `; the page says "${hold.message}"`;
  return clean(`${kind}${until}: ${hold.reason} (${hold.by}, ${instant(hold.at)})${page}`);
}
