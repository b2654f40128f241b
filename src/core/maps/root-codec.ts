/**
 * The published root as text: JSON with one member a line, so that `wrangler kv key get root` can be read by people,
 * and a checksum as the last member, so that half a write is never taken for a root.
 * Decoding treats the text as hostile: bounded size first, then syntax, schema, checksum, shape. What the root says is
 * judged in `root-limits` and `succession`. Publisher and reader both call both directions.
 */
import { MAX_ROOT_BYTES } from "../../contracts/limits.ts";
import {
  FLEET_SCHEMA,
  MAPS_SCHEMA,
  type IndexPointer,
  type Root,
  type RootRollout,
} from "../../contracts/maps.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { sha256Hex } from "../sha256.ts";
import { canonicalJson } from "./canonical.ts";
import { refuse, type MapsRefusal } from "./refusal.ts";
import { readProduct } from "./root-product.ts";
import { readRow, rowToJson } from "./row-json.ts";
import {
  below,
  complain,
  complaint,
  CONTENT_HASH,
  describeValue,
  isRecord,
  newSite,
  parseJson,
  PRODUCT,
  readEach,
  readFlag,
  readList,
  readMap,
  readName,
  readNullable,
  readRecord,
  readVersions,
  readWhole,
  TEXT,
  type Site,
} from "./shape.ts";

const OPEN = "{\n";
const CLOSE = "\n}";
const CHECKSUM = /,\n"checksum":"([0-9a-f]{64})"\n\}$/;

/** Writes a root. ASCII, so characters are bytes; equal roots give equal text, whatever the order of their members. */
export function encodeRoot(root: Root): string {
  const members: [string, unknown][] = [
    ["schema", root.schema],
    ["generation", root.generation],
    ["publishedAt", root.publishedAt],
    ["accounts", root.accounts],
    ["domains", root.domains],
    ["removed", root.removed],
    ["halt", root.halt],
    ["overrideEpoch", root.overrideEpoch],
    ["products", root.products],
    ["rollouts", root.rollouts],
    ...(root.rowsFrom === undefined ? [] : [["rowsFrom", root.rowsFrom] satisfies [string, unknown]]),
    ["urgent", root.urgent.map(rowToJson)],
    ["index", root.index],
  ];
  const lines = members.map(([name, value]) => `"${name}":${canonicalJson(value)}`).join(",\n");
  return `${OPEN}${lines},\n"checksum":"${sha256Hex(OPEN + lines + CLOSE)}"${CLOSE}`;
}

/**
 * Reads a root.
 * @returns the root, or the refusal: `too-large`, `not-json`, `schema`, `checksum` or `shape`, in that order of checks.
 *   The schema comes before the checksum, so that a newer format is named as what it is.
 */
export function decodeRoot(text: string): Result<Root, MapsRefusal> {
  if (text.length > MAX_ROOT_BYTES)
    return refuse("too-large", `root has ${text.length} characters, at most ${MAX_ROOT_BYTES}`);
  const value = parseJson(text);
  if (!isRecord(value)) return refuse("not-json", `root is not a JSON object (${text.length} characters)`);
  if (value["schema"] !== MAPS_SCHEMA && value["schema"] !== FLEET_SCHEMA) {
    return refuse(
      "schema",
      `root has schema ${describeValue(value["schema"])}, this reader knows ${MAPS_SCHEMA} and ${FLEET_SCHEMA}`,
    );
  }
  if (!checksumHolds(text.trimEnd()))
    return refuse("checksum", "root does not match its checksum: damaged, or edited by hand");
  const site = newSite("");
  const root = readRoot(value, site);
  const problem = complaint(site);
  return problem === null ? ok(root) : refuse("shape", `root: ${problem}`);
}

function checksumHolds(text: string): boolean {
  const match = CHECKSUM.exec(text);
  return match !== null && match[1] === sha256Hex(text.slice(0, match.index) + CLOSE);
}

function readRoot(record: Record<string, unknown>, site: Site): Root {
  const removed = readRecord(record["removed"], below(site, "removed"));
  return {
    schema: record["schema"] === FLEET_SCHEMA ? FLEET_SCHEMA : MAPS_SCHEMA,
    generation: readWhole(record["generation"], below(site, "generation"), 1),
    publishedAt: readWhole(record["publishedAt"], below(site, "publishedAt"), 0),
    accounts: readWhole(record["accounts"], below(site, "accounts"), 0),
    domains: readWhole(record["domains"], below(site, "domains"), 0),
    removed: {
      accounts: readWhole(removed["accounts"], below(site, "removed.accounts"), 0),
      domains: readWhole(removed["domains"], below(site, "removed.domains"), 0),
    },
    halt: readFlag(record["halt"], below(site, "halt")),
    overrideEpoch: readWhole(record["overrideEpoch"], below(site, "overrideEpoch"), 0),
    products: readMap(record["products"], below(site, "products"), { key: PRODUCT, read: readProduct }),
    rollouts: readEach(record["rollouts"], below(site, "rollouts"), readRollout),
    ...(record["rowsFrom"] === undefined
      ? {}
      : { rowsFrom: readWhole(record["rowsFrom"], below(site, "rowsFrom"), 1) }),
    urgent: readEach(record["urgent"], below(site, "urgent"), readRow),
    index: readIndexPointer(record["index"], below(site, "index")),
  };
}

function readRollout(value: unknown, site: Site): RootRollout {
  const record = readRecord(value, site);
  const { mixed } = record;
  if (mixed !== undefined && mixed !== "never") complain(mixed, below(site, "mixed"), '"never", or left out');
  return {
    id: readName(record["id"], below(site, "id"), TEXT),
    salt: readName(record["salt"], below(site, "salt"), TEXT),
    targets: readVersions(record["targets"], below(site, "targets")),
    moved: readThresholds(record["moved"], below(site, "moved")),
    held: readThresholds(record["held"], below(site, "held")),
    ...(mixed === undefined ? {} : { mixed: "never" as const }),
  };
}

/** Thousands of numbers: checked in a loop of its own that names only the first bad one. */
function readThresholds(value: unknown, site: Site): number[] {
  const thresholds: number[] = [];
  for (const [group, item] of readList(value, site).entries()) {
    if (typeof item !== "number" || !Number.isInteger(item)) {
      complain(item, below(site, group), "a whole number");
      break;
    }
    thresholds.push(item);
  }
  return thresholds;
}

function readIndexPointer(value: unknown, site: Site): IndexPointer {
  const record = readRecord(value, site);
  return {
    hash: readName(record["hash"], below(site, "hash"), CONTENT_HASH),
    shards: readWhole(record["shards"], below(site, "shards"), 1),
    inline: readNullable(record["inline"], below(site, "inline"), (list, at) =>
      readEach(list, at, (hash, place) => readName(hash, place, CONTENT_HASH)),
    ),
  };
}
