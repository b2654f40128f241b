/**
 * The break-glass document: parsed strictly, because it is written by hand in the worst hour, and a misspelt member
 * that silently did nothing would be believed to work. What it does to a decision is in `core/apply-break-glass`.
 * Called by the reader for both sources (KV and the variable) and by the command line, which checks before writing.
 * A refused document changes nothing: the previous good one stays.
 */
import { MAX_BREAK_GLASS_BYTES } from "../../contracts/limits.ts";
import type { BreakGlass, Hold } from "../../contracts/maps.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { refuse, type MapsRefusal } from "./refusal.ts";
import { readHold } from "./row-json.ts";
import {
  below,
  complain,
  complaint,
  isRecord,
  newSite,
  parseJson,
  PRODUCT,
  readFlag,
  readMap,
  readName,
  readNullable,
  readRecord,
  readVersion,
  readVersions,
  readWhole,
  SLUG,
  TEXT,
  VERSION,
  type Site,
} from "./shape.ts";

const MEMBERS: readonly string[] = [
  "reason",
  "expires",
  "written",
  "instead",
  "default",
  "accounts",
  "hold",
  "halt",
  "holdGeneration",
];
const HOLD_MEMBERS: readonly string[] = ["accounts", "products"];

/** RFC 3339 with an offset: a time without one would mean something else in every place it is read. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Parses a break-glass document. `reason` and `expires` are required, everything else may be left out. Times are
 * milliseconds since 1970 or text such as `2026-11-28T22:05:00Z`; a hold may be `true` for a plain page.
 * @returns the document; null for "" and `{}` (not in use); or a refusal `break-glass` that names each problem.
 */
export function parseBreakGlass(text: string): Result<BreakGlass | null, MapsRefusal> {
  if (text.length > MAX_BREAK_GLASS_BYTES)
    return refuse("break-glass", `${text.length} characters, at most ${MAX_BREAK_GLASS_BYTES}`);
  if (text.trim() === "") return ok(null);
  const value = parseJson(text);
  if (!isRecord(value)) return refuse("break-glass", "not a JSON object");
  if (Object.keys(value).length === 0) return ok(null);
  const site = newSite("");
  const document = readDocument(value, site);
  const problem = complaint(site);
  return problem === null ? ok(document) : refuse("break-glass", problem);
}

function readDocument(record: Record<string, unknown>, site: Site): BreakGlass {
  refuseUnknown(record, MEMBERS, site);
  const hold = readRecord(record["hold"] ?? {}, below(site, "hold"));
  refuseUnknown(hold, HOLD_MEMBERS, below(site, "hold"));
  const reason = readName(record["reason"], below(site, "reason"), TEXT);
  if (reason === "") site.problems.push("reason must say why");
  return {
    reason,
    expires: readInstant(record["expires"], below(site, "expires")),
    written: readInstant(record["written"] ?? 0, below(site, "written")),
    instead: readMap(record["instead"] ?? {}, below(site, "instead"), { key: PRODUCT, read: readInstead }),
    default: readVersions(record["default"] ?? {}, below(site, "default")),
    accounts: readMap(record["accounts"] ?? {}, below(site, "accounts"), { key: SLUG, read: readVersions }),
    hold: {
      accounts: readMap(hold["accounts"] ?? {}, below(site, "hold.accounts"), {
        key: SLUG,
        read: readShortHold,
      }),
      products: readMap(hold["products"] ?? {}, below(site, "hold.products"), {
        key: PRODUCT,
        read: readShortHold,
      }),
    },
    halt: readFlag(record["halt"] ?? false, below(site, "halt")),
    holdGeneration: readNullable(record["holdGeneration"], below(site, "holdGeneration"), (number, at) =>
      readWhole(number, at, 1),
    ),
  };
}

function refuseUnknown(record: Record<string, unknown>, known: readonly string[], site: Site): void {
  for (const name of Object.keys(record)) {
    if (!known.includes(name))
      site.problems.push(`${below(site, name).path} is not known; there are ${known.join(", ")}`);
  }
}

function readInstead(value: unknown, site: Site): Record<string, string> {
  return readMap(value, site, { key: VERSION, read: readVersion });
}

function readShortHold(value: unknown, site: Site): Hold {
  if (value === true) return { mode: "page", message: null, until: null };
  const record = readRecord(value, site);
  const until = record["until"] ?? null;
  return readHold(
    { mode: "page", ...record, until: until === null ? null : readInstant(until, below(site, "until")) },
    site,
  );
}

function readInstant(value: unknown, site: Site): EpochMs {
  if (typeof value === "number") return readWhole(value, site, 0);
  const parsed = typeof value === "string" && INSTANT.test(value) ? Date.parse(value) : NaN;
  if (Number.isFinite(parsed)) return parsed;
  complain(value, site, "a time such as 2026-11-28T22:05:00Z");
  return 0;
}

/**
 * Chooses between two sources. An expired document counts as none; of two, the later `written` wins, the first on a tie.
 * @returns the one in force at `nowMs`, or null.
 */
export function chooseBreakGlass(
  a: BreakGlass | null,
  b: BreakGlass | null,
  nowMs: EpochMs,
): BreakGlass | null {
  const first = a !== null && nowMs < a.expires ? a : null;
  const second = b !== null && nowMs < b.expires ? b : null;
  if (first === null || second === null) return first ?? second;
  return second.written > first.written ? second : first;
}
