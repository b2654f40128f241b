/**
 * The place of a race: the control plane over a database that is set back to the same start for every race, with gates
 * where a tick asks KV and where a version's probes wait for their answer. Carries out one operation at a time, each to
 * where nothing goes on by itself. Also what a race came to: tables, decisions, root. Used by race.ts alone.
 */
import { BREAK_GLASS_KEY } from "../../src/contracts/maps.ts";
import type { ExchangePort, RawExchange } from "../../src/contracts/preflight.ts";
import type { Refusal } from "../../src/contracts/problems.ts";
import type { Result } from "../../src/contracts/result.ts";
import type { Db } from "../../src/control/db.ts";
import { readCounter, writeCounter } from "../../src/control/store/meta.ts";
import {
  contextOf,
  createFakeClock,
  createFakeKv,
  createWorld,
  decide,
  must,
  readMaps,
  type FakeKv,
  type World,
} from "./control-world.ts";
import { ROLLOUT, type Intent, type Resource } from "./race-script.ts";
import { FRIDAY, healthy, MINUTE, prepareRollouts, quiet } from "./rollout-world.ts";

export const ACCOUNTS = Array.from({ length: 12 }, (_unused, n) => `account-${n}`);
/** Turns of the microtask queue after which everything that waits for no gate has happened. */
const TURNS = 250;

/** A world to race in, kept in the database itself so that it can be gone back to. */
export interface Start {
  readonly db: Db;
  readonly kv: ReadonlyMap<string, string>;
  readonly tables: readonly string[];
  /** Tables that hold nothing at the start. */
  readonly empty: ReadonlySet<string>;
  readonly nowMs: number;
}

export type Operation =
  | {
      readonly kind: "command";
      readonly who: string;
      readonly intent: Intent;
      readonly ifMatch: number | null;
      readonly key: string;
    }
  | { readonly kind: "tick"; readonly at: number }
  | { readonly kind: "alarm"; readonly at: number }
  | { readonly kind: "answer"; readonly host: string; readonly well: boolean };

/** A rollout of both products under way, its first wave being moved. */
export async function prepareRace(db: Db): Promise<Start> {
  const world = await prepareRollouts(db, { accounts: ACCOUNTS });
  const input = {
    id: ROLLOUT,
    targets: { kiln: "2", fogbugz: "2" },
    waves: [
      {
        name: "staff",
        cohorts: ["internal"],
        percent: 100,
        percentPerMinute: 20,
        bake: { minutes: 5, requests: 0, workdays: 0 },
      },
      { name: "half", cohorts: ["*"], percent: 50, percentPerMinute: 5, approve: "before" as const },
      { name: "rest", cohorts: ["*"], percent: 100 },
    ],
    default: {
      move: true,
      afterDays: 0,
      mirror: null,
      window: [{ days: ["fri" as const], from: "00:00", to: "23:59", zone: "UTC" }],
      bake: { minutes: 10, requests: 0 },
    },
  };
  await must(world, "rollout.create", { id: ROLLOUT, input });
  // Drawn by chance, and the same chance every time.
  db.run("UPDATE rollouts SET state = json_set(state, '$.salt', 'race')");
  await must(world, "rollout.start", { id: ROLLOUT, input: { again: false } });
  await quiet(world);
  await world.control.tick(FRIDAY + MINUTE);
  await quiet(world);
  const tables = db
    .rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .map(({ name }) => String(name))
    .filter((name) => !/^(?:_cf_|sqlite_)/.test(name));
  for (const table of tables) db.run(`CREATE TABLE before_${table} AS SELECT * FROM ${table}`);
  const empty = new Set(
    tables.filter((table) => db.rows(`SELECT 1 FROM before_${table} LIMIT 1`).length === 0),
  );
  return { db, kv: new Map(world.kv.values), tables, empty, nowMs: world.clock.now };
}

export interface Gate {
  /** Host of a version, or null: a tick asks KV. */
  readonly host: string | null;
  open(well: boolean): void;
}

/** The control plane at the start, with its gates. In a replay ticks wait for nothing. */
export interface Arena extends World {
  readonly isReplay: boolean;
  readonly gates: Gate[];
  tick(at: number): void;
}

export function enter(start: Start, { isReplay }: { readonly isReplay: boolean }): Arena {
  const { db } = start;
  for (const table of start.tables) {
    db.run(`DELETE FROM ${table}`);
    if (!start.empty.has(table)) db.run(`INSERT INTO ${table} SELECT * FROM before_${table}`);
  }
  const gates: Gate[] = [];
  const wait = async (host: string | null): Promise<boolean> =>
    new Promise((resolve) => gates.push({ host, open: resolve }));
  const exchange: ExchangePort = async (request) =>
    (await wait(request.host)) ? healthy(request) : broken(request);
  // Ticks that have come and have not asked KV yet: theirs is the next look at the break-glass document.
  let asking = 0;
  const plain = createFakeKv(new Map(start.kv));
  const kv: FakeKv = {
    ...plain,
    get: async (key) => {
      if (asking > 0 && key === BREAK_GLASS_KEY) {
        asking -= 1;
        await wait(null);
      }
      return plain.get(key);
    },
  };
  const clock = createFakeClock(start.nowMs);
  const world = createWorld({ db, kv, clock, preflight: { exchange, routerHeader: null } });
  return {
    ...world,
    isReplay,
    gates,
    tick(at) {
      if (!isReplay && at > readCounter(db, "clock")) asking += 1;
      // What goes wrong in a tick shows in what becomes of it; nobody waits for it here.
      void world.control.tick(at);
    },
  };
}

