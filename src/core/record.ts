/**
 * Reading records whose keys come from outside. An account may be called `constructor` and a product `valueOf`;
 * a plain `record[key]` would then find what every object inherits. Pure; used wherever a slug, product or version
 * is looked up in a parsed document.
 */

/** The record's own value for `key`, or undefined; never an inherited one. */
export function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
