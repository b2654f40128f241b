/**
 * Holds every answer of every isolate against what was published: the version that the maps it answered from give, under
 * a break-glass document that operators wrote; generations that never fall; nobody known taken for unknown; and nobody
 * served by two versions that must not mix, or by one whose data he does not have.
 */
import type { MapsSnapshot } from "../../src/adapters/maps-reader/types.ts";
import type { BreakGlass } from "../../src/contracts/maps.ts";
import { SETTLE_LEAST_MS } from "../../src/contracts/move-data.ts";
import type { Decision, Forward } from "../../src/core/decision.ts";
import type { HookOrigin } from "../support/data-hooks.ts";
import { ACCOUNTS } from "./beginnings.ts";
import type { Answer } from "./isolate.ts";
import { decideFrom, type Published, type PublishWatch } from "./published.ts";
import { Violation, type Tale } from "./tale.ts";

export interface AnswerWatchParts {
  readonly published: PublishWatch;
  readonly tale: Tale;
  /** Data of accounts, where moves carry it. */
  readonly data: HookOrigin | null;
  /** Versions of a product must not be mixed. */
  readonly isNeverMixed: boolean;
}

interface Served {
  readonly version: string;
  readonly atMs: number;
  readonly isolate: string;
}

/** Of the versions that must not mix: 2, and 1 with its hotfix, which mixes with it. */
type Side = "new" | "old";

function sideOf(version: string): Side {
  return version === "2" ? "new" : "old";
}

export class AnswerWatch {
  private readonly parts: AnswerWatchParts;
  private readonly generations = new Map<string, number>();
  /** By isolate, the document whose generation it was seen to hold. */
  private readonly held = new Map<string, string>();
  /** By account, the last answer of each side. */
  private readonly served = new Map<string, Map<Side, Served>>();

  constructor(parts: AnswerWatchParts) {
    this.parts = parts;
  }

  take(answer: Answer): void {
    const { tale } = this.parts;
    tale.count(answer.version === null ? "answers without a version" : "answers by a version");
    if (answer.isStale) tale.count("answers from an older shard");
    if (answer.generation === 0) return this.checkFallback(answer);
    const root = this.parts.published.find(answer.generation);
    if (root === null)
      throw new Violation(
        "legal-version",
        `${nameOf(answer)} answers from generation ${answer.generation}, which was never published`,
      );
    if (root !== this.parts.published.last) tale.count("answers from maps that are not the newest");
    this.checkVersion(answer, root);
    if (answer.version === null || answer.account === null) return;
    if (isUnaware(answer, root)) tale.count("answers without KV, by maps from before a move");
    else this.checkServed(answer, answer.version);
  }

  /** The maps that break-glass names may be older; what comes after them is held against what came before. */
  checkGeneration(
    isolate: string,
    { generation, breakGlass }: Pick<MapsSnapshot, "generation" | "breakGlass">,
  ): void {
    if (breakGlass !== null && breakGlass.holdGeneration !== null)
      return this.checkHeld(isolate, generation, breakGlass);
    this.held.delete(isolate);
    const before = this.generations.get(isolate) ?? 0;
    if (generation < before)
      throw new Violation("generation", `${isolate} went from ${before} back to ${generation}`);
    this.generations.set(isolate, generation);
  }

  /** An isolate read another document, perhaps between requests: whether it holds a generation is seen anew. */
  forgetHeld(isolate: string): void {
    this.held.delete(isolate);
  }

  /** What is to be held may not be readable yet; once it is served, it is until the document ends. */
  private checkHeld(isolate: string, generation: number, { holdGeneration, expires }: BreakGlass): void {
    const document = `${holdGeneration} until ${expires}`;
    if (generation === holdGeneration) this.held.set(isolate, document);
    else if (this.held.get(isolate) === document)
      throw new Violation(
        "generation",
        `${isolate} left generation ${holdGeneration}, which is held, for ${generation}`,
      );
    else this.held.delete(isolate);
    this.parts.tale.count(
      generation === holdGeneration ? "maps of a held generation" : "maps in place of a held generation",
    );
  }

