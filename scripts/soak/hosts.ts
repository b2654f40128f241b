/**
 * Who is asked in a soak, and what each gets by the published maps. The words are those of `history.ts`: the version that
 * answers as `PRODUCT/VERSION`, `held`, or the status. The maps are opened and decided as `maps diff` does it offline.
 */
import type { Asker, LoadAnswer } from "../local/load.ts";
import { createDemoAccounts } from "../local/demo/accounts.ts";
import type { OpenMaps } from "../cli/maps-dump.ts";
import type { AccountRow } from "../../src/contracts/maps.ts";
import { UNSERVED, type Published } from "./history.ts";
import { decideVersion } from "../../src/core/decide-version.ts";

const KNOWN = 60;
/** Those that configuration is changed of, each in its own way; all others are moved by rollouts alone. */
export const PINNED = 0;
export const HELD = 1;
export const NAMED = 2;
/** Comes and goes as a custom domain of one of them. */
export const CUSTOM_HOST = "code.soak.example";
/** Never anybody's. */
const FOREIGN_HOST = "nobody.soak.example";
const DEFAULT_HOST = "nobody.kiln.localhost";
const CUSTOM_PRODUCT = "kiln";

/** Accounts with both products, of every cohort. */
export const ACCOUNTS: readonly string[] = createDemoAccounts()
  .filter(({ products }) => products?.length === 2)
  .filter((_, index) => index % 160 === 7)
  .slice(0, KNOWN)
  .map(({ account }) => account);

export const hostOf = (account: string, product: string): string => `${account}.${product}.localhost`;

interface Host {
  readonly host: string;
  readonly product: string;
  readonly slug: string;
  /** In the maps: the slug, or the host itself. */
  readonly key: string;
}

const HOSTS: readonly Host[] = [
  ...ACCOUNTS.flatMap((slug) =>
    ["kiln", "fogbugz"].map((product) => ({ host: hostOf(slug, product), product, slug, key: slug })),
  ),
  { host: CUSTOM_HOST, product: CUSTOM_PRODUCT, slug: CUSTOM_HOST, key: CUSTOM_HOST },
];

const UNKNOWN: Host = { host: DEFAULT_HOST, product: CUSTOM_PRODUCT, slug: "nobody", key: "nobody" };

const BY_NAME = new Map([...HOSTS, UNKNOWN].map((each) => [each.host, each]));

/** What one generation makes of everybody. */
export function readGeneration(maps: OpenMaps): Pick<Published, "expected" | "rows" | "decide"> {
  const { root, breakGlass } = maps;
  const decide = (name: string, row: AccountRow | null): string => {
    const asked = BY_NAME.get(name);
    if (asked === undefined) return "421";
    const { host, product, slug, key } = asked;
    if (key === host && row === null) return "421";
    const decision = decideVersion({ root, breakGlass, product, slug, row, override: null });
    switch (decision.kind) {
      case "forward":
        return `${product}/${decision.version}`;
      case "hold":
        return "held";
      case "unresolved":
        return UNSERVED;
    }
  };
  const rows = new Map(HOSTS.map(({ host, key }) => [host, maps.find(key)]));
  const names = [...BY_NAME.keys(), FOREIGN_HOST];
  return {
    rows,
    decide,
    expected: new Map(names.map((name) => [name, decide(name, rows.get(name) ?? null)])),
  };
}

/** What an answer shows, in the words of the maps. */
function seenIn({ status, headers, text }: LoadAnswer, slug: string | null): string {
  if (status === 503 && text.includes("urn:firebreak:problem:held")) return "held";
  if (status !== 200) return String(status);
  const by = String(headers["demo-version"] ?? "nobody");
  return slug === null || text.includes(`"account": "${slug}"`) ? by : `${by} for another account`;
}

/** Is told every answer: who was asked, as the history calls it, and what was seen. */
export type Note = (host: string, seen: string, askedMs: number) => void;

/** Known accounts and the custom domain, in turn. */
export function knownAskers(note: Note): Asker[] {
  return HOSTS.map(({ host, slug, key }) => ({
    host,
    path: "/app",
    judge: (answer) => {
      note(host, seenIn(answer, key === slug && host !== CUSTOM_HOST ? slug : null), answer.askedMs);
      return null;
    },
  }));
}

/** A new name each time, under a base domain and foreign. */
export function unknownAskers(note: Note): Asker[] {
  let asked = 0;
  const asker = (domain: string, as: string): Asker => ({
    get host() {
      asked += 1;
      return `x${(asked * 7919).toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}.${domain}`;
    },
    path: "/",
    judge: (answer) => {
      note(as, seenIn(answer, null), answer.askedMs);
      return null;
    },
  });
  return [
    asker("kiln.localhost", DEFAULT_HOST),
    asker("kiln.localhost", DEFAULT_HOST),
    asker("example", FOREIGN_HOST),
  ];
}

/** What a load balancer asks; a 204 is all there is to it. */
export const CHECK: Asker = {
  host: null,
  path: "/",
  method: "OPTIONS",
  judge: ({ status }) => (status === 204 ? null : `status ${status}`),
};
