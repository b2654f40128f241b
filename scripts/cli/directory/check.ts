/**
 * What a directory's files name: does it exist, here or in the directory, and can it be so? Said before anything is
 * changed, each with file and line. The control plane checks all of it again; what only it can know (allowed origins,
 * overlapping domains, plans in the world) is said when it is written. Pure.
 */
import type { ImportLine } from "../../../src/contracts/api/accounts.ts";
import type { VersionState } from "../../../src/contracts/maps.ts";
import { SERVING_STATES } from "../../../src/core/version-steps.ts";
import { keyOf, splitVersion, type Kind, type Resource, type ResourceOf } from "./layout.ts";
import type { Live } from "./live.ts";
import type { Directory, Mistake, Written } from "./read.ts";

/** The directory's resource if it has one, else the instance's. */
export interface World {
  resource<K extends Kind>(kind: K, name: string): ResourceOf<K> | null;
  /** The state that a version will have; null: there is no such version. */
  stateOf(version: string): VersionState | null;
  /** The version of a product that will be stable; null: none. */
  stableOf(product: string): string | null;
  readonly productNames: readonly string[];
}

/** What will be there when the directory has been applied. */
export function createWorld(directory: Directory, live: Live): World {
  const found = (key: string): Resource | null =>
    directory.written.get(key)?.resource ?? live.found.get(key)?.resource ?? null;
  const resource = <K extends Kind>(kind: K, name: string): ResourceOf<K> | null => {
    const one = found(keyOf({ kind, name }));
    return one !== null && isOf(one, kind) ? one : null;
  };
  const names = [...live.found.values(), ...directory.written.values()]
    .map((each) => each.resource)
    .filter(({ kind }) => kind === "product")
    .map(({ name }) => name);
  const stableOf = (product: string): string | null => {
    const before = live.found.get(keyOf({ kind: "product", name: product }))?.resource;
    const here = before?.kind === "product" ? before.value.stable : undefined;
    return resource("product", product)?.value.stable ?? here ?? firstVersion(directory, live, product);
  };
  return {
    resource,
    productNames: [...new Set(names)].toSorted(),
    stableOf,
    stateOf(version) {
      const one = resource("version", version);
      if (one === null) return null;
      const before = live.found.get(keyOf(one))?.resource;
      const state = one.value.state ?? (before?.kind === "version" ? before.value.state : undefined);
      const [product, name] = splitVersion(version);
      return state ?? (firstVersion(directory, live, product) === name ? "live" : "registered");
    },
  };
}

function isOf<K extends Kind>(resource: Resource, kind: K): resource is ResourceOf<K> {
  return resource.kind === kind;
}

/**
 * The version of a product without any that is registered first, and so becomes live, stable and default at once: what
 * the file says is the default, else stable, else the first live one, else the first. Null: the product has versions.
 */
export function firstVersion(directory: Directory, live: Live, product: string): string | null {
  const before = live.found.get(keyOf({ kind: "product", name: product }))?.resource;
  if (before?.kind === "product" && before.value.stable !== undefined) return null;
  const file = directory.written.get(keyOf({ kind: "product", name: product }))?.resource;
  const said = file?.kind === "product" ? (file.value.default ?? file.value.stable) : undefined;
  const versions = [...directory.written.values()].flatMap(({ resource }) =>
    resource.kind === "version" && splitVersion(resource.name)[0] === product ? [resource] : [],
  );
  const first = versions.find(({ value }) => value.state === "live") ?? versions[0];
  return said ?? (first === undefined ? null : splitVersion(first.name)[1]);
}

/** Everything that the files name and that is not there, or cannot be so. */
export function checkDirectory(directory: Directory, live: Live): readonly Mistake[] {
  const world = createWorld(directory, live);
  return [...directory.written.values()].flatMap((written) => {
    const { resource, file, lineOf } = written;
    return findings(resource, { world, directory, live }).map(({ path, message }) => ({
      file,
      line: lineOf(path),
      message,
    }));
  });
}

