/**
 * What a directory of `apply` and `export DIR` holds: one JSON file (comments allowed) for each product, version, window,
 * freeze and draft of a rollout, and one file of accounts. Owns the places and the shapes, and the one spelling in which a
 * file and the instance are compared. Operators' own things (pins, holds, quarantine, halt, tokens) are no part of it.
 */
import { z } from "zod";
import { FreezeInputSchema, WindowPutSchema } from "../../../src/contracts/api/calendar.ts";
import { OriginSchema, ReasonSchema, VersionNameSchema } from "../../../src/contracts/api/common.ts";
import { HeaderNameSchema } from "../../../src/contracts/api/fleet.ts";
import {
  ProductInputSchema,
  VersionInputSchema,
  VersionStateSchema,
} from "../../../src/contracts/api/products.ts";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import { inputOfPlan } from "../../../src/core/rollout/plan-input.ts";
import { normalisePlan } from "../../../src/core/rollout/plan-normalise.ts";

export const KINDS = ["product", "version", "window", "freeze", "rollout"] as const;
export type Kind = (typeof KINDS)[number];

/** Folder of each kind; versions have one more for their product. */
export const FOLDERS: Readonly<Record<Kind, string>> = {
  product: "products",
  version: "versions",
  window: "windows",
  freeze: "freezes",
  rollout: "rollouts",
};

export const ACCOUNT_FILES = ["accounts.ndjson", "accounts.csv"] as const;

/** Who answers while Firebreak does not; a product without is active. */
const FleetFileSchema = z
  .strictObject({
    mode: z.enum(["pass-through", "compare"]),
    origin: OriginSchema,
    versionHeader: HeaderNameSchema.nullable().default(null),
  })
  .refine(({ mode, versionHeader }) => mode !== "compare" || versionHeader !== null, {
    path: ["versionHeader"],
    message: "compare needs the response header in which the fleet names the version",
  });

/** `stable`, `default`, `fleet`, `state` and `bad` that are left out are left alone. */
export const ProductFileSchema = ProductInputSchema.extend({
  stable: VersionNameSchema.optional(),
  default: VersionNameSchema.optional(),
  fleet: FleetFileSchema.optional(),
});
export const VersionFileSchema = VersionInputSchema.extend({
  state: VersionStateSchema.optional(),
  bad: z.strictObject({ reason: ReasonSchema }).optional(),
});

export type ProductFile = z.infer<typeof ProductFileSchema>;
export type VersionFile = z.infer<typeof VersionFileSchema>;
export type WindowFile = z.infer<typeof WindowPutSchema>;
export type FreezeFile = z.infer<typeof FreezeInputSchema>;
export type RolloutFile = z.infer<typeof RolloutInputSchema>;

/** What a file of each kind says, once parsed. */
export interface Files {
  readonly product: ProductFile;
  readonly version: VersionFile;
  readonly window: WindowFile;
  readonly freeze: FreezeFile;
  readonly rollout: RolloutFile;
}

/** One resource by its kind and name; versions are named `PRODUCT/VERSION`. */
export type Resource = {
  readonly [K in Kind]: { readonly kind: K; readonly name: string; readonly value: Files[K] };
}[Kind];

export type ResourceOf<K extends Kind> = Extract<Resource, { kind: K }>;

/** `version/kiln/2.9.0`: what `--prune` takes and maps are keyed by. */
export function keyOf({ kind, name }: Pick<Resource, "kind" | "name">): string {
  return `${kind}/${name}`;
}

/** `versions/kiln/2.9.0.json`, with slashes as separators. */
export function fileOf({ kind, name }: Pick<Resource, "kind" | "name">): string {
  return `${FOLDERS[kind]}/${name}.json`;
}

/** Where the API has it. */
export function pathOf({ kind, name }: Pick<Resource, "kind" | "name">): string {
  const [first = "", second] = name.split("/").map(encodeURIComponent);
  return second === undefined ? `/${FOLDERS[kind]}/${first}` : `/products/${first}/versions/${second}`;
}

/** The product and the version of a version's name. */
export function splitVersion(name: string): readonly [product: string, version: string] {
  const at = name.indexOf("/");
  return [name.slice(0, at), name.slice(at + 1)];
}

/** A plan in the spelling in which the API gives drafts back. */
export function toStoredPlan(file: RolloutFile): RolloutFile {
  return inputOfPlan(normalisePlan(file));
}

/** The text of a resource's file: members in the order of its schema, maps in the order of their names. */
export function fileText({ value }: Resource): string {
  return `${JSON.stringify(sortMaps(value), null, 2)}\n`;
}

/** Maps whose names are the operators' own; all else is written in the order in which it is declared. */
const MAPS = new Set(["requires", "targets", "labels"]);

function sortMaps(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => sortMaps(each));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const ordered = MAPS.has(key) ? entries.toSorted(([a], [b]) => (a < b ? -1 : 1)) : entries;
  return Object.fromEntries(ordered.map(([name, each]) => [name, sortMaps(each, name)]));
}
