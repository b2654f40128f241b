/**
 * The first request of a cold isolate: the whole router made anew in a running workerd, asked for one account, its KV
 * operations counted. Peer: its second request, and the first with 1,000 accounts, whose index lies in the root.
 */
import { z } from "zod";
import { isReached } from "../results.ts";
import type { Key, Measured, Numbers, Prepared, Row } from "../row.ts";
import { sizeName, startIsolates } from "../world/isolates.ts";
import { startOrigin } from "../world/peers.ts";
import { HOST } from "../world/process.ts";

const ACCOUNTS = 1_000_000;
const FEW = 1000;
const MOST = 3;
/** A cold start is quick, and each is another account's. */
const ROUNDS = 9;

const FIRST = "KV operations of the first request";
const SECOND = "of the second";
const MS = "ms of the first";

const ColdSchema = z.object({ first: z.number(), second: z.number(), ms: z.number() });

export const coldStartRow: Row = {
  name: "cold-start",
  about: "the first requests of a cold isolate",
  gives: ["coldStartKvReads"],
  rounds: ROUNDS,
  reach: `at most ${MOST} KV operations`,
  async prepare(say) {
    const origin = await startOrigin();
    try {
      const isolates = await startIsolates([ACCOUNTS, FEW], say, `http://${HOST}:${origin.port}`);
      const round = (accounts: number) => async (): Promise<Numbers> => {
        const { first, second, ms } = ColdSchema.parse(
          await isolates.ask(accounts, { call: "cold", accounts }),
        );
        return { [FIRST]: first, [SECOND]: second, [MS]: ms };
      };
      return {
        sides: [ACCOUNTS, FEW].map((accounts) => ({ name: sizeName(accounts), round: round(accounts) })),
        conclude,
        stop: async () => {
          await isolates.stop();
          await origin.stop();
        },
      };
    } catch (error) {
      await origin.stop();
      throw error;
    }
  },
};

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const first = measured.of(sizeName(ACCOUNTS), FIRST);
  const second = measured.of(sizeName(ACCOUNTS), SECOND).median;
  const key: Key = {
    key: "coldStartKvReads",
    // The most of all rounds: a bound is none when half of the starts break it.
    value: first.highest,
    spread: first,
    limit: { most: MOST },
    comparedTo: `${second} of the second request; ${measured.of(sizeName(FEW), FIRST).median} with 1,000 accounts`,
  };
  return { reached: isReached(key), said: [], figures: {}, keys: [key] };
}