  private checkFallback(answer: Answer): void {
    this.parts.tale.count("answers without maps");
    if (answer.version !== null || answer.status !== 503)
      throw new Violation("legal-version", `${nameOf(answer)} was answered ${answer.status} without maps`);
  }

  private checkVersion(answer: Answer, root: Published): void {
    const { product, slug, version, account, breakGlass, isolate } = answer;
    const decision = decideFrom(root, answer, breakGlass);
    const isKnown = root.maps.find(slug)?.homes[product] !== undefined;
    if (version === null) return this.checkSilence(answer, decision.kind);
    if (isKnown && account === null)
      throw new Violation(
        "unresolved",
        `${isolate} took ${nameOf(answer)} for unknown and answered ${version}`,
      );
    const wanted = readable(decision);
    if (wanted?.version === version && wanted.account === account) return;
    const is = wanted === null ? decision.kind : wanted.version;
    const what = `${isolate} answered ${nameOf(answer)} by ${version} from generation ${root.generation}, which says ${is}`;
    const other = this.otherWith(answer, breakGlass);
    if (other === null) throw new Violation("legal-version", what);
    throw new Violation("one-publish", `${what}; generation ${other} said ${version}`);
  }

  private otherWith(answer: Answer, breakGlass: BreakGlass | null): number | null {
    const found = this.parts.published.all.find((one) => {
      return readable(decideFrom(one, answer, breakGlass))?.version === answer.version;
    });
    return found?.generation ?? null;
  }

  private checkSilence(answer: Answer, kind: string): void {
    const { tale } = this.parts;
    if (answer.status !== 503)
      throw new Violation("legal-version", `${nameOf(answer)} was answered ${answer.status} by nobody`);
    tale.count(kind === "hold" ? "answers: held" : "answers: not known right now");
  }

  private checkServed(answer: Answer, version: string): void {
    const { product, slug, atMs, isolate } = answer;
    const { data, isNeverMixed, tale } = this.parts;
    if (!isNeverMixed) return;
    const key = `${product}/${slug}`;
    const served = this.served.get(key) ?? new Map<Side, Served>();
    this.served.set(key, served);
    const side = sideOf(version);
    for (const [other, last] of served) {
      const mine = served.get(side);
      // It was served by this side, then by the other, and now by this one again.
      if (other === side || mine === undefined || mine.atMs > last.atMs) continue;
      if (atMs - last.atMs < SETTLE_LEAST_MS)
        throw new Violation(
          "never-mixed",
          `${key}: ${isolate} answered ${version} ${atMs - last.atMs} ms after ${last.isolate} answered ${last.version}`,
        );
    }
    if (served.size > 0 && !served.has(side)) tale.count("accounts seen on both sides of a held move");
    served.set(side, { version, atMs, isolate });
    if (data === null || product !== "kiln") return;
    // Who came later began with data of the version that he came to.
    if (!data.knows(product, slug) && !ACCOUNTS.includes(slug)) return;
    const { is } = data.of(product, slug);
    if (is !== side)
      throw new Violation("data-follows", `${key} is served by ${version} and its data is ${is}`);
  }
}

/**
 * Without KV an edge answers from the last maps it has, however old: routing outlives KV, and so a move that these maps
 * do not know of goes unseen there. As soon as they know of one, only fresh maps will do.
 */
function isUnaware({ isCutOff, product }: Answer, { maps }: Published): boolean {
  return isCutOff && maps.root.rollouts.every(({ targets }) => targets[product] === undefined);
}

/** What a GET reaches: it passes a hold that is read-only. */
function readable(decision: Decision): Forward | null {
  if (decision.kind === "unresolved") return null;
  return decision.kind === "hold" ? decision.forward : decision;
}

function nameOf({ product, slug }: Answer): string {
  return `${product}/${slug}`;
}
