/**
 * The words by which a map of today's fleet is read, and what they add up to: shared by `accounts import --from` and
 * `compare`. Backends are given as versions; base domains come from the product unless they are named.
 */
import { ProductSchema, VersionListSchema, type Version } from "../../../src/contracts/api/products.ts";
import { repeated, splitPair, toDomain, toProduct, toVersion } from "../arguments.ts";
import { RUN } from "../command-line.ts";
import { cliFailure, usageFailure, type Failure } from "../failure.ts";
import type { OptionSpec, Session } from "../verb.ts";
import type { MapReading } from "./haproxy-map.ts";

export const MAP_OPTIONS: readonly OptionSpec[] = [
  { flags: "--product <product>", about: "the product that the map is of", parse: toProduct },
  {
    flags: "--backend <backend=version>",
    about: "which version a backend is, repeatable",
    parse: repeated((text) => {
      const [name, version] = splitPair(text, "NAME=VERSION, as in be_kiln_2_8_0=2.8.0");
      return [name, toVersion(version)] as const;
    }),
  },
  {
    flags: "--base-domain <domain>",
    about: "taken off the names of the map, repeatable (default: the product's base domains)",
    parse: repeated(toDomain),
  },
];

type Backend = readonly [name: string, version: string];

/** The backends as given. @throws Failure when one is given two versions. */
export function readBackends(session: Session): ReadonlyMap<string, string> {
  const given = session.words.value("backend") as readonly Backend[] | undefined;
  const backends = new Map<string, string>();
  for (const [name, version] of given ?? []) {
    const other = backends.get(name);
    if (other !== undefined && other !== version)
      throw usageFailure(`--backend gives ${name} two versions, ${other} and ${version}.`);
    backends.set(name, version);
  }
  return backends;
}

export function neededProduct(session: Session): string {
  const product = session.words.maybe("product");
  if (product === undefined) throw usageFailure("--product says which product the map is of.");
  return product;
}

/** Base domains as named, else those of the product as the API has it. */
export async function readMapReading(session: Session): Promise<MapReading> {
  const product = neededProduct(session);
  const backends = readBackends(session);
  const named = session.words.texts("baseDomain");
  if (named !== undefined) return { product, backends, domains: named };
  const path = `/products/${encodeURIComponent(product)}`;
  const { value } = await session.api().send(ProductSchema, { method: "GET", path });
  return { product, backends, domains: value.domains };
}

/** Versions on which no account can start are told before a line is sent. @throws Failure with all of them. */
export async function checkStartingVersions(
  session: Session,
  { product, backends }: MapReading,
): Promise<void> {
  const path = `/products/${encodeURIComponent(product)}/versions`;
  const { value } = await session.api().send(VersionListSchema, { method: "GET", path });
  const known = new Map(value.items.map((version) => [version.name, version]));
  const faults = [...new Set(backends.values())].flatMap(
    (name) => startingFault(name, known.get(name)) ?? [],
  );
  if (faults.length > 0) throw notServing(product, faults);
}

function startingFault(name: string, version: Version | undefined): string | null {
  if (version === undefined) return `${name} is not registered`;
  return version.state === "live" || version.state === "draining" ? null : `${name} is ${version.state}`;
}

function notServing(product: string, faults: readonly string[]): Failure {
  return cliFailure("not-serving", {
    title: "Accounts can only be on versions that serve",
    detail: `Of ${product}: ${faults.join(", ")}.`,
    next: `Make it so with \`${RUN}version register ${product} VERSION --origin …\` and \`${RUN}version state ${product} VERSION live --reason …\`. Nothing was changed.`,
  });
}
