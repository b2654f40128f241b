/**
 * One isolate of the data plane for each number of accounts, in one workerd and with every shard in its memory, for rows
 * that ask an isolate itself. See `worker/isolate-entry.ts` for what it can be asked.
 */
import { makeMaps } from "./accounts.ts";
import { startEdges, type Edges } from "./edges.ts";

/** What costs are drawn over. */
export const ACCOUNT_SIZES: readonly number[] = [1000, 10_000, 100_000, 1_000_000];

const ENTRY = "scripts/bench/worker/isolate-entry.ts";
/** Nobody is asked there. */
const ORIGIN = "http://127.0.0.1:9";

export const sizeName = (accounts: number): string => `${accounts.toLocaleString("en-US")} accounts`;

export interface Isolates {
  readonly pid: number | null;
  ask(accounts: number, call: object): Promise<unknown>;
  /** What the isolate holds after a collection, in MB. */
  heldMb(accounts: number): Promise<number>;
  stop(): Promise<void>;
}

/** Maps by accounts and origin: three rows ask for the same, and a million accounts take seconds. */
const made = new Map<string, ReturnType<typeof makeMaps>>();

function mapsOf(accounts: number, origin: string): ReturnType<typeof makeMaps> {
  const name = `${accounts} ${origin}`;
  const maps = made.get(name) ?? makeMaps(accounts, origin);
  made.set(name, maps);
  return maps;
}

/** @param origin where both versions are, for what sends requests on */
export async function startIsolates(
  sizes: readonly number[],
  say: (text: string) => void,
  origin = ORIGIN,
): Promise<Isolates> {
  say(`preparing ${sizes.map(sizeName).join(", ")}`);
  const name = (accounts: number): string => `isolate-${accounts}`;
  const edges: Edges = await startEdges({
    workers: Object.fromEntries(
      sizes.map((accounts) => [name(accounts), { entry: ENTRY, maps: `maps-${accounts}` }]),
    ),
    objects: name(sizes[0] ?? 0),
    maps: Object.fromEntries(sizes.map((accounts) => [`maps-${accounts}`, mapsOf(accounts, origin).entries])),
    origin,
  });
  try {
    for (const accounts of sizes) await edges.ask(name(accounts), { call: "touch", accounts });
  } catch (error) {
    await edges.stop();
    throw error;
  }
  return {
    pid: edges.pid,
    ask: (accounts, call) => edges.ask(name(accounts), call),
    heldMb: (accounts) => edges.heldMb(name(accounts)),
    stop: () => edges.stop(),
  };
}
