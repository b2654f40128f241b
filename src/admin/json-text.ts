/**
 * Reads JSON that somebody sent. Pure. A member called `__proto__` is refused here: the schemas behind skip it without a
 * word, because as a name of an object it would reach what every object inherits, and what was sent would be lost.
 */
import { err, ok, type Result } from "../contracts/result.ts";

export const FORBIDDEN_NAME = "__proto__";
/** The name, or an escape that may stand for a letter of it. Most texts have neither, and are read without a reviver. */
const MAY_HOLD_IT = /__proto__|\\u00/;

/** The value; or what is wrong, without a word of the text, which may hold a secret. */
export function parseJsonText(text: string): Result<unknown, "not-json" | "forbidden-name"> {
  let found = false;
  try {
    const value: unknown = MAY_HOLD_IT.test(text)
      ? JSON.parse(text, (name, inner: unknown) => {
          found ||= name === FORBIDDEN_NAME;
          return inner;
        })
      : JSON.parse(text);
    return found ? err("forbidden-name") : ok(value);
  } catch {
    return err("not-json");
  }
}
