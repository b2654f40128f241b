/**
 * Where histories begin: a control plane that has published, in one of several states that take long to come to. Each is
 * prepared once in a thread, in a database of its own that goes back to it for every seed.
 */
import type { RolloutInput } from "../../src/contracts/api/rollouts.ts";
import type { Mixed } from "../../src/contracts/move-data.ts";
import { createRewindableDb, type RewindableDb } from "../support/control-db.ts";
import { must, VERSION, type World } from "../support/control-world.ts";
import { FRIDAY, MINUTE, prepareRollouts, quiet } from "../support/rollout-world.ts";

export const PRODUCTS = ["kiln", "fogbugz"] as const;
export const ACCOUNTS: readonly string[] = Array.from({ length: 9 }, (_unused, n) => `account-${n}`);
/** The version that replaces `1` of kiln. */
export const HOTFIX = "1.1";

export const BEGINNINGS = [
  "quiet",
  "moving",
  "windows",
  "ending",
  "mixed-never",
  "hooks",
  "replacing",
] as const;
export type BeginningName = (typeof BEGINNINGS)[number];

/** A state to begin from. */
export interface Beginning {
  readonly name: BeginningName;
  readonly db: RewindableDb;
  readonly values: ReadonlyMap<string, string>;
  readonly nowMs: number;
  /** The alarm that is set. */
  readonly wakeAt: number | null;
  /** Hooks are called before an account moves. */
  readonly hasHooks: boolean;
}

type Waves = RolloutInput["waves"];

const bake = (minutes: number): Waves[number]["bake"] => ({ minutes, requests: 0, workdays: 0 });

/** Plans that histories start, and begin with. */
export const WAVES: Readonly<Record<"steps" | "quick" | "nights" | "all", Waves>> = {
  steps: [
    { name: "staff", cohorts: ["internal"], percent: 100, percentPerMinute: 40, bake: bake(1) },
    { name: "half", cohorts: ["*"], percent: 50, percentPerMinute: 10, bake: bake(2) },
    { name: "rest", cohorts: ["*"], percent: 100, percentPerMinute: 25, approve: "before", bake: bake(1) },
  ],
  quick: [
    { name: "half", cohorts: ["*"], percent: 50, bake: bake(1) },
    { name: "rest", cohorts: ["*"], percent: 100, bake: bake(1) },
  ],
  nights: [
    { name: "third", cohorts: ["*"], percent: 34, window: "nights", percentPerMinute: 3, bake: bake(1) },
    { name: "rest", cohorts: ["*"], percent: 100, window: "nights", percentPerMinute: 7, bake: bake(1) },
  ],
  all: [{ name: "all", cohorts: ["*"], percent: 100, bake: bake(3) }],
};

/** What replacements here leave as it is. */
export const RAMP = { steps: [100], bakeMinutes: 1, throughFreezes: false };

const START = { input: { again: false } };

async function startRollout(world: World, id: string, waves: Waves): Promise<void> {
  const data = { maxFailures: 6, batch: 4, maxHoldMinutes: 20 };
  const input = { id, targets: { kiln: "2", fogbugz: "2" }, waves, data };
  await must(world, "rollout.create", { id, input });
  saltRollout(world, id, "beginning");
  await must(world, "rollout.start", { id, ...START });
  await quiet(world);
}

/** Salts are drawn by chance; in a history they must be the same every time. */
export function saltRollout({ db }: Pick<World, "db">, id: string, salt: string): void {
  db.run("UPDATE rollouts SET state = json_set(state, '$.salt', ?) WHERE id = ? AND active = 0", salt, id);
}

export function saltReplacements({ db }: Pick<World, "db">, salt: string): void {
  db.run(
    "UPDATE replacements SET state = json_set(state, '$.salt', ?) WHERE json_extract(state, '$.below') = 0",
    salt,
  );
}

async function ticks(world: World, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    world.clock.now += MINUTE;
    await world.control.tick(world.clock.now);
    await quiet(world);
  }
}

/** Both products must hold their accounts while they move. */
async function forbidMixing(world: World, mixed: Mixed, hasHooks: boolean): Promise<void> {
  for (const product of PRODUCTS) {
    const origin = `https://${product}-2.origins.example.net`;
    const hooks = {
      prepare: `${origin}/prepare`,
      verify: `${origin}/verify`,
      undo: `${origin}/undo`,
      timeoutSeconds: 5,
      concurrency: 3,
    };
    const migrates = hasHooks && product === "kiln";
    const migration = migrates ? { kind: "perAccount" as const, ...hooks } : { kind: "none" as const };
    const input = { ...VERSION, reversible: true, origin, mixed, migration };
    await must(world, "version.put", { product, version: "2", input });
  }
  await quiet(world);
}

const STEPS: Readonly<Record<BeginningName, (world: World) => Promise<void>>> = {
  quiet: () => Promise.resolve(),
  moving: async (world) => {
    await startRollout(world, "begun", WAVES.steps);
    await ticks(world, 2);
  },
  windows: async (world) => {
    world.clock.now = FRIDAY + 4 * 60 * MINUTE;
    await startRollout(world, "begun", WAVES.nights);
    await ticks(world, 1);
  },
  ending: async (world) => {
    await startRollout(world, "begun", WAVES.quick);
    await ticks(world, 1);
  },
  "mixed-never": async (world) => {
    await forbidMixing(world, "never", false);
    await startRollout(world, "begun", WAVES.all);
  },
  hooks: async (world) => {
    await forbidMixing(world, "never", true);
    await startRollout(world, "begun", WAVES.all);
  },
  replacing: async (world) => {
    const input = { ...RAMP, to: HOTFIX, percentPerMinute: 15, reason: "hotfix" };
    await must(world, "replacement.start", { product: "kiln", from: "1", input });
    saltReplacements(world, "beginning");
    await quiet(world);
    await ticks(world, 2);
  },
};

/** Prepares one. */
export async function prepareBeginning(name: BeginningName): Promise<Beginning> {
  const db = createRewindableDb();
  const world = await prepareRollouts(db, { accounts: ACCOUNTS });
  const origin = "https://kiln-1-1.origins.example.net";
  const hotfix = { ...VERSION, reversible: true, origin };
  await must(world, "version.put", { product: "kiln", version: HOTFIX, input: hotfix });
  const candidate = { state: "candidate" as const, reason: "hotfix" };
  await must(world, "version.state.set", { product: "kiln", version: HOTFIX, input: candidate });
  await quiet(world);
  await STEPS[name](world);
  db.keep();
  const { kv, clock, wakeUp } = world;
  return { name, db, values: kv.values, nowMs: clock.now, wakeAt: wakeUp.at, hasHooks: name === "hooks" };
}

/** Versions of a product must not be mixed. */
export function isNeverMixed({ name }: Beginning): boolean {
  return name === "mixed-never" || name === "hooks";
}
