/**
 * An import of 1,000,000 accounts into a fresh local instance, through the admin API as a file would be, and the publish
 * after it: until the last shard and the root that names it are in KV. Peers: a tenth and a thousandth of the accounts in an
 * instance of their own, and nginx and HAProxy started on a map of as many. Memory: what the isolate of the control plane
 * holds after a collection, every few seconds of the first round, and the resident size of workerd, which has KV and every
 * cache of SQLite in it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import { startInstance, type Instance } from "../../local/instance.ts";
import { ADMIN_TOKEN } from "../../local/options.ts";
import { residentMb, watchMemory } from "../../local/memory.ts";
import { isReached } from "../results.ts";
import type { Key, Measured, Numbers, Prepared, Row } from "../row.ts";
import { homeOf, slugOf } from "../world/accounts.ts";
import { sizeName } from "../world/isolates.ts";
import { startHaProxyRouter, startNginxRouter, type Peer, type PeerOptions } from "../world/peers.ts";
import { HOST } from "../world/process.ts";

const MANY = 1_000_000;
const SIZES: readonly number[] = [1000, 100_000, MANY];
const MOST_IMPORT_S = 60;
const MOST_PUBLISH_S = 30;
const PUBLISHED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 50;
/** A collection stops the isolate for as long as it takes, together an eighth of an import: so it is one round that has them. */
const COLLECT_EVERY_MS = 2000;
const ZONES = ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"];

const IMPORT = "import s";
const PUBLISH = "publish s";
const GROWN = "MB grown";
const HELD = "MB held more";
const START = "start s";

export const importRow: Row = {
  name: "import",
  about: "an import into a fresh instance through the admin API, and the publish after it",
  gives: ["import1mSeconds", "publish1mSeconds"],
  reach: `1,000,000 accounts in at most ${MOST_IMPORT_S} s, published in at most ${MOST_PUBLISH_S} s more`,
  warmUp: false,
  prepare: () =>
    Promise.resolve({
      sides: [
        ...SIZES.map((accounts) => ({ name: sizeName(accounts), round: createRounds(accounts) })),
        { name: "nginx, 1,000,000 accounts", round: () => measurePeer(startNginxRouter) },
        { name: "HAProxy, 1,000,000 accounts", round: () => measurePeer(startHaProxyRouter) },
      ],
      conclude,
      stop: () => Promise.resolve(),
    }),
};

async function measurePeer(start: (options: PeerOptions) => Promise<Peer>): Promise<Numbers> {
  const from = performance.now();
  const peer = await start({ accounts: MANY, origin: 9 });
  const seconds = (performance.now() - from) / 1000;
  await peer.stop();
  return { [START]: seconds };
}

const StatusSchema = z.looseObject({
  accounts: z.number(),
  published: z.looseObject({ state: z.string(), waiting: z.number() }),
});

function createRounds(accounts: number): () => Promise<Numbers> {
  let rounds = 0;
  return () => measure(accounts, (rounds += 1) === 1);
}

