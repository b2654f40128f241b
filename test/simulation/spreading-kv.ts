/**
 * KV as it may be at its worst within what settling relies on: every read, of every key by itself, answers what was true
 * up to two minutes ago, so that keys overtake each other, what was just written is missing for a while, and a later read
 * may be older than an earlier one. Locations fail and hang by themselves. The place that writes reads what it wrote.
 */
import type { MapsKv } from "../../src/adapters/kv.ts";
import { KV_LAG_MS } from "../../src/contracts/move-data.ts";
import type { TestClock } from "../support/test-clock.ts";
import type { Random } from "../support/random.ts";
import type { Tale } from "./tale.ts";

interface Past {
  /** It was true before this time. */
  readonly untilMs: number;
  readonly text: string | null;
}

export class SpreadingKv {
  /** What is true now. */
  readonly values: Map<string, string>;
  private readonly past = new Map<string, Past[]>();
  private readonly nowMs: () => number;

  /** Holds `values` since ever. */
  constructor(values: ReadonlyMap<string, string>, nowMs: () => number) {
    this.values = new Map(values);
    this.nowMs = nowMs;
  }

  put(key: string, text: string): void {
    this.keep(key);
    this.values.set(key, text);
  }

  delete(key: string): void {
    this.keep(key);
    this.values.delete(key);
  }

  private keep(key: string): void {
    const before = this.past.get(key) ?? [];
    before.push({ untilMs: this.nowMs(), text: this.values.get(key) ?? null });
    this.past.set(key, before);
  }

  /** What was true of a key at a time. */
  at(key: string, atMs: number): string | null {
    const then = this.past.get(key)?.find(({ untilMs }) => atMs < untilMs);
    return then === undefined ? (this.values.get(key) ?? null) : then.text;
  }
}

export type Illness = "throws" | "hangs" | null;

/** KV as one location answers it. */
export interface Location extends MapsKv {
  illness: Illness;
  /** Reads that were begun. */
  reads: number;
  /** Answers what is true now, without delay. */
  isCured: boolean;
}

export interface LocationParts {
  readonly kv: SpreadingKv;
  readonly clock: TestClock;
  readonly random: Random;
  readonly tale: Tale;
}

const SLOW_MS = [0, 0, 0, 0, 20, 300, 900, 3000] as const;

export function createLocation({ kv, clock, random, tale }: LocationParts): Location {
  const lagMs = (): number => {
    const draw = random();
    if (draw < 0.35) return 0;
    return draw < 0.7 ? KV_LAG_MS : random() * KV_LAG_MS;
  };
  const read = (key: string): string | null => {
    if (location.isCured) return kv.values.get(key) ?? null;
    const text = kv.at(key, clock.nowMs() - lagMs());
    const now = kv.values.get(key) ?? null;
    if (text !== now) tale.count(text === null ? "misses that stuck" : "reads of old values");
    return text;
  };
  const passThrough = async (): Promise<void> => {
    location.reads += 1;
    if (location.illness === "throws") throw new Error("KV GET failed: 500 Internal Server Error");
    if (location.illness === "hangs") await new Promise(() => undefined);
    const slowMs = location.isCured ? 0 : (SLOW_MS[Math.floor(random() * SLOW_MS.length)] ?? 0);
    if (slowMs > 0) await clock.sleep(slowMs);
  };
  const location: Location = {
    illness: null,
    reads: 0,
    isCured: false,
    async getMany(keys) {
      await passThrough();
      return new Map(keys.map((key) => [key, read(key)]));
    },
    async get(key) {
      await passThrough();
      return read(key);
    },
  };
  return location;
}
