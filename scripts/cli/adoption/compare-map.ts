/**
 * What Firebreak would answer for every name of today's map, beside what the map says: decided by the published maps with
 * the edge's own function. Pure. A name that the map has and the accounts do not counts like any other: it would get the
 * default. Accounts that the map does not have are compared with the backend that it gives everybody else, if one is named.
 */
import type { AccountRow } from "../../../src/contracts/maps.ts";
import type { Decision } from "../../../src/core/decision.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";
import { parseHost } from "../../../src/core/parse-host.ts";
import { own } from "../../../src/core/record.ts";
import { rowsOf } from "../maps-dump.ts";
import type { Side } from "../maps-diff.ts";
import { placeAccount, readMapLine, type MapReading, type Placed } from "./haproxy-map.ts";

export interface MapComparing extends MapReading {
  readonly side: Side;
  /** Where today's fleet sends names that its map does not have; null: not said. */
  readonly defaultBackend: string | null;
}

/** One name that would get something else. `line` is null for accounts that the map does not have. */
export interface Disagreement {
  readonly line: number | null;
  readonly host: string;
  readonly theirs: string;
  readonly ours: string;
  readonly reason: string;
}

export interface Unreadable {
  readonly line: number;
  readonly key: string;
  readonly reason: string;
}

export interface MapComparison {
  readonly compared: number;
  readonly agree: number;
  readonly disagreements: readonly Disagreement[];
  readonly unreadable: readonly Unreadable[];
  /** Backends without a version, with how many names are on them; their names were not compared. */
  readonly unmapped: Readonly<Record<string, number>>;
  /** Accounts of the product that the map does not have, and that were not compared either. */
  readonly absent: number;
}

/** Compares a map, given as its lines in order. */
export async function compareMap(
  lines: AsyncIterable<string>,
  comparing: MapComparing,
): Promise<MapComparison> {
  const found = createTally();
  const seen = new Set<string>();
  let line = 0;
  for await (const text of lines) {
    line += 1;
    const read = readMapLine(text, (key) => placeName(key, comparing));
    if (read.kind === "unreadable") found.unreadable.push({ line, key: read.key, reason: read.reason });
    if (read.kind !== "entry" || seen.has(read.account)) continue;
    seen.add(read.account);
    found.add(comparing, { line, host: read.account, backend: read.backend });
  }
  const absent = compareAbsent(comparing, { seen, found });
  const { compared, disagreements, unreadable, unmapped } = found;
  return {
    compared,
    agree: compared - disagreements.length,
    disagreements,
    unreadable,
    unmapped: Object.fromEntries(unmapped),
    absent,
  };
}

/** Slugs, and what `accounts import` refuses and a comparison can use: custom domains and the base domain itself. */
function placeName(key: string, comparing: MapComparing): Placed {
  const placed = placeAccount(key, comparing);
  if (placed.ok) return placed;
  const parsed = parseHost(key);
  const isName = parsed.kind === "name" && parsed.name.includes(".");
  return isName ? { ok: true, account: parsed.name } : placed;
}

interface Tally {
  compared: number;
  readonly disagreements: Disagreement[];
  readonly unreadable: Unreadable[];
  readonly unmapped: Map<string, number>;
  add(comparing: MapComparing, name: Name): void;
}

interface Name {
  readonly line: number | null;
  readonly host: string;
  readonly backend: string;
}

function createTally(): Tally {
  const tally: Tally = {
    compared: 0,
    disagreements: [],
    unreadable: [],
    unmapped: new Map(),
    add(comparing, { line, host, backend }) {
      const theirs = comparing.backends.get(backend);
      if (theirs === undefined) {
        tally.unmapped.set(backend, (tally.unmapped.get(backend) ?? 0) + 1);
        return;
      }
      tally.compared++;
      const { ours, reason } = decideName(comparing, host);
      if (ours !== theirs) tally.disagreements.push({ line, host, theirs, ours, reason });
    },
  };
  return tally;
}

/** What a name gets here, in the words of the list. */
function decideName(
  { side, product, domains }: MapComparing,
  host: string,
): { ours: string; reason: string } {
  const { maps, breakGlass } = side;
  const found = maps.find(host);
  const isOurs = found !== null && own(found.homes, product) !== undefined;
  const isUnder = domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
  if (host.includes(".") && !isUnder && !(isOurs && found.product === product))
    return { ours: "not served", reason: "no custom domain of an account" };
  const slug = found?.slug ?? (host.includes(".") ? null : host);
  const row: AccountRow | null = isOurs ? found : null;
  const decision = decideVersion({ root: maps.root, breakGlass, product, slug, row, override: null });
  return { ours: answerOf(decision), reason: reasonOf(decision, { known: row !== null }) };
}

function answerOf(decision: Decision): string {
  if (decision.kind === "forward") return decision.version;
  return decision.kind === "hold" ? "held" : "unresolved";
}

function reasonOf(decision: Decision, { known }: { readonly known: boolean }): string {
  if (decision.kind === "unresolved") return decision.why;
  if (decision.kind === "forward" && decision.replaced !== null)
    return `${decision.reason} ${decision.replaced}, replaced`;
  return known || decision.reason !== "default"
    ? decision.reason
    : "no account here: default (unknown accounts)";
}

/** Accounts that the map does not have: compared with what everybody else gets there, or counted. */
function compareAbsent(
  comparing: MapComparing,
  { seen, found }: { readonly seen: ReadonlySet<string>; readonly found: Tally },
): number {
  const { side, product, defaultBackend } = comparing;
  let absent = 0;
  for (const row of rowsOf(side.maps)) {
    if (row.deleted || own(row.homes, product) === undefined || seen.has(row.key)) continue;
    if (row.product !== null && row.product !== product) continue;
    if (defaultBackend === null) absent++;
    else found.add(comparing, { line: null, host: row.key, backend: defaultBackend });
  }
  return absent;
}
