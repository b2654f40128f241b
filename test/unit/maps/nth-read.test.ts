/**
 * One isolate from its cold start through ten publishes, once for every KV read that this takes and every way a read can
 * go wrong: it throws, never answers, is late, is old, is missing, or is garbage of one kind or another. Whatever the
 * n-th read does, or all from it on for ten minutes, the generation never falls, no row of one generation is served beside another's root as if it were
 * its own, no known account reads as absent, nobody waits longer than the written limits, and it ends at the newest.
 */
import { describe, it } from "vitest";
import { ROOT_KEY } from "../../../src/contracts/maps.ts";
import type { MapsKv } from "../../../src/adapters/kv.ts";
import { shardOf } from "../../../src/core/maps/key-hash.ts";
import { inForm } from "../../support/form.ts";
import { createIsolate, createWorld, type Isolate, type World } from "../../support/isolate.ts";
import { accounts, published, row } from "../../support/maps-builders.ts";

const SHARDS = 4;
const FIRST = 5;
const LAST = 15;
const PUBLISH_EVERY_MS = 25_000;
const ASK_EVERY_MS = inForm({ short: 5000, long: 1000 });
/** Readers refresh every 30 s ± 20 %. */
const PERIOD_MS = 36_000;
/** For root when cold, and for a shard: the limits of the reader. */
const LONGEST_MS = 2000;
const LATE_MS = 5000;
const TOO_LARGE = " ".repeat(26 * 1024 * 1024);

const ROWS = [row({ slug: "acme" }), ...accounts(200)];
/** One account of every shard; each changes with every generation, by its group. */
const KNOWN = Array.from(
  { length: SHARDS },
  (_, shard) => ROWS.find(({ key }) => shardOf(key, SHARDS) === shard)?.key ?? "",
);
const GHOST = "nobody-is-called-so";

const texts = new Map(
  Array.from({ length: LAST - FIRST + 1 }, (_, step) => {
    const generation = FIRST + step;
    const rows = ROWS.map((one) => (KNOWN.includes(one.key) ? { ...one, group: generation } : one));
    const rollouts = [{ id: "r", salt: "s", targets: { kiln: "2.9.0" }, moved: [], held: [] }];
    const groups = Array.from({ length: LAST + 1 }, () => 0);
    return [
      generation,
      published(
        { generation, rollouts: rollouts.map((one) => ({ ...one, moved: groups, held: groups })) },
        rows,
        { shards: SHARDS },
      ),
    ] as const;
  }),
);

type Answer = (text: string | null, key: string, world: World) => string | null | Promise<string | null>;

/** What the n-th read answers in place of what is there. */
const FAULTS: Readonly<Record<string, Answer>> = {
  throws: () => {
    throw new Error("KV GET failed: 500 Internal Server Error");
  },
  "never answers": () => new Promise<never>(() => undefined),
  "is late": async (text, _key, world) => {
    await world.clock.sleep(LATE_MS);
    return text;
  },
  "is old": (text, key) => (key === ROOT_KEY ? (texts.get(FIRST)?.rootText ?? text) : text),
  "is missing": () => null,
  "is cut off": (text) => text?.slice(0, text.length / 2) ?? null,
  "is blank": () => "",
  "is another document": (_text, key) => (key === ROOT_KEY ? "{}" : (texts.get(FIRST)?.rootText ?? "")),
  "has blank fields": (text) => text?.replaceAll(/"(kiln|2\.8\.0|acme)"/g, '""') ?? null,
  "has one byte changed": (text) => text?.replace("2.8.0", "2.9.0") ?? null,
  "has everything twice": (text) => (text === null ? null : text + text),
  "is 26 MB": (text) => (text === null ? null : text + TOO_LARGE),
};

