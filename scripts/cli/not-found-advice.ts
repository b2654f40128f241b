/**
 * What to do when something is not there: the command that lists what there is, told from what the API says is missing.
 * Null where there is no such list: then the detail says it all. Pure; called by failure.ts.
 */
import { RUN } from "./command-line.ts";

/** Kinds of things as the API names them after "there is no", and what lists them; `$1` is a name that follows. */
const LISTS: readonly (readonly [missing: RegExp, list: string])[] = [
  [/^version (\S+) /, "version list $1"],
  [/^product /, "product list"],
  [/^(?:pin|deferral) of (\S+)/, "accounts show $1"],
  [/^account /, "accounts list"],
  [/^rollout /, "rollout list"],
  [/^window /, "window list"],
  [/^freeze /, "freeze list"],
  [/^webhook /, "webhook list"],
  [/^dead event of webhook (\S+)/, "webhook dead $1"],
  [/^dead event \S+ of webhook (\S+)/, "webhook dead $1"],
  [/^grant /, "access list"],
  [/^token /, "token list"],
  [/^replacement of (\S+) /, "version replacement list $1"],
  [/^mark bad of (\S+) /, "version list $1"],
];

/**
 * The next step after a 404.
 * @param detail as the API words it: "there is no version kiln 2.7.0".
 */
export function notFoundAdvice(detail: string): string | null {
  const missing = /^there is no (.*)$/i.exec(detail.trim())?.[1];
  if (missing === undefined) return null;
  for (const [kind, list] of LISTS) {
    const found = kind.exec(missing);
    if (found !== null)
      return `Check the spelling: \`${RUN}${list.replace("$1", found[1] ?? "")}\` shows what there is.`;
  }
  return null;
}
