/**
 * Reads and extends `CDN-Loop`, which shows a router that a request came through it before. RFC 8586.
 * Ids of others are never removed, also when the value cannot be parsed; parameters are skipped. A quote that is never
 * closed would hide whatever stands behind it, so that one byte of a client could keep a circle going for ever.
 * Called by the edge for every request that is not a health check. Posture: closed; what cannot be parsed is searched.
 */
import { CDN_ID } from "./header-sets.ts";

/** True when our own id is one of the entries, in any case and with any parameters. */
export function hasOwnLoop(value: string | undefined): boolean {
  if (value === undefined) return false;
  const entries = splitList(value) ?? value.split(",");
  return entries.some((entry) => entry.split(";", 1)[0]?.trim().toLowerCase() === CDN_ID);
}

/** The value for the origin: what came, and our id at the end, or in front of a quote that is not closed. */
export function extendLoop(value: string | undefined): string {
  const others = value?.trim() ?? "";
  if (others === "") return CDN_ID;
  return splitList(others) === null ? `${CDN_ID}, ${others}` : `${others}, ${CDN_ID}`;
}

/** Splits at commas outside quoted strings; null when a quote is not closed. */
function splitList(value: string): string[] | null {
  if (!value.includes('"')) return value.split(",");
  const entries: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (quoted && char === "\\") at++;
    else if (char === '"') quoted = !quoted;
    else if (char === "," && !quoted) {
      entries.push(value.slice(start, at));
      start = at + 1;
    }
  }
  if (quoted) return null;
  entries.push(value.slice(start));
  return entries;
}