interface Run {
  /** Up to the last publish. */
  readonly reads: number;
  /** In all. */
  readonly total: number;
  readonly problems: readonly string[];
  readonly slowestMs: number;
  /** Of known accounts, once all were answered: older copies serve them. Only a shard itself can say that one is absent. */
  readonly slowestWarmMs: number;
  readonly refused: number;
}

/** A KV of which some reads go wrong, by their number (from 1). */
function faultyAt(
  world: World,
  isFaultyRead: (read: number) => boolean,
  answer: Answer,
): { kv: World["kv"]; reads: () => number } {
  let reads = 0;
  const get: MapsKv["get"] = async (key, ttl) => {
    reads += 1;
    const isFaulty = isFaultyRead(reads);
    const text = await world.kv.get(key, ttl);
    return isFaulty ? answer(text, key, world) : text;
  };
  const getMany: MapsKv["getMany"] = async (keys) => {
    reads += 1;
    const isFaulty = isFaultyRead(reads);
    const all = await world.kv.getMany(keys);
    if (!isFaulty) return all;
    return new Map(
      await Promise.all(
        [...all].map(async ([key, text]) => [key, await answer(text, key, world)] as [string, string | null]),
      ),
    );
  };
  return { kv: { ...world.kv, get, getMany }, reads: () => reads };
}

async function look(isolate: Isolate, highest: number, problems: string[]) {
  let slowestMs = 0;
  let slowestKnownMs = 0;
  let newest = highest;
  let resolved = true;
  for (const key of [...KNOWN, GHOST]) {
    const { snapshot, found, tookMs } = await isolate.ask(key);
    slowestMs = Math.max(slowestMs, tookMs);
    if (key !== GHOST) slowestKnownMs = Math.max(slowestKnownMs, tookMs);
    if (snapshot.generation < newest) problems.push(`${newest} fell to ${snapshot.generation}`);
    newest = snapshot.generation;
    if (found.kind === "unresolved") {
      resolved = false;
      continue;
    }
    if (key === GHOST && found.kind === "row") problems.push(`${key} became known`);
    if (key !== GHOST && found.kind === "absent") problems.push(`${key} reads as absent`);
    if (found.kind !== "row") continue;
    const { group } = found.row;
    if (found.stale ? group > newest : group !== newest)
      problems.push(`${key} of ${group} beside root ${newest}${found.stale ? ", said to be stale" : ""}`);
  }
  return { newest, slowestMs, slowestKnownMs, resolved };
}

interface Trouble {
  readonly answer: Answer;
  readonly isFaulty: (read: number) => boolean;
  /** How long it lasts beyond the last publish; it ends then. */
  readonly lastsMs: number;
}

async function run({ answer, isFaulty, lastsMs }: Trouble): Promise<Run> {
  const world = createWorld();
  let over = false;
  const { kv, reads } = faultyAt(world, (read) => !over && isFaulty(read), answer);
  const isolate = createIsolate({ ...world, kv });
  const problems: string[] = [];
  let newest = 0;
  let slowestMs = 0;
  let slowestWarmMs = 0;
  let isWarm = false;
  const liveFor = async (ms: number): Promise<void> => {
    for (let lived = 0; lived < ms; lived += ASK_EVERY_MS) {
      const looked = await look(isolate, newest, problems);
      newest = looked.newest;
      slowestMs = Math.max(slowestMs, looked.slowestMs);
      if (isWarm) slowestWarmMs = Math.max(slowestWarmMs, looked.slowestKnownMs);
      isWarm ||= looked.resolved;
      await world.clock.advance(ASK_EVERY_MS);
    }
  };
  for (const { entries } of texts.values()) {
    world.kv.publish(entries);
    await liveFor(PUBLISH_EVERY_MS);
  }
  const taken = reads();
  await liveFor(lastsMs);
  over = lastsMs > 0;
  await liveFor(2 * PERIOD_MS);
  if (newest !== LAST) problems.push(`ended at ${newest}`);
  for (const key of KNOWN) {
    const { found } = await isolate.ask(key);
    if (found.kind !== "row" || found.stale) problems.push(`${key} is ${found.kind} at the end`);
  }
  if (isolate.rejections.length > 0) problems.push(`rejected: ${String(isolate.rejections[0])}`);
  return { reads: taken, total: reads(), problems, slowestMs, slowestWarmMs, refused: isolate.faults.length };
}

