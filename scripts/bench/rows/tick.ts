/**
 * What a tick of a running rollout costs: its accounts may grow as they like, its groups are what it pays for. Every tick
 * moves accounts of every group (a pace, and a window that is open in each account's own zone). Counted beside the time:
 * the rows that SQLite had to read, which no busy machine changes, and workerd's processor time, which one changes less. A tick that is older than the clock does nothing, and
 * shows what a call costs by itself.
 */
import type { Measured, Prepared, Row } from "../row.ts";
import { startTickWorld, type TickWorld } from "../tick-world.ts";

const FEW = 1000;
const MANY = 100_000;
const MOST = 1_000_000;
/** Design §5: the most groups there are. With 1,000 accounts there cannot be more than 1,000. */
const GROUPS = 2000;
/** Design §9, with 2,000 groups. */
const REACH_MS = 50;
const TICKS_A_ROUND = 5;

const SIDES = {
  few: { name: "1,000 accounts, 1,000 groups", accounts: FEW, groups: FEW },
  control: { name: "the same again", accounts: FEW, groups: FEW },
  many: { name: "100,000 accounts, 1,000 groups", accounts: MANY, groups: FEW },
  alone: { name: "2,000 accounts, 2,000 groups", accounts: GROUPS, groups: GROUPS },
  whole: { name: "1,000,000 accounts, 2,000 groups", accounts: MOST, groups: GROUPS },
} as const;

export const tickRow: Row = {
  name: "tick",
  about: "a tick of a running rollout that moves accounts of every group",
  reach: `at most ${REACH_MS} ms of work with 2,000 groups, and as many rows read for 100,000 accounts as for 1,000`,
  gives: ["tickMs"],
  prepare,
};

async function prepare(say: (text: string) => void): Promise<Prepared> {
  const worlds: TickWorld[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(worlds.map((world) => world.stop())));
  try {
    for (const { name, accounts, groups } of Object.values(SIDES)) {
      say(`preparing ${name}`);
      worlds.push(await startTickWorld({ accounts, groups }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const sides = Object.values(SIDES).map(({ name }, index) => {
    const world = worlds[index];
    return { name, round: async () => (await world?.ticks(TICKS_A_ROUND)) ?? {} };
  });
  return { sides, conclude, stop };
}

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const of = (side: keyof typeof SIDES, number: string): number =>
    measured.of(SIDES[side].name, number).median;
  const ratio = (side: keyof typeof SIDES, to: keyof typeof SIDES): number =>
    of(side, "work ms") / of(to, "work ms");
  const figures = {
    "100,000 ÷ 1,000 accounts, 1,000 groups": ratio("many", "few"),
    "1,000,000 ÷ 2,000 accounts, 2,000 groups": ratio("whole", "alone"),
    "same ÷ same": ratio("control", "few"),
    "rows read, 100,000 − 1,000 accounts": of("many", "rows read") - of("few", "rows read"),
    "rows read, 1,000,000 − 2,000 accounts": of("whole", "rows read") - of("alone", "rows read"),
    "work ms with 1,000,000 accounts and 2,000 groups": of("whole", "work ms"),
  };
  const sameRows =
    figures["rows read, 100,000 − 1,000 accounts"] <= 0 &&
    figures["rows read, 1,000,000 − 2,000 accounts"] <= 0;
  const inTime = of("whole", "work ms") <= REACH_MS;
  return {
    reached: sameRows && inTime,
    said: [
      sameRows
        ? "a hundred and five hundred times the accounts: not one row more is read"
        : "more accounts: more rows are read, so a tick reads accounts",
      `with 1,000,000 accounts and 2,000 groups a tick is ${of("whole", "work ms").toFixed(1)} ms of work${inTime ? "" : `, more than ${REACH_MS}`}`,
    ],
    figures,
    keys: [
      {
        key: "tickMs",
        value: of("whole", "work ms"),
        limit: { most: REACH_MS },
        spread: measured.of(SIDES.whole.name, "work ms"),
        comparedTo: `${of("alone", "work ms").toFixed(1)} ms with ${SIDES.alone.name}`,
      },
    ],
  };
}
