/**
 * What an isolate asks of KV, by a clock that is moved on: a minute of Zipf requests over 1,000,000 accounts when every
 * shard is in memory, and a flood of names that nobody has. Peers: what the same minute costs when each request reads its
 * account's key, which is how a router without shards would do it, and the same isolate asked for known accounts alone.
 */
import { z } from "zod";
import { isReached } from "../results.ts";
import type { Key, Measured, Numbers, Prepared, Row } from "../row.ts";
import { sizeName, startIsolates } from "../world/isolates.ts";

const ACCOUNTS = 1_000_000;
const FEW = 1000;
const MINUTES = 60;
const PER_MINUTE = 1000;
/** One read of `root` every 30 s, give or take a fifth. */
const REFRESHES_A_MINUTE = 2;
const SPREAD = 1.2;

const OPERATIONS = "KV operations a minute";
const BEYOND = "of that not the root";
const REQUESTS = "requests a minute";

const SIDES = {
  zipf: `known accounts by Zipf, ${sizeName(ACCOUNTS)}`,
  unknown: `names that nobody has, ${sizeName(ACCOUNTS)}`,
  few: `known accounts by Zipf, ${sizeName(FEW)}`,
} as const;

const MinutesSchema = z.object({ operations: z.number(), root: z.number(), requests: z.number() });

export const kvRow: Row = {
  name: "kv",
  about: `KV operations of one warm isolate, ${MINUTES} simulated minutes a round`,
  gives: ["kvOpsPerIsolateMinute", "kvReadsUnknownFlood"],
  reach: "the root's two a minute and nothing else, whoever is asked for",
  async prepare(say) {
    const isolates = await startIsolates([ACCOUNTS, FEW], say);
    const round = (accounts: number, hosts: "zipf" | "unknown") => async (): Promise<Numbers> => {
      const call = { call: "minutes", minutes: MINUTES, hosts, accounts, perMinute: PER_MINUTE };
      const { operations, root, requests } = MinutesSchema.parse(await isolates.ask(accounts, call));
      return {
        [OPERATIONS]: operations / MINUTES,
        [BEYOND]: (operations - root) / MINUTES,
        [REQUESTS]: requests / MINUTES,
      };
    };
    return {
      sides: [
        { name: SIDES.zipf, round: round(ACCOUNTS, "zipf") },
        { name: SIDES.unknown, round: round(ACCOUNTS, "unknown") },
        { name: SIDES.few, round: round(FEW, "zipf") },
      ],
      conclude,
      stop: () => isolates.stop(),
    };
  },
};

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const operations = measured.of(SIDES.zipf, OPERATIONS);
  const flood = measured.of(SIDES.unknown, BEYOND);
  const few = measured.of(SIDES.few, OPERATIONS).median.toFixed(2);
  const keys: readonly Key[] = [
    {
      key: "kvOpsPerIsolateMinute",
      value: operations.median,
      spread: operations,
      limit: { most: REFRESHES_A_MINUTE * SPREAD },
      comparedTo: `${few} with 1,000 accounts; ${PER_MINUTE} when every request reads its account's key`,
    },
    {
      key: "kvReadsUnknownFlood",
      value: flood.median * MINUTES,
      spread: flood,
      limit: { most: 0 },
      comparedTo: `${measured.of(SIDES.zipf, BEYOND).median * MINUTES} for known accounts in as many requests; ${PER_MINUTE * MINUTES} when every name is read`,
    },
  ];
  return { reached: keys.every((key) => isReached(key) !== false), said: [], figures: {}, keys };
}
