/**
 * What may be said of versions: may accounts be sent there, may they come back, may two of them serve one account.
 * Posture: closed. What is not registered may not be a target; what is not declared reversible is not.
 * Pure; called by plan checks, freeze, the phases, commands, and by control for pins and quarantine. Design §5.
 */
import type { Facts, VersionFacts } from "../../contracts/rollout-input.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../record.ts";
import { reachableVersions, servedVersions } from "./served.ts";

/** The version's facts, null when it is not registered. */
export function versionFacts(facts: Facts, product: ProductName, version: VersionName): VersionFacts | null {
  return own(own(facts, product)?.versions ?? {}, version) ?? null;
}

/** Why accounts may not be moved forward to a version, or to what takes its place there; null when they may. */
export function targetProblem(facts: Facts, product: ProductName, version: VersionName): string | null {
  for (const served of new Set([version, ...servedVersions(facts, product, version)])) {
    const problem = oneTargetProblem(facts, product, served);
    if (problem !== null) return problem;
  }
  return null;
}

function oneTargetProblem(facts: Facts, product: ProductName, version: VersionName): string | null {
  if (own(facts, product) === undefined) return `there is no product ${product}`;
  const found = versionFacts(facts, product, version);
  if (found === null) return `${product} ${version} is not registered`;
  if (found.bad) return `${product} ${version} is marked bad`;
  if (found.state === "live" || found.state === "candidate") return null;
  return `${product} ${version} is ${found.state}; a target must be candidate or live`;
}

/** Why accounts may not be moved back to a version; null when they may. One that is wholly replaced takes nobody. */
export function returnProblem(facts: Facts, product: ProductName, version: VersionName): string | null {
  for (const served of servedVersions(facts, product, version)) {
    const problem = ownReturnProblem(facts, product, served);
    if (problem !== null) return problem;
  }
  return null;
}

/** Why accounts may not be moved back to a version itself, whatever takes its place there; null when they may. */
export function ownReturnProblem(facts: Facts, product: ProductName, version: VersionName): string | null {
  const found = versionFacts(facts, product, version);
  if (found === null) return `${product} ${version} is not registered any more`;
  if (found.bad) return `${product} ${version} is marked bad`;
  if (found.state === "live" || found.state === "draining") return null;
  // A candidate can be somebody's home (staff moved by an earlier rollout) and serves them.
  if (found.state === "candidate") return null;
  return `${product} ${version} is ${found.state}`;
}

/** Whether accounts may leave a version for what they had before. Undeclared is false; a time is until when. */
export function isReversible(version: VersionFacts | null, atMs: EpochMs): boolean {
  if (version === null) return false;
  return typeof version.reversible === "number" ? atMs < version.reversible : version.reversible;
}

/** Targets, or what takes their place, that cannot be taken back at an instant, as `PRODUCT VERSION`. */
export function irreversibleTargets(
  facts: Facts,
  targets: Readonly<Record<ProductName, VersionName>>,
  atMs: EpochMs,
): readonly string[] {
  return Object.entries(targets)
    .flatMap(([product, version]) =>
      [...new Set([version, ...servedVersions(facts, product, version)])].map(
        (served) => [product, served] as const,
      ),
    )
    .filter(([product, version]) => !isReversible(versionFacts(facts, product, version), atMs))
    .map(([product, version]) => `${product} ${version}`);
}

/**
 * What is wrong with versions of several products serving one account: each one's `requires` against the others, with
 * whatever replacements make of them. A product that the account does not have is not asked for. Versions that are not
 * registered require nothing.
 */
export function pairProblem(facts: Facts, homes: Readonly<Record<ProductName, VersionName>>): string | null {
  for (const [product, home] of Object.entries(homes)) {
    for (const version of reachableVersions(facts, product, home)) {
      const required = versionFacts(facts, product, version)?.requires ?? {};
      for (const [other, allowed] of Object.entries(required)) {
        const has = own(homes, other);
        const odd = has === undefined ? [] : reachableVersions(facts, other, has);
        const wrong = odd.find((one) => !allowed.includes(one));
        if (wrong !== undefined)
          return `${product} ${version} requires ${other} ${allowed.join(" or ")}, not ${wrong}`;
      }
    }
  }
  return null;
}

/** Why an account may not go from one version to another, or between what takes their places; null when it may. */
export function upgradeProblem(
  facts: Facts,
  product: ProductName,
  move: { from: VersionName; to: VersionName },
): string | null {
  if (move.from === move.to) return null;
  for (const from of reachableVersions(facts, product, move.from)) {
    for (const to of reachableVersions(facts, product, move.to)) {
      const problem = oneUpgradeProblem(facts, product, { from, to });
      if (problem !== null) return problem;
    }
  }
  return null;
}

function oneUpgradeProblem(
  facts: Facts,
  product: ProductName,
  { from, to }: { from: VersionName; to: VersionName },
): string | null {
  const allowed = versionFacts(facts, product, to)?.upgradesFrom ?? null;
  if (from === to || allowed === null || allowed.includes(from)) return null;
  return `${product} ${to} upgrades from ${allowed.join(", ") || "nothing"}, not from ${from}`;
}
