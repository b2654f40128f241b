/**
 * What is to be probed of a version: its origin, the settings of its product, the matrix made of both, and a digest
 * (`basis`) by which a run that was made of something else is told to be stale. Reads only; sends nothing.
 */
import { MAX_PROBED_CELLS, type PreflightSettings, type Probe } from "../../contracts/preflight.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { probesFor, type MatrixInput } from "../../core/preflight/matrix.ts";
import { sha256Hex } from "../../core/sha256.ts";
import type { Db } from "../db.ts";
import { notFound } from "../refuse.ts";
import { readText } from "../row.ts";
import { loadSettings } from "../store/preflight-settings.ts";
import { loadProduct } from "../store/products.ts";
import { loadVersion, type VersionRecord } from "../store/versions.ts";

export interface Subject {
  readonly product: ProductName;
  readonly version: VersionRecord;
  readonly domains: readonly string[];
  readonly settings: PreflightSettings;
  readonly cells: readonly string[];
  /** Digest of origin, domains and settings; cells show by themselves, as probes without a result. */
  readonly basis: string;
}

/** Loads what a version is probed by. */
export function loadSubject(
  db: Db,
  { product: name, version: of }: { readonly product: ProductName; readonly version: VersionName },
): Result<Subject, Refusal> {
  const product = loadProduct(db, name);
  if (product === null) return notFound(`product ${name}`);
  const version = loadVersion(db, name, of);
  if (version === null) return notFound(`version ${name} ${of}`);
  const { settings } = loadSettings(db, name);
  const { domains } = product;
  return ok({
    product: name,
    version,
    domains,
    settings,
    cells: settings.cells.length > 0 ? settings.cells : cellsInUse(db, version.origin),
    basis: sha256Hex(canonicalJson({ origin: version.origin, domains, settings })),
  });
}

/** Where nobody listed cells, those that accounts are in. */
function cellsInUse(db: Db, origin: string): readonly string[] {
  if (!origin.includes("{cell}")) return [];
  return db
    .rows(
      "SELECT DISTINCT cell FROM groups WHERE cell IS NOT NULL AND accounts > 0 ORDER BY cell LIMIT ?",
      MAX_PROBED_CELLS,
    )
    .map((row) => readText(row, "cell"));
}

/** The matrix of a version; to an address in the origin's place where `via` names one. */
export function matrixOf(
  subject: Subject,
  more: { readonly via: string | null; readonly routerHeader: MatrixInput["routerHeader"] },
): readonly Probe[] {
  const { product, version, domains, settings, cells } = subject;
  return probesFor({
    ...settings,
    product,
    version: version.name,
    origin: more.via ?? version.origin,
    domains,
    cells,
    routerHeader: more.routerHeader,
  });
}
