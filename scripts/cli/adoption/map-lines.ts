/**
 * Turns a HAProxy map into the lines of an import, as a stream, each on the line number it has in the file. What cannot be
 * taken over goes out as a line that says so, so that the control plane counts it and the audit knows of it.
 * HAProxy takes the first of two lines of one name, and so does this; the same again is no mistake.
 */
import { Readable } from "node:stream";
import { placeAccount, readMapLine, type MapReading } from "./haproxy-map.ts";
import { physicalLines } from "./physical-lines.ts";

/** How accounts that come in are described, beside their version. */
export interface Adopting extends MapReading {
  readonly timeZone: string;
  readonly cohort: string;
}

/** An account as the file says it. */
export interface Taken {
  readonly line: number;
  readonly account: string;
  readonly version: string;
}

/** Told what comes by; counts and first lines are kept of it. */
export interface AdoptionNotes {
  taken(taken: Taken): void;
  /** A backend that no `--backend` gives a version. */
  unmapped(backend: string): void;
}

/** Pipes the bytes of a map into import lines. */
export function mapToImportLines(bytes: Readable, adopting: Adopting, notes: AdoptionNotes): Readable {
  return Readable.from(convert(bytes, adopting, notes), { objectMode: false });
}

async function* convert(bytes: Readable, adopting: Adopting, notes: AdoptionNotes): AsyncGenerator<string> {
  const seen = new Map<string, string>();
  let line = 0;
  for await (const text of physicalLines(bytes)) {
    line += 1;
    yield `${convertLine({ line, text }, { adopting, notes, seen })}\n`;
  }
}

interface Conversion {
  readonly adopting: Adopting;
  readonly notes: AdoptionNotes;
  /** Accounts so far, with their backends. */
  readonly seen: Map<string, string>;
}

function convertLine(
  { line, text }: { readonly line: number; readonly text: string },
  { adopting, notes, seen }: Conversion,
): string {
  const found = readMapLine(text, (key) => placeAccount(key, adopting));
  if (found.kind === "blank") return "";
  if (found.kind === "unreadable") return unreadable(found.reason, found.key);
  const { account, backend } = found;
  const first = seen.get(account);
  if (first === backend) return "";
  if (first !== undefined)
    return unreadable(`stands on an earlier line already, with ${first}, which counts`, account);
  seen.set(account, backend);
  const version = adopting.backends.get(backend);
  if (version === undefined) {
    notes.unmapped(backend);
    return unreadable(noVersion(backend), account);
  }
  notes.taken({ line, account, version });
  return JSON.stringify(adoptedAccount(adopting, { account, version }));
}

export function noVersion(backend: string): string {
  return `is on ${backend.slice(0, 100)}, and no --backend says which version that is`;
}

/** The line that adopts one account. */
export function adoptedAccount(
  { product, timeZone, cohort }: Pick<Adopting, "product" | "timeZone" | "cohort">,
  { account, version }: Pick<Taken, "account" | "version">,
): Readonly<Record<string, unknown>> {
  return { account, timeZone, cohort, products: [product], homes: { [product]: version } };
}

export function unreadable(reason: string, account: string): string {
  return JSON.stringify({ unreadable: reason, account: account.slice(0, 253) });
}