const broken: ExchangePort = async (): Promise<RawExchange> => ({
  end: "complete",
  fault: null,
  detail: "",
  received: new TextEncoder().encode("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
  ms: 5,
});

/** Lets everything happen that waits for no gate. */
export async function flush(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
}

/** Carries out one operation alone. @returns the answer of a command. */
export async function carryOut(arena: Arena, operation: Operation): Promise<Result<unknown, Refusal> | null> {
  let answer: Result<unknown, Refusal> | null = null;
  switch (operation.kind) {
    case "command": {
      const { who, ifMatch, key, intent } = operation;
      const actor = { name: who, role: "admin", products: null } as const;
      answer = await intent.send(arena.control, contextOf("admin", { actor, ifMatch, idempotencyKey: key }));
      break;
    }
    case "tick":
      arena.tick(operation.at);
      break;
    case "alarm":
      arena.clock.now = operation.at;
      // When cron last came depends on when a tick came, not on when it took effect; the alarm's own tick is in the history.
      if (arena.isReplay) writeCounter(arena.db, "tick_received", operation.at);
      arena.wakeUp.at = null;
      void arena.control.alarm();
      break;
    case "answer":
      await answerAll(arena, operation);
      break;
  }
  await flush();
  return answer;
}

/** A version answers all that it was asked, and what it is asked next. */
async function answerAll(
  { gates }: Arena,
  { host, well }: { readonly host: string; readonly well: boolean },
): Promise<void> {
  for (;;) {
    const mine = gates.filter((gate) => gate.host === host);
    if (mine.length === 0) return;
    for (const gate of mine) {
      gates.splice(gates.indexOf(gate), 1);
      gate.open(well);
    }
    await flush();
  }
}

/** Where each kind of resource keeps its revision. */
const REVISIONS = {
  rollout: "SELECT revision FROM rollouts WHERE id = ?",
  account: "SELECT revision FROM accounts WHERE slug = ?",
  freeze: "SELECT revision FROM freezes WHERE name = ?",
  product: "SELECT revision FROM products WHERE name = ?",
} as const;

/** Revision of a resource, 0 when it is not there. */
export function revisionOf({ db }: Arena, { kind, name }: Resource): number {
  return Number(db.rows(REVISIONS[kind], name)[0]?.["revision"] ?? 0);
}

/**
 * Numbers of changes, of roots and of shards are given out as work comes by, also for work that changes nothing, and marks
 * say when a tick first asked the meters: they tell nothing of what became of anything. What was published is compared by
 * what it decides.
 */
const BOOKKEEPING = /^(?:outbox|roots|objects|meta|history_(?:roots|shards)|observation.*)$/;
const COUNTED = new Set(["clock", "accounts", "domains", "override_epoch", "shard_count"]);

/** Every table as text, but for what only counts or only tells when something was looked at; and what is published. */
export function dump({ tables }: Start, { db, kv }: Arena): Readonly<Record<string, string>> {
  const kept = tables.filter((table) => !BOOKKEEPING.test(table));
  const dumped = kept.map((table): readonly [string, string] => {
    const rows = db
      .rows(`SELECT * FROM ${table}`)
      .filter((row) => table !== "counters" || COUNTED.has(String(row["name"])))
      .map((row) =>
        JSON.stringify(
          Object.entries(row)
            .filter(([name]) => !/_?seq$/.test(name) || table === "audit")
            .map(plain),
        ),
      );
    return [table, rows.toSorted((left, right) => (left < right ? -1 : 1)).join("\n")];
  });
  const maps = readMaps(kv.values);
  const decisions = ACCOUNTS.flatMap((account) =>
    ["kiln", "fogbugz"].map((product) => `${account} ${product}: ${decide(maps, product, account)}`),
  );
  const { products, rollouts, halt } = maps.root;
  return {
    ...Object.fromEntries(dumped),
    decisions: decisions.join("\n"),
    root: JSON.stringify({ products, rollouts, halt }),
  };
}

function plain([name, value]: readonly [string, unknown]): readonly [string, unknown] {
  return [
    name,
    value instanceof ArrayBuffer || value instanceof Uint8Array ? [...new Uint8Array(value)] : value,
  ];
}
