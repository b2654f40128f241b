/**
 * The accounts of the demo world: always the same ones, so that what is printed today can be typed tomorrow. `acme` is
 * written by hand; all others follow from their number alone (an integer hash, no randomness, no clock).
 * Used by `seed.ts` to import them and by the demo origins, which know them as a real product knows its customers.
 */
import type { ImportLine } from "../../../src/contracts/api/accounts.ts";
import { ZONE_WEIGHTS } from "./zones.ts";

export const DEMO_ACCOUNTS = 10_000;
export const DEMO_PRODUCTS = ["kiln", "fogbugz"] as const;
export const ACME = "acme";

const ADJECTIVES =
  "amber ancient bold brave bright broad calm clear clever coastal copper crisp curious daring eager early eastern even fair fast fine firm fresh gentle glad golden grand green happy hidden honest humble jolly keen kind lively loyal lucky merry mellow modern noble northern open patient plain polite proud quick quiet";
const NOUNS =
  "acorn anchor anvil atlas badger beacon birch bison bridge canyon cedar comet condor coral crane delta ember falcon fern fjord forge fox garden glacier harbor heron island jaguar juniper kettle lagoon lantern larch lynx maple meadow mill moose nest oak orchard otter owl peak pine plover quarry raven reef river";

const INTERNAL_BELOW = 100; // of 10,000: about 1 %
const EARLY_BELOW = 1000; // and about 9 % more
const ONE_PRODUCT_EVERY = 500;
const PLANS = ["free", "team", "business"];

const adjectives = ADJECTIVES.split(" ");
const nouns = NOUNS.split(" ");
const zones = ZONE_WEIGHTS.flatMap(([zone, weight]) => Array.from({ length: weight }, () => zone));

/** A well-mixed number from a small one (the finaliser of MurmurHash3), so that neighbours are unlike each other. */
function mix(number: number): number {
  let hash = Math.imul(number + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function pick<T>(from: readonly T[], number: number, fallback: T): T {
  return from[number % from.length] ?? fallback;
}

/** `amber-acorn`, then `amber-anchor`, …; the second time round `amber-acorn-2`. */
function slugOf(index: number): string {
  const pairs = adjectives.length * nouns.length;
  const round = Math.floor(index / pairs);
  const pair = index % pairs;
  const name = `${pick(adjectives, Math.floor(pair / nouns.length), "plain")}-${pick(nouns, pair, "oak")}`;
  return round === 0 ? name : `${name}-${round + 1}`;
}

function cohortOf(index: number): string {
  const draw = mix(index) % 10_000;
  if (draw < INTERNAL_BELOW) return "internal";
  return draw < EARLY_BELOW ? "early" : "general";
}

/** All but a few accounts have both products. */
function productsOf(index: number): string[] {
  if (index % ONE_PRODUCT_EVERY !== 0) return [...DEMO_PRODUCTS];
  return [index % (2 * ONE_PRODUCT_EVERY) === 0 ? "kiln" : "fogbugz"];
}

function createAccount(index: number): ImportLine {
  return {
    account: slugOf(index),
    timeZone: pick(zones, mix(index + DEMO_ACCOUNTS), "Europe/London"),
    cohort: cohortOf(index),
    labels: { plan: pick(PLANS, mix(index + 2 * DEMO_ACCOUNTS), "free") },
    products: productsOf(index),
  };
}

const ACME_ACCOUNT: ImportLine = {
  account: ACME,
  timeZone: "Europe/Paris",
  cohort: "general",
  labels: { plan: "business" },
  products: [...DEMO_PRODUCTS],
  domains: [{ host: "code.acme.example", product: "kiln" }],
};

/** The 10,000 accounts as lines of an import, `acme` first. */
export function createDemoAccounts(): ImportLine[] {
  return [ACME_ACCOUNT, ...Array.from({ length: DEMO_ACCOUNTS - 1 }, (_, index) => createAccount(index))];
}
