/**
 * Reads one product of the published root. Shape only: whether its versions exist is judged in `root-limits`.
 * Called by `root-codec`; complaints go to the site.
 */
import type { RootFleet } from "../../contracts/fleet.ts";
import type { RootMirror } from "../../contracts/mirror.ts";
import type {
  PathTimeout,
  Replacement,
  RootProduct,
  RootVersion,
  VersionState,
} from "../../contracts/maps.ts";
import { isAssetPrefix } from "../../contracts/asset-prefix.ts";
import { isHeaderName } from "../../contracts/header-name.ts";
import { readHold } from "./row-json.ts";
import {
  below,
  complain,
  DOMAIN,
  readEach,
  readMap,
  readName,
  readNullable,
  readRecord,
  readVersion,
  readWhole,
  TEXT,
  VERSION,
  type Site,
} from "./shape.ts";

const STATES: readonly VersionState[] = ["registered", "candidate", "live", "draining", "retired"];

/** Reads a product as the root carries it. */
export function readProduct(value: unknown, site: Site): RootProduct {
  const record = readRecord(value, site);
  const mirror = readNullable(record["mirror"], below(site, "mirror"), readMirror);
  const fleet = readNullable(record["fleet"], below(site, "fleet"), readFleet);
  return {
    domains: readEach(record["domains"], below(site, "domains"), (name, at) => readName(name, at, DOMAIN)),
    stable: readVersion(record["stable"], below(site, "stable")),
    default: readVersion(record["default"], below(site, "default")),
    standby: readNullable(record["standby"], below(site, "standby"), readVersion),
    versions: readMap(record["versions"], below(site, "versions"), { key: VERSION, read: readRootVersion }),
    replacements: readEach(record["replacements"], below(site, "replacements"), readReplacement),
    timeouts: readEach(record["timeouts"], below(site, "timeouts"), readTimeout),
    hold: readNullable(record["hold"], below(site, "hold"), readHold),
    // Roots of before do not have it, and one without it is written as it always was.
    ...(mirror === null ? {} : { mirror }),
    ...(fleet === null ? {} : { fleet }),
  };
}

function readFleet(value: unknown, site: Site): RootFleet {
  const record = readRecord(value, site);
  const { mode } = record;
  if (mode !== "pass-through" && mode !== "compare")
    complain(mode, below(site, "mode"), "pass-through or compare");
  return {
    mode: mode === "compare" ? "compare" : "pass-through",
    origin: readName(record["origin"], below(site, "origin"), TEXT),
    versionHeader: readNullable(record["versionHeader"], below(site, "versionHeader"), (name, at) =>
      readName(name, at, HEADER),
    ),
    run: readName(record["run"], below(site, "run"), TEXT),
  };
}

/** A name that `Headers.get` takes: anything else would throw for every answer. */
const HEADER = { accepts: isHeaderName, expected: "the name of a header" };

function readMirror(value: unknown, site: Site): RootMirror {
  const record = readRecord(value, site);
  return {
    version: readVersion(record["version"], below(site, "version")),
    share: readWhole(record["share"], below(site, "share"), 0),
    run: readName(record["run"], below(site, "run"), TEXT),
    until: readNullable(record["until"], below(site, "until"), (until, at) => readWhole(until, at, 0)),
  };
}

function readRootVersion(value: unknown, site: Site): RootVersion {
  const record = readRecord(value, site);
  const state = STATES.find((known) => known === record["state"]);
  if (state === undefined) complain(record["state"], below(site, "state"), `one of ${STATES.join(", ")}`);
  const assets =
    record["assets"] === undefined
      ? null
      : readEach(record["assets"], below(site, "assets"), (prefix, at) => readName(prefix, at, ASSET_PREFIX));
  return {
    origin: readName(record["origin"], below(site, "origin"), TEXT),
    state: state ?? "registered",
    ...(assets === null ? {} : { assets }),
  };
}

/** Never the bare `/`: it would take every request of every account. */
const ASSET_PREFIX = {
  accepts: isAssetPrefix,
  expected: "a path prefix that begins and ends with / and is more than that",
};

function readReplacement(value: unknown, site: Site): Replacement {
  const record = readRecord(value, site);
  return {
    from: readVersion(record["from"], below(site, "from")),
    to: readVersion(record["to"], below(site, "to")),
    salt: readName(record["salt"], below(site, "salt"), TEXT),
    below: readWhole(record["below"], below(site, "below"), 0),
  };
}

function readTimeout(value: unknown, site: Site): PathTimeout {
  const record = readRecord(value, site);
  return {
    prefix: readName(record["prefix"], below(site, "prefix"), TEXT),
    seconds: readWhole(record["seconds"], below(site, "seconds"), 1),
  };
}
