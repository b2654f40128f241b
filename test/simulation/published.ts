/**
 * What was published, root by root, as a reader with everything at hand would decide it; and the check that from one root
 * to the next nobody changed version but by what somebody asked for, or what a running rollout or replacement did.
 */
import type { AccountRow } from "../../src/contracts/maps.ts";
import type { BreakGlass } from "../../src/contracts/maps.ts";
import type { Decision } from "../../src/core/decision.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { readMaps, type ReadMaps } from "../support/control-world.ts";
import { PRODUCTS } from "./beginnings.ts";
import type { Book } from "./book.ts";
import type { RolloutWatch } from "./rollout-watch.ts";
import { Violation, type Tale } from "./tale.ts";

/** A root that reached KV. */
export interface Published {
  readonly generation: number;
  readonly atMs: number;
  readonly maps: ReadMaps;
  /** `product/account` to the version that it is on, holds left aside; accounts that are not known are not in it. */
  readonly versions: ReadonlyMap<string, string>;
}

/** What one publish decides for somebody, under one break-glass document. */
export function decideFrom(
  { maps }: Published,
  { product, slug }: { readonly product: string; readonly slug: string },
  breakGlass: BreakGlass | null,
): Decision {
  const row = maps.find(slug);
  return decideVersion({ root: maps.root, breakGlass, product, slug, row, override: null });
}

/** Versions as moves are told of: holds are none. */
function versionsOf(maps: ReadMaps): ReadonlyMap<string, string> {
  const { root } = maps;
  const rollouts = root.rollouts.map((rollout) => ({ ...rollout, held: [] }));
  const products = Object.fromEntries(
    Object.entries(root.products).map(([name, facts]) => [name, { ...facts, hold: null }]),
  );
  const free = { ...root, rollouts, products };
  const versions = new Map<string, string>();
  for (const row of maps.rows()) {
    for (const product of PRODUCTS) {
      if (row.homes[product] === undefined) continue;
      versions.set(`${product}/${row.slug}`, versionIn(free, product, row));
    }
  }
  return versions;
}

function versionIn(root: ReadMaps["root"], product: string, row: AccountRow): string {
  const { slug } = row;
  const decision = decideVersion({
    root,
    breakGlass: null,
    product,
    slug,
    row: { ...row, hold: null },
    override: null,
  });
  if (decision.kind !== "forward")
    throw new Violation(
      "unresolved",
      `${product}/${slug} of generation ${root.generation} is ${decision.kind}`,
    );
  return decision.version;
}

export interface PublishParts {
  readonly book: Book;
  readonly rollouts: RolloutWatch;
  readonly tale: Tale;
}

/** Keeps what was published, and holds each root against the one before it. */
export class PublishWatch {
  readonly all: Published[] = [];
  private readonly parts: PublishParts;

  constructor(parts: PublishParts) {
    this.parts = parts;
  }

  get last(): Published {
    const last = this.all.at(-1);
    if (last === undefined) throw new Error("nothing is published");
    return last;
  }

  find(generation: number): Published | null {
    return this.all.findLast((one) => one.generation === generation) ?? null;
  }

  /** Takes what is in KV now. */
  take(values: ReadonlyMap<string, string>, atMs: number): void {
    const maps = readWhole(values);
    const next = { generation: maps.root.generation, atMs, maps, versions: versionsOf(maps) };
    const before = this.all.at(-1);
    this.all.push(next);
    if (before === undefined) return;
    const { tale, book, rollouts } = this.parts;
    tale.count("roots published");
    tale.say(() => `generation ${next.generation} is published`);
    if (next.generation < before.generation)
      throw new Violation("generation", `${next.generation} was published after ${before.generation}`);
    if (next.generation === before.generation) return;
    if (!book.isRestored) this.compare(before, next);
    book.isRestored = false;
    rollouts.publishTold(new Set(maps.root.rollouts.map(({ id }) => id)));
  }

  private compare(before: Published, next: Published): void {
    for (const [key, was] of before.versions) {
      const is = next.versions.get(key);
      if (is === was) continue;
      if (is === undefined)
        throw new Violation("recorded-move", `${key} was on ${was} and is not known any more`);
      this.judge(key, { was, is }, { before, next });
    }
    for (const [key, is] of next.versions) if (!before.versions.has(key)) this.judgeNew(key, is);
    this.compareDefaults(before, next);
  }

  private judge(
    key: string,
    { was, is }: { readonly was: string; readonly is: string },
    { before, next }: { readonly before: Published; readonly next: Published },
  ): void {
    const [product = "", account = ""] = key.split("/");
    const cause = this.causeOf({ product, account, was, is });
    const { tale } = this.parts;
    if (cause !== null) {
      tale.count(`moves: ${cause}`);
      tale.say(() => `${key} goes from ${was} to ${is}: ${cause}`);
      return;
    }
    const ended = before.maps.root.rollouts.filter(
      ({ id, targets }) =>
        targets[product] !== undefined && next.maps.root.rollouts.every((one) => one.id !== id),
    );
    const what = `${key} went from ${was} to ${is} with generation ${next.generation}`;
    const [over] = ended;
    if (over === undefined) throw new Violation("recorded-move", `${what}, and nobody asked for it`);
    throw new Violation("completion", `${what}, when rollout ${over.id} left the maps`);
  }

  /** Why it was to be expected; null: it was not. */
  private causeOf(move: { product: string; account: string; was: string; is: string }): string | null {
    const { product, account, was, is } = move;
    const { book, rollouts } = this.parts;
    if (book.isNamed(product, account, is)) return "named by an operator";
    const rollout = rollouts.causeOf(move);
    if (rollout !== null) return rollout;
    if (book.replacements.has(`${product} ${was} ${is}`)) return "replacement";
    if (book.replacements.has(`${product} ${is} ${was}`)) return "replacement taken back";
    // Named version or home, then replaced on its way: both happened between two publishes.
    const replaced = [...book.replacements].find(
      (text) => text.startsWith(`${product} `) && text.endsWith(` ${is}`),
    );
    const from = replaced?.split(" ")[1];
    if (
      from !== undefined &&
      (book.isNamed(product, account, from) || rollouts.causeOf({ ...move, is: from }) !== null)
    )
      return "moved and replaced";
    return null;
  }

  private judgeNew(key: string, is: string): void {
    const [product = "", account = ""] = key.split("/");
    const { book, tale } = this.parts;
    const isReplaced = [...book.replacements].some(
      (text) => text.startsWith(`${product} `) && text.endsWith(` ${is}`),
    );
    // Pinned or put into quarantine before it was ever published.
    const isNamed = book.isNamed(product, account, is);
    if (!book.given.has(`${product} ${is}`) && !isReplaced && !isNamed)
      throw new Violation(
        "recorded-move",
        `${key} is new and on ${is}, which was never what new accounts get`,
      );
    tale.count("accounts that came");
  }

  private compareDefaults(before: Published, next: Published): void {
    for (const [product, { default: is }] of Object.entries(next.maps.root.products)) {
      const was = before.maps.root.products[product]?.default;
      if (was === is || was === undefined) continue;
      if (!this.parts.book.defaults.has(`${product} ${is}`))
        throw new Violation("default", `that of ${product} went from ${was} to ${is}`);
      this.parts.tale.count("defaults moved");
    }
  }
}

function readWhole(values: ReadonlyMap<string, string>): ReadMaps {
  try {
    return readMaps(values);
  } catch (error) {
    throw new Violation("whole-maps", error instanceof Error ? error.message : String(error));
  }
}
