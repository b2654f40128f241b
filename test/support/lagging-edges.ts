/**
 * Edges in several locations, each with a KV that answers what was true up to two minutes ago, and isolates that refresh
 * their maps as the reader does, fall idle, come back, and report now and then. They answer accounts of a `DataWorld` and
 * keep a log of who was served what and when, in which a checker looks for two versions at once.
 */
import { mayAnswer } from "../../src/core/fresh-maps.ts";
import { KV_LAG_MS, MAPS_FRESH_MS, REPORT_LAG_MS } from "../../src/contracts/move-data.ts";
import { NEW } from "./rollout-builders.ts";
import type { DataWorld, Published } from "./data-world.ts";

const REFRESH_MS = 30_000;
const OLD_MS = 120_000;
const FLUSH_MS = 10_000;

interface Isolate {
  readonly name: string;
  maps: Published;
  readMs: number;
  flushedMs: number;
  /** It is busy, or idle, until then. */
  untilMs: number;
  busy: boolean;
}

interface Served {
  readonly slug: string;
  readonly product: string;
  readonly version: string;
  readonly atMs: number;
  readonly by: string;
}

export interface EdgeOptions {
  readonly random: () => number;
  /** Edges keep to `mayAnswer`. */
  readonly rule: boolean;
  /** Reports: all arrive; none is known of. */
  readonly reports: "all" | "none";
}

export class LaggingEdges {
  readonly log: Served[] = [];
  holds = 0;
  private readonly isolates: Isolate[];
  private readonly arriving: { name: string; generation: number; atMs: number }[] = [];
  private readonly heard = new Map<string, { generation: number; atMs: number }>();

  private readonly world: DataWorld;
  private readonly options: EdgeOptions;

  constructor(world: DataWorld, options: EdgeOptions) {
    this.world = world;
    this.options = options;
    const { nowMs } = world;
    const maps = world.last();
    this.isolates = Array.from({ length: 9 }, (_, index) => ({
      name: `isolate-${index}`,
      maps,
      readMs: nowMs,
      flushedMs: 0,
      untilMs: 0,
      busy: false,
    }));
    world.behind = () => this.behind();
  }

  /** Isolates that may still answer from maps older than the publish that is waited for. */
  private behind(): number | null {
    if (this.options.reports === "none") return null;
    const step = this.world.state.data?.publishStep ?? 0;
    const wanted = this.world.roots.find((one) => one.step === step)?.root.generation ?? 0;
    const { nowMs } = this.world;
    return [...this.heard.values()].filter(
      ({ generation, atMs }) => generation < wanted && nowMs - atMs <= MAPS_FRESH_MS + REPORT_LAG_MS,
    ).length;
  }

  /** What KV answers in some location: lags are mostly long, and differ from read to read. */
  private read(isolate: Isolate): void {
    const { random } = this.options;
    const lagMs = random() < 0.5 ? KV_LAG_MS : random() * KV_LAG_MS;
    const { nowMs, roots } = this.world;
    const found = roots.findLast(({ atMs }) => atMs <= nowMs - lagMs) ?? roots[0];
    isolate.readMs = nowMs;
    if (found !== undefined && found.root.generation >= isolate.maps.root.generation) isolate.maps = found;
  }

  /** Requests of this moment; isolates take turns at being busy and idle. */
  serve(): void {
    const { random } = this.options;
    const { nowMs } = this.world;
    for (const report of this.arriving.filter(({ atMs }) => atMs <= nowMs)) {
      const known = this.heard.get(report.name);
      if (known === undefined || known.atMs <= report.atMs) this.heard.set(report.name, report);
    }
    for (const isolate of this.isolates) {
      if (nowMs >= isolate.untilMs) {
        isolate.busy = random() < 0.5;
        isolate.untilMs = nowMs + random() * (isolate.busy ? 60_000 : 150_000);
      }
      if (!isolate.busy || random() < 0.3) continue;
      const slugs = [...this.world.rows.keys()];
      for (let request = 0; request < 2; request += 1)
        this.answer(isolate, slugs[Math.floor(random() * slugs.length)] ?? "");
      this.report(isolate);
    }
  }

  private answer(isolate: Isolate, slug: string): void {
    const { nowMs } = this.world;
    if (nowMs - isolate.readMs > OLD_MS) this.read(isolate);
    for (const product of ["kiln", "fogbugz"]) {
      const may = (): boolean =>
        !this.options.rule ||
        mayAnswer({
          root: isolate.maps.root,
          product,
          row: isolate.maps.rows.get(slug) ?? null,
          rowIsStale: false,
          ageMs: nowMs - isolate.readMs,
          freshMs: MAPS_FRESH_MS,
        });
      if (!may()) this.read(isolate);
      const version = may() ? this.world.answer(isolate.maps, slug, product) : "hold";
      if (version === "hold") this.holds += 1;
      else this.log.push({ slug, product, version, atMs: nowMs, by: isolate.name });
    }
    // In the background: what it brings answers from the next request on.
    if (nowMs - isolate.readMs > REFRESH_MS) this.read(isolate);
  }

  private report(isolate: Isolate): void {
    const { nowMs } = this.world;
    if (this.options.reports === "none" || nowMs - isolate.flushedMs < FLUSH_MS) return;
    isolate.flushedMs = nowMs;
    const atMs = nowMs + this.options.random() * FLUSH_MS;
    this.arriving.push({ name: isolate.name, generation: isolate.maps.root.generation, atMs });
  }

  /** Somebody was served by the old version after somebody was served by the new one: the first such case, or null. */
  overlap(): string | null {
    const since = new Map<string, Served>();
    for (const one of this.log) {
      const key = `${one.product} of ${one.slug}`;
      const isNew = one.version === NEW.kiln || one.version === NEW.fogbugz;
      const first = since.get(key);
      if (isNew && first === undefined) since.set(key, one);
      if (!isNew && first !== undefined) {
        const ms = one.atMs - first.atMs;
        return `${key}: ${one.by} answered ${one.version} ${ms} ms after ${first.by} answered ${first.version}`;
      }
    }
    return null;
  }
}
