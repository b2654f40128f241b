/**
 * How this command line is called from where it runs, so that every command that it prints works when pasted. In the
 * project that is npm; `npm run build:cli` writes `firebreak` in its place. Nothing else may spell it out.
 */

/** Stands before the words of a command. */
export const RUN = "npm run -s firebreak -- ";

/** Commands that the API names as `firebreak …`, at the beginning of a text or in backticks, as they are typed here. */
export function asTyped(text: string): string {
  return text.replace(/(^|`)firebreak (?=[a-z])/g, `$1${RUN}`);
}
