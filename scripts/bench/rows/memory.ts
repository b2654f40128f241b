/**
 * What an isolate holds when every shard of its maps was asked for: live heap and external memory after a collection, by
 * workerd's inspector. Peers: the same isolate before it has read anything, and with fewer accounts. The resident size of
 * the whole process, with all isolates and the KV of the measurement in it, is shown beside; V8 gives little of it back.
 */
import { readFileSync } from "node:fs";
import { isReached } from "../results.ts";
import type { Key, Measured, Numbers, Prepared, Row } from "../row.ts";
import { ACCOUNT_SIZES, sizeName, startIsolates, type Isolates } from "../world/isolates.ts";

const MANY = 1_000_000;
const MOST_MB = 40;

const HELD = "MB held";
const EMPTY = "MB before any shard";
const RSS = "MB resident, whole process";

export const memoryRow: Row = {
  name: "memory",
  about: "live memory of an isolate with every shard touched",
  gives: ["memoryMb1m"],
  reach: `at most ${MOST_MB} MB with 1,000,000 accounts`,
  async prepare(say) {
    const isolates = await startIsolates(ACCOUNT_SIZES, say);
    const sides = ACCOUNT_SIZES.map((accounts) => ({
      name: sizeName(accounts),
      round: () => measure(isolates, accounts),
    }));
    return { sides, conclude, stop: () => isolates.stop() };
  },
};

async function measure(isolates: Isolates, accounts: number): Promise<Numbers> {
  await isolates.ask(accounts, { call: "forget" });
  const empty = await isolates.heldMb(accounts);
  await isolates.ask(accounts, { call: "touch", accounts });
  const held = await isolates.heldMb(accounts);
  // Elsewhere the next isolate would be measured beside a full one.
  await isolates.ask(accounts, { call: "forget" });
  return { [HELD]: held, [EMPTY]: empty, ...residentMb(isolates.pid) };
}

function residentMb(pid: number | null): Numbers {
  if (pid === null) return {};
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return kb === undefined ? {} : { [RSS]: Number(kb) / 1024 };
}

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const held = measured.of(sizeName(MANY), HELD);
  const few = measured.of(sizeName(1000), HELD).median.toFixed(1);
  const key: Key = {
    key: "memoryMb1m",
    value: held.median,
    spread: held,
    limit: { most: MOST_MB },
    comparedTo: `${measured.of(sizeName(MANY), EMPTY).median.toFixed(1)} MB of the same isolate before any shard; ${few} MB with 1,000 accounts`,
  };
  const points = ACCOUNT_SIZES.map(
    (accounts) => [accounts, measured.of(sizeName(accounts), HELD).median] as const,
  );
  return {
    reached: isReached(key),
    said: [],
    figures: {},
    keys: [key],
    growth: [{ what: "memory of an isolate (MB)", points }],
  };
}
