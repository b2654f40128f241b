/**
 * What every name of the maps would get now, as a table that a load balancer can route by: every account's decision made
 * once, with the edge's own function, pins, holds, quarantine, replacements and running rollouts included. Pure.
 * What cannot be put into a table is told in words, which go to the top of the files and to whoever asks for them.
 */
import type { AccountRow, Root } from "../../../src/contracts/maps.ts";
import { parseOrigin, type Origin } from "../../../src/contracts/origin-rules.ts";
import type { Decision, Forward } from "../../../src/core/decision.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";
import { own } from "../../../src/core/record.ts";
import type { Side } from "../maps-diff.ts";
import { rowsOf } from "../maps-dump.ts";
import { limitsOf } from "./limits.ts";

/** Targets that are no version: a maintenance page, and what nobody can answer for. */
export const HELD = "firebreak_held";
export const UNRESOLVED = "firebreak_unresolved";

/** Where requests of one version (and cell) go; `readOnly` lets only safe methods pass. */
export interface Backend {
  readonly name: string;
  readonly product: string;
  readonly version: string;
  readonly origin: Extract<Origin, { kind: "http" }>;
  readonly readOnly: boolean;
}

export interface RoutingTable {
  readonly generation: number;
  readonly publishedAt: string;
  readonly backends: readonly Backend[];
  /** Every name of a known account, and names that break-glass gives something of their own, with its target. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Base domains with the target of whatever else lies under them, and of the domain itself. */
  readonly domains: ReadonlyMap<string, string>;
  /** What is lost by routing with this instead, one sentence each. */
  readonly limits: readonly string[];
}

/** Decides everything once. */
export function createRoutingTable(side: Side): RoutingTable {
  const { root } = side.maps;
  const book = createBook(root);
  const domains = new Map<string, string>();
  const products = Object.entries(root.products);
  for (const [product, facts] of products) {
    const target = book.targetOf(decide(side, { product, slug: null, row: null }));
    for (const domain of facts.domains) domains.set(domain, target);
  }
  const hosts = new Map<string, string>();
  for (const row of rowsOf(side.maps)) {
    for (const [product, facts] of products) {
      if (own(row.homes, product) === undefined || (row.product !== null && row.product !== product))
        continue;
      const target = book.targetOf(decide(side, { product, slug: row.slug, row }));
      if (row.product !== null) hosts.set(row.key, target);
      else for (const domain of facts.domains) hosts.set(`${row.slug}.${domain}`, target);
    }
  }
  addNamedByBreakGlass(side, { hosts, book });
  return {
    generation: root.generation,
    publishedAt: new Date(root.publishedAt).toISOString(),
    backends: book.backends(),
    hosts,
    domains,
    limits: limitsOf(side, book.bindings()),
  };
}

interface Question {
  readonly product: string;
  readonly slug: string | null;
  readonly row: AccountRow | null;
}

function decide({ maps: { root }, breakGlass }: Side, question: Question): Decision {
  return decideVersion({ root, breakGlass, ...question, override: null });
}

/** Break-glass may give accounts that the maps do not know something else than the default. */
function addNamedByBreakGlass(
  side: Side,
  { hosts, book }: { readonly hosts: Map<string, string>; readonly book: Book },
): void {
  const { breakGlass } = side;
  if (breakGlass === null) return;
  const named = new Set([...Object.keys(breakGlass.accounts), ...Object.keys(breakGlass.hold.accounts)]);
  for (const slug of named) {
    for (const [product, { domains }] of Object.entries(side.maps.root.products)) {
      const target = book.targetOf(decide(side, { product, slug, row: null }));
      for (const domain of domains)
        if (!hosts.has(`${slug}.${domain}`)) hosts.set(`${slug}.${domain}`, target);
    }
  }
}

/** Backends by what they are, named as they are met. */
interface Book {
  targetOf(decision: Decision): string;
  backends(): readonly Backend[];
  /** Versions whose origin is a service binding, which exists on Cloudflare alone. */
  bindings(): readonly string[];
}

function createBook({ products }: Root): Book {
  const backends = new Map<string, Backend>();
  const names = new Set<string>([HELD, UNRESOLVED]);
  const bindings = new Set<string>();

  function backendOf({ product, version, origin: text, cell }: Forward, readOnly: boolean): string {
    const key = JSON.stringify([product, version, text, readOnly]);
    const known = backends.get(key);
    if (known !== undefined) return known.name;
    const origin = parseOrigin(text);
    if (!origin.ok || origin.value.kind === "binding") {
      bindings.add(`${product} ${version}`);
      return UNRESOLVED;
    }
    const hasCells = own(products, product)?.versions[version]?.origin.includes("{cell}") === true;
    const parts = [
      product,
      version,
      ...(hasCells && cell !== null ? [cell] : []),
      ...(readOnly ? ["readonly"] : []),
    ];
    const name = freeName(parts.join("_"));
    backends.set(key, { name, product, version, origin: origin.value, readOnly });
    return name;
  }

  /** Both programs take letters, digits and `_ . -` in a name. */
  function freeName(wanted: string): string {
    const plain = wanted.replaceAll(/[^A-Za-z0-9_.-]/g, "-");
    for (let number = 1; ; number++) {
      const name = number === 1 ? plain : `${plain}_${number}`;
      if (names.has(name)) continue;
      names.add(name);
      return name;
    }
  }

  return {
    targetOf(decision) {
      if (decision.kind === "forward") return backendOf(decision, false);
      if (decision.kind === "unresolved") return UNRESOLVED;
      return decision.forward === null ? HELD : backendOf(decision.forward, true);
    },
    backends: () => [...backends.values()],
    bindings: () => [...bindings],
  };
}