interface Finding {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

interface Around {
  readonly world: World;
  readonly directory: Directory;
  readonly live: Live;
}

function findings(resource: Written["resource"], around: Around): readonly Finding[] {
  const { world } = around;
  switch (resource.kind) {
    case "product":
      return checkProduct(resource, around);
    case "version":
      return checkVersion(resource, around);
    case "window":
      return [];
    case "freeze":
      return (resource.value.scope.products ?? []).flatMap((product, index) =>
        missingProduct(world, product, ["scope", "products", index]),
      );
    case "rollout":
      return checkRollout(resource, world);
  }
}

function missingProduct(world: World, product: string, path: Finding["path"]): readonly Finding[] {
  if (world.resource("product", product) !== null) return [];
  return [{ path, message: `there is no product ${product}, here or on the instance` }];
}

function missingVersion(world: World, name: string, path: Finding["path"]): readonly Finding[] {
  if (world.resource("version", name) !== null) return [];
  return [{ path, message: `there is no version ${name.replace("/", " ")}, here or on the instance` }];
}

function checkProduct({ name, value }: ResourceOf<"product">, { world }: Around): readonly Finding[] {
  const { stable, default: unknown } = value;
  const named = [
    ...(stable === undefined ? [] : missingVersion(world, `${name}/${stable}`, ["stable"])),
    ...(unknown === undefined ? [] : missingVersion(world, `${name}/${unknown}`, ["default"])),
  ];
  if (named.length > 0 || stable === undefined) return named;
  const state = world.stateOf(`${name}/${stable}`);
  if (state === "live") return [];
  return [{ path: ["stable"], message: `stable must be live; ${name} ${stable} is ${state}` }];
}

function checkVersion(
  { name, value }: ResourceOf<"version">,
  { world, directory, live }: Around,
): readonly Finding[] {
  const [product, version] = splitVersion(name);
  const required = Object.entries(value.requires).flatMap(([other]) =>
    missingProduct(world, other, ["requires", other]),
  );
  const first = firstVersion(directory, live, product) === version;
  const odd = first && value.state !== undefined && !SERVING_STATES.includes(value.state);
  return [
    ...missingProduct(world, product, []),
    ...required,
    ...(odd
      ? [
          {
            path: ["state"],
            message: `${product} is new here: the version that it starts with becomes live, stable and default at once, so it cannot be ${value.state}. Let its file say live, or the product's file another default, and move the default afterwards: default promote`,
          },
        ]
      : []),
  ];
}

function checkRollout({ value }: ResourceOf<"rollout">, world: World): readonly Finding[] {
  const targets = Object.entries(value.targets).flatMap(([product, version]) =>
    world.resource("product", product) === null
      ? missingProduct(world, product, ["targets", product])
      : missingVersion(world, `${product}/${version}`, ["targets", product]),
  );
  const named = [
    ...value.waves.map(({ window }, index) => ({ window, path: ["waves", index, "window"] })),
    { window: value.default?.window, path: ["default", "window"] },
  ];
  const windows = named.flatMap(({ window, path }) =>
    typeof window === "string" && world.resource("window", window) === null
      ? [{ path, message: `there is no window ${window}, here or on the instance` }]
      : [],
  );
  return [...targets, ...windows];
}

/**
 * What a line of accounts names.
 * @param added the products that the account gets by it, with the home that the line names; null: stable.
 */
export function checkAccount(
  { domains = [], products = [] }: ImportLine,
  added: Readonly<Record<string, string | null>>,
  world: World,
): readonly string[] {
  const unknown = [...new Set([...products, ...Object.keys(added), ...domains.map(({ product }) => product)])]
    .filter((product) => world.resource("product", product) === null)
    .map((product) => `there is no product ${product}, here or on the instance`);
  if (unknown.length > 0) return unknown;
  return Object.entries(added).flatMap(([product, home]) => {
    const version = home ?? world.stableOf(product);
    if (version === null) return [`${product} has no version that new accounts could start on`];
    const state = world.stateOf(`${product}/${version}`);
    if (state !== null && SERVING_STATES.includes(state)) return [];
    return [
      `a home must be live or draining; ${product} ${version} ${state === null ? "does not exist" : `is ${state}`}`,
    ];
  });
}
