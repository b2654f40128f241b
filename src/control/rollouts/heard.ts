/**
 * What preflight says of versions that serve the same accounts: a target and what is taking its place, or where a rollback
 * leads. The worst word counts for accounts, and the oldest run; while one of them was never heard, nothing was. The
 * default is served by the first alone: replacements never touch it. Reads kept runs only.
 */
import type { PreflightVerdict } from "../../contracts/preflight.ts";
import type { Facts, PreflightFact, Verdict } from "../../contracts/rollout-input.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { servedVersions } from "../../core/rollout/served.ts";
import type { Db } from "../db.ts";
import { loadSubject } from "../preflight/subject.ts";
import { weigh, type Weighed } from "../preflight/weigh.ts";

/** Everything that is kept of one version; null when it is not registered. */
export type Weigher = (product: ProductName, version: VersionName) => Weighed | null;

/** Weighs each version once, for one look at one time: several questions are asked of the same kept runs. */
export function createWeigher(db: Db): Weigher {
  const known = new Map<string, Weighed | null>();
  return (product, version) => {
    const key = `${product} ${version}`;
    const given = known.get(key);
    if (given !== undefined) return given;
    const subject = loadSubject(db, { product, version });
    const weighed = subject.ok ? weigh(db, subject.value) : null;
    known.set(key, weighed);
    return weighed;
  };
}

/** A target itself, and what its accounts are served instead. */
export function targetVersions(
  facts: Facts,
  product: ProductName,
  version: VersionName,
): readonly VersionName[] {
  return [...new Set([version, ...servedVersions(facts, product, version)])];
}

const WORST: readonly Verdict[] = ["fail", "inconclusive", "pass"];

/** What is heard of all of them together; null while one of them was not heard. */
export function heardOf(
  weigher: Weigher,
  product: ProductName,
  versions: readonly VersionName[],
): PreflightFact | null {
  const heard: PreflightFact[] = [];
  for (const version of versions) {
    const weighed = weigher(product, version);
    if (weighed === null || weighed.at === null) return null;
    const named = versions.length === 1 ? "" : `${version}: `;
    heard.push({
      atMs: weighed.at,
      wave: word(weighed.wave, named),
      default: word(weighed.default, named),
    });
  }
  const [first] = heard;
  if (first === undefined) return null;
  const worst = WORST.flatMap((verdict) => heard.filter(({ wave }) => wave.verdict === verdict))[0] ?? first;
  return {
    atMs: Math.min(...heard.map(({ atMs }) => atMs)),
    wave: worst.wave,
    default: first.default,
  };
}

function word({ verdict, sentence }: PreflightVerdict, named: string): PreflightFact["wave"] {
  return { verdict, sentence: `${named}${sentence}` };
}