describe("a reader whose n-th read goes wrong, for every n", () => {
  it.for(Object.entries(FAULTS))(
    "holds when it %s",
    { timeout: inForm({ short: 60_000, long: 600_000 }) },
    async ([name, answer], { expect, annotate }) => {
      const well = await run({ answer, isFaulty: () => false, lastsMs: 0 });
      expect(well.problems).toEqual([]);
      expect(well.reads).toBeGreaterThan(20);
      let slowestMs = 0;
      let slowestWarmMs = 0;
      let refused = 0;
      for (let n = 1; n <= well.reads; n += 1) {
        const { problems, ...seen } = await run({ answer, isFaulty: (read) => read === n, lastsMs: 0 });
        expect({ n, problems }).toEqual({ n, problems: [] });
        slowestMs = Math.max(slowestMs, seen.slowestMs);
        slowestWarmMs = Math.max(slowestWarmMs, seen.slowestWarmMs);
        refused += seen.refused;
      }
      expect(slowestMs).toBeLessThanOrEqual(LONGEST_MS);
      expect(slowestWarmMs).toBe(0);
      await annotate(
        `the n-th of ${well.reads} reads ${name}: generation never fell, at the newest within two periods; counted ${refused} times, longest wait ${slowestMs} ms, ${slowestWarmMs} ms for known accounts when warm`,
      );
    },
  );
});

/** What all reads do from the n-th on; `half`: every second one. */
const OUTAGES: readonly (readonly [name: string, answer: keyof typeof FAULTS, half: boolean])[] = [
  ["every read throws", "throws", false],
  ["no read answers", "never answers", false],
  ["every second read takes five seconds", "is late", true],
];
const OUTAGE_MS = 600_000;
/** A refresh and a try again for every shard a period, with what a cold isolate tries first. */
const MOST_READS = (OUTAGE_MS / 24_000) * (SHARDS + 1);

describe("a reader whose KV fails from the n-th read on, for every n", () => {
  it.for(OUTAGES)(
    "holds for ten minutes and recovers by itself when %s",
    { timeout: inForm({ short: 120_000, long: 900_000 }) },
    async ([name, fault, half], { expect, annotate }) => {
      const answer = FAULTS[fault] ?? ((text) => text);
      const well = await run({ answer, isFaulty: () => false, lastsMs: OUTAGE_MS });
      let slowestMs = 0;
      let slowestWarmMs = 0;
      let most = 0;
      for (let n = 1; n <= well.reads; n += inForm({ short: 3, long: 1 })) {
        const isFaulty = (read: number): boolean => read >= n && (!half || (read - n) % 2 === 0);
        const { problems, ...seen } = await run({ answer, isFaulty, lastsMs: OUTAGE_MS });
        expect({ n, problems }).toEqual({ n, problems: [] });
        slowestMs = Math.max(slowestMs, seen.slowestMs);
        slowestWarmMs = Math.max(slowestWarmMs, seen.slowestWarmMs);
        most = Math.max(most, seen.total);
      }
      expect(slowestMs).toBeLessThanOrEqual(LONGEST_MS);
      expect(slowestWarmMs).toBe(0);
      expect(most - well.total).toBeLessThanOrEqual(MOST_READS);
      await annotate(
        `from the n-th of ${well.reads} reads on, for ten minutes, ${name}: at most ${most} reads in place of ${well.total}, longest wait ${slowestMs} ms, ${slowestWarmMs} ms for known accounts when warm, then at the newest within two periods`,
      );
    },
  );
});
