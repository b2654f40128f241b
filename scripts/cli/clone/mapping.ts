/**
 * What of a configuration is written otherwise on the other side: origins, hooks and base domains, by mappings that the
 * operator gives. What no mapping matches is refused and never copied: a staging that sends to production's origins is the
 * accident this exists to prevent. Pure.
 */
import { InvalidArgumentError } from "commander";
import { DomainSchema, OriginSchema } from "../../../src/contracts/api/common.ts";
import type { Resource, ResourceOf, VersionFile } from "../directory/layout.ts";
import type { Names } from "./names.ts";

/** `from` and `to` with at most one `*` each, which stands for the same text in both. */
export interface Mapping {
  readonly from: string;
  readonly to: string;
}

/** Parses `https://*.origins.example.net=https://*.staging-origins.example.net`. */
export function toOriginMapping(text: string): Mapping {
  const mapping = split(text, "https://*.origins.example.net=https://*.staging-origins.example.net");
  for (const side of [mapping.from, mapping.to]) {
    // A star may stand in a name or in a port.
    if (!["x", "1"].some((text) => OriginSchema.safeParse(side.replace("*", text)).success))
      throw new InvalidArgumentError(`"${side}" is no origin, with or without a *.`);
  }
  return mapping;
}

/** Parses `kiln.example.com=kiln.staging.example.com`. */
export function toDomainMapping(text: string): Mapping {
  const mapping = split(text, "kiln.example.com=kiln.staging.example.com");
  for (const side of [mapping.from, mapping.to]) {
    if (!DomainSchema.safeParse(side).success)
      throw new InvalidArgumentError(`"${side}" is no lower-case host name.`);
  }
  return mapping;
}

function split(text: string, example: string): Mapping {
  const [from = "", to = "", ...more] = text.split("=");
  const stars = (side: string): number => side.split("*").length - 1;
  if (from === "" || to === "" || more.length > 0 || stars(from) > 1 || stars(from) !== stars(to))
    throw new InvalidArgumentError(`Write it as FROM=TO with at most one * on each side, as in ${example}`);
  if (from === to) throw new InvalidArgumentError("Both sides are the same.");
  return { from, to };
}

/** What the first mapping that matches makes of a text; null when none does. A `*` never stands for nothing or for `/`. */
export function mapText(mappings: readonly Mapping[], text: string): string | null {
  for (const { from, to } of mappings) {
    const [head = "", tail] = from.split("*");
    if (tail === undefined) {
      if (text === from) return to;
      continue;
    }
    const middle = text.slice(head.length, text.length - tail.length);
    const matches = text.startsWith(head) && text.endsWith(tail) && text.length > head.length + tail.length;
    if (matches && !middle.includes("/")) return to.replace("*", () => middle);
  }
  return null;
}

export interface Rules {
  readonly origins: readonly Mapping[];
  readonly domains: readonly Mapping[];
  /** What becomes of label values; null: there are no labels on the other side. */
  readonly names: Names | null;
}

export interface Mapped {
  readonly resources: readonly Resource[];
  /** What no mapping matches. */
  readonly refused: readonly string[];
  /** What is left out, and why. */
  readonly notes: readonly string[];
}

/** Writes every resource for the other side. */
export function mapResources(resources: Iterable<Resource>, rules: Rules): Mapped {
  const mapped: { resources: Resource[]; refused: string[]; notes: string[] } = {
    resources: [],
    refused: [],
    notes: [],
  };
  for (const resource of resources) mapOne(resource, rules, mapped);
  return mapped;
}

type Collecting = { readonly [K in keyof Mapped]: Mapped[K] extends readonly (infer T)[] ? T[] : never };

function mapOne(resource: Resource, rules: Rules, into: Collecting): void {
  switch (resource.kind) {
    case "product": {
      const domains = resource.value.domains.map((domain) => {
        const to = mapText(rules.domains, domain);
        if (to === null) into.refused.push(`no --map-domain says what ${domain} of ${resource.name} becomes`);
        return to ?? domain;
      });
      const { fleet, ...value } = resource.value;
      if (fleet !== undefined)
        into.notes.push(`${resource.name}: today's fleet (${fleet.mode}) is left out, so versions answer`);
      into.resources.push({ ...resource, value: { ...value, domains } });
      return;
    }
    case "version":
      return mapVersion(resource, rules, into);
    case "freeze":
      return mapFreeze(resource, rules, into);
    case "window":
      into.resources.push(resource);
      return;
    case "rollout":
      into.notes.push(`draft ${resource.name}: drafts are left out`);
  }
}

function mapVersion(resource: ResourceOf<"version">, rules: Rules, into: Collecting): void {
  const { name, value } = resource;
  if (value.state === "retired") return;
  const need = (what: string, url: string): string => {
    const to = mapOrigin(rules.origins, url);
    if (to === null) into.refused.push(`no --map-origin says what ${url} (${what} of ${name}) becomes`);
    return to ?? url;
  };
  const origin = need("origin", value.origin);
  const migration = mapMigration(value.migration, need);
  const events = value.events === null ? null : mapOrigin(rules.origins, value.events);
  if (value.events !== null && events === null)
    into.notes.push(
      `${name}: no --map-origin matches its events address ${value.events}, so it is told of no move`,
    );
  into.resources.push({ ...resource, value: { ...value, origin, migration, events } });
}

/** An origin, or the origin of an address with its path kept. */
function mapOrigin(mappings: readonly Mapping[], url: string): string | null {
  const [, origin = url, path = ""] = /^(https?:\/\/[^/]+)(\/.*)?$/.exec(url) ?? [];
  const to = mapText(mappings, origin);
  return to === null ? null : to + path;
}

type Migration = VersionFile["migration"];

function mapMigration(migration: Migration, need: (what: string, url: string) => string): Migration {
  if (migration.kind === "none") return migration;
  const { prepare, verify, undo } = migration;
  return {
    ...migration,
    prepare: need("prepare", prepare),
    verify: need("verify", verify),
    undo: undo === null ? null : need("undo", undo),
  };
}

function mapFreeze(resource: ResourceOf<"freeze">, { names }: Rules, into: Collecting): void {
  const { labels } = resource.value.scope;
  if (labels === undefined) {
    into.resources.push(resource);
    return;
  }
  if (names === null) {
    into.notes.push(
      `freeze ${resource.name}: it goes by labels, which are left out, so it is too (--labels hash)`,
    );
    return;
  }
  const scope = { ...resource.value.scope, labels: mapLabels(labels, names) };
  into.resources.push({ ...resource, value: { ...resource.value, scope } });
}

/** One less than an account may have, for the label that the clone adds. */
const MOST_LABELS = 31;

/** Keys stay, values are hidden. */
export function mapLabels(
  labels: Readonly<Record<string, string>>,
  names: Names,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(labels)
      .slice(0, MOST_LABELS)
      .map(([key, value]) => [key, names.label(`${key}\n${value}`)]),
  );
}