async function measure(accounts: number, watched: boolean): Promise<Numbers> {
  const state = mkdtempSync(join(tmpdir(), "firebreak-import-"));
  const instance = await startInstance({
    port: 0,
    nodes: 1,
    state,
    bare: true,
    tick: false,
    trustedProxy: 0,
    inspected: watched,
  });
  let watch: NodeJS.Timeout | undefined;
  try {
    await prepareProduct(instance);
    const before = residentMb();
    let most = before;
    watch = setInterval(() => (most = Math.max(most, residentMb())), LOOK_EVERY_MS);
    const held = watched ? await watchHeld(instance) : null;
    const from = performance.now();
    await send(instance, accounts);
    const imported = performance.now();
    await published(instance, accounts);
    const done = performance.now();
    return {
      [IMPORT]: (imported - from) / 1000,
      [PUBLISH]: (done - imported) / 1000,
      [GROWN]: most - before,
      ...(held === null ? {} : { [HELD]: await held.stop() }),
    };
  } finally {
    clearInterval(watch);
    await instance.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

/** What the isolate holds, again and again. `stop` gives the most beyond what it held at first, in MB. */
async function watchHeld({ nodes }: Instance): Promise<{ readonly stop: () => Promise<number> }> {
  const faults: string[] = [];
  const before = await nodes.heldMb(1);
  const held = watchMemory(1, {
    measure: (node) => nodes.heldMb(node),
    everyMs: COLLECT_EVERY_MS,
    onFault: (fault) => faults.push(fault),
  });
  return {
    async stop() {
      await held.stop();
      if (faults.length > 0) throw new Error(faults.join("; "));
      return Math.max(...(held.memory.held[0] ?? []).map(({ value }) => value)) - before;
    },
  };
}

async function prepareProduct({ admin }: Instance): Promise<void> {
  const origin = "http://127.0.0.1:9";
  await admin.must({ method: "PUT", path: "products/kiln", body: { domains: ["kiln.localhost"] } });
  for (const version of ["1", "2"]) {
    const body = { origin, reversible: true, mixed: "ok" };
    await admin.must({ method: "PUT", path: `products/kiln/versions/${version}`, body });
  }
}

function* lines(accounts: number): Generator<string> {
  for (let from = 0; from < accounts; from += 1000) {
    const some = Array.from({ length: Math.min(1000, accounts - from) }, (_, index) => {
      const number = from + index;
      return JSON.stringify({
        account: slugOf(number),
        timeZone: ZONES[number % ZONES.length],
        cohort: `c${homeOf(number)}`,
      });
    });
    yield `${some.join("\n")}\n`;
  }
}

/** Streams the lines and reads the events, as the command line does. @throws unless all were added */
async function send({ ports }: Instance, accounts: number): Promise<void> {
  let last = "";
  await new Promise<void>((resolve, reject) => {
    const outgoing = request(
      {
        host: HOST,
        port: ports[0],
        method: "POST",
        path: `/api/v1/accounts/import?mode=import&dryRun=false&id=bench-${accounts}`,
        headers: {
          Host: "localhost",
          Authorization: `Bearer ${ADMIN_TOKEN}`,
          "Content-Type": "application/x-ndjson",
        },
      },
      (answer) => {
        answer.on("data", (chunk: Buffer) => (last = (last + chunk.toString()).slice(-2000)));
        answer.on("end", () => resolve());
        answer.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    Readable.from(lines(accounts)).pipe(outgoing);
  });
  if (!last.includes(`"added":${accounts}`)) throw new Error(`the import ended with ${last}`);
}

async function published({ admin }: Instance, accounts: number): Promise<void> {
  const until = Date.now() + PUBLISHED_WITHIN_MS;
  while (Date.now() < until) {
    const status = StatusSchema.parse(await admin.must({ method: "GET", path: "status" }));
    const { state, waiting } = status.published;
    if (state === "idle" && waiting === 0 && status.accounts === accounts) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`${accounts} accounts were not published in ${PUBLISHED_WITHIN_MS} ms`);
}

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const of = (accounts: number, number: string): number => measured.of(sizeName(accounts), number).median;
  const points = (number: string): readonly (readonly [number, number])[] =>
    SIZES.map((accounts) => [accounts, of(accounts, number)] as const);
  const key = (name: string, number: string, most: number): Key => ({
    key: name,
    value: of(MANY, number),
    spread: measured.of(sizeName(MANY), number),
    limit: { most },
    comparedTo: `${of(MANY / 10, number).toFixed(2)} s with 100,000 accounts; a start on a map of 1,000,000: nginx ${measured.of("nginx, 1,000,000 accounts", START).median.toFixed(1)} s, HAProxy ${measured.of("HAProxy, 1,000,000 accounts", START).median.toFixed(1)} s`,
  });
  const keys = [
    key("import1mSeconds", IMPORT, MOST_IMPORT_S),
    key("publish1mSeconds", PUBLISH, MOST_PUBLISH_S),
  ];
  return {
    reached: keys.every((each) => isReached(each) !== false),
    said: [
      `the isolate held ${of(MANY, HELD).toFixed(1)} MB more at most with 1,000,000 accounts, ${of(MANY / 10, HELD).toFixed(1)} MB with 100,000`,
      `workerd grew by ${of(MANY, GROWN).toFixed(0)} MB with 1,000,000 accounts, by ${of(MANY / 10, GROWN).toFixed(0)} MB with 100,000`,
    ],
    figures: {},
    keys,
    growth: [
      { what: "import (s)", points: points(IMPORT) },
      { what: "publish after an import (s)", points: points(PUBLISH) },
    ],
  };
}
