/**
 * A decision, host string to version, inside workerd: classification, look-up and rules as the router runs them. `hot` asks
 * a thousand accounts again and again, `cold` so many that none is remembered as a row and each is searched in its shard;
 * `search` does that for any number of accounts, so that 1,000 and 1,000,000 can be compared on one path.
 */
import { z } from "zod";
import { isReached } from "../results.ts";
import type { Key, Measured, Numbers, Prepared, Row } from "../row.ts";
import { ACCOUNT_SIZES, sizeName, startIsolates, type Isolates } from "../world/isolates.ts";

const FEW = 1000;
const MANY = 1_000_000;
const HOT_NS = 300;
const COLD_NS = 5000;
const GROWTH = 1.5;
const HOT_TIMES = 1_000_000;
const COLD_TIMES = 200_000;

const HOT = "hot ns";
const COLD = "cold ns";
const SEARCH = "search ns";
const FLOOR = "one look-up in a Map, ns";
const AGAIN = "the same again";

const NumberSchema = z.number();

export const decisionRow: Row = {
  name: "decision",
  about: "one decision in workerd, host string to version",
  gives: ["decision.hotNs", "decision.coldNs", "decision.growth"],
  reach: "hot ≤ 0.3 µs, cold ≤ 5 µs with 1,000,000 accounts, and at most 1.5 × that of 1,000",
  async prepare(say) {
    const isolates = await startIsolates(ACCOUNT_SIZES, say);
    const round = (accounts: number) => (): Promise<Numbers> => measure(isolates, accounts);
    return {
      sides: [
        ...ACCOUNT_SIZES.map((accounts) => ({ name: sizeName(accounts), round: round(accounts) })),
        { name: AGAIN, round: round(MANY) },
      ],
      conclude,
      stop: () => isolates.stop(),
    };
  },
};

async function measure(isolates: Isolates, accounts: number): Promise<Numbers> {
  const decide = async (how: string, times: number): Promise<number> =>
    NumberSchema.parse(await isolates.ask(accounts, { call: "decide", how, accounts, times }));
  return {
    [HOT]: await decide("hot", HOT_TIMES),
    // With fewer accounts than an isolate remembers there is no cold row.
    ...(accounts > FEW * 100 ? { [COLD]: await decide("cold", COLD_TIMES) } : {}),
    [SEARCH]: await decide("search", COLD_TIMES),
    [FLOOR]: await decide("floor", HOT_TIMES),
  };
}

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const [few, many] = [sizeName(FEW), sizeName(MANY)];
  const ns = (side: string, number: string): string => measured.of(side, number).median.toFixed(0);
  const hot = measured.of(many, HOT);
  const cold = measured.of(many, COLD);
  const growth = [HOT, SEARCH]
    .map((number) => ({ number, spread: measured.ratio(number, many, few) }))
    .toSorted((a, b) => b.spread.median - a.spread.median)[0];
  if (growth === undefined) throw new Error("nothing was compared");
  const keys: readonly Key[] = [
    {
      key: "decision.hotNs",
      value: hot.median,
      spread: hot,
      limit: { most: HOT_NS },
      comparedTo: `${ns(few, HOT)} ns with 1,000 accounts; a Map alone ${ns(many, FLOOR)} ns`,
    },
    {
      key: "decision.coldNs",
      value: cold.median,
      spread: cold,
      limit: { most: COLD_NS },
      comparedTo: `${ns(few, SEARCH)} ns with 1,000 accounts, rows not remembered`,
    },
    {
      key: "decision.growth",
      value: growth.spread.median,
      spread: growth.spread,
      limit: { most: GROWTH },
      comparedTo: `1,000 accounts, the worse of hot and searched: ${ns(many, growth.number)} ÷ ${ns(few, growth.number)} ns`,
    },
  ];
  return {
    reached: keys.every((key) => isReached(key) !== false),
    said: [],
    figures: {
      "same ÷ same, hot": measured.ratio(HOT, AGAIN, many).median,
      "same ÷ same, cold": measured.ratio(COLD, AGAIN, many).median,
    },
    keys,
    growth: [
      { what: "decision, hot row (ns)", points: pointsOf(measured, HOT) },
      { what: "decision, searched in its shard (ns)", points: pointsOf(measured, SEARCH) },
    ],
  };
}

function pointsOf(measured: Measured, number: string): readonly (readonly [number, number])[] {
  return ACCOUNT_SIZES.map((accounts) => [accounts, measured.of(sizeName(accounts), number).median] as const);
}
