/**
 * A week of the demo world: both products are moved from a Friday on, staff first, then forty percent, then the rest, each
 * account in a weekend night of its own zone, and the default of each product last and alone, in working hours. Driven by
 * the command line, tick by tick. After every tick the published maps are read whole: who moved, when it was there, how
 * often KV was written; and 500 accounts are asked for by `explain` and through the front socket.
 *
 * The year is far away so that only ticks let time pass, and it is the weekend on which North America's clocks go back:
 * an hour of that night comes twice. Wall clocks are judged by `Intl`, which the router does not use.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { createDemoAccounts } from "../../scripts/local/demo/accounts.ts";
import type { OpenMaps } from "../../scripts/cli/maps-dump.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { ProductSchema } from "../../src/contracts/api/products.ts";
import { RolloutPlanSchema, type RolloutPlanAnswer } from "../../src/contracts/api/rollout-plan.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { bucketOf } from "../../src/core/bucket.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { createOperator, versionOf, type Operator } from "../support/local-operator.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const ID = "2030-11-autumn";
const PLAN = `{
  "id": "${ID}",
  "targets": { "kiln": "2.9.1", "fogbugz": "8.8.0" },
  "waves": [
    { "name": "staff", "cohorts": ["internal"], "percent": 100, "window": "weekend-nights", "bake": { "minutes": 60 } },
    { "name": "forty", "cohorts": ["*"], "percent": 40, "window": "weekend-nights", "percentPerMinute": 2,
      "bake": { "minutes": 60 } },
    { "name": "rest", "cohorts": ["*"], "percent": 100, "window": "weekend-nights", "approve": "before",
      "bake": { "workdays": 1 } },
  ],
  "default": { "move": true, "afterDays": 1, "approve": "before", "bake": { "minutes": 60 },
    "window": { "days": ["mon", "tue", "wed", "thu"], "from": "10:00", "to": "15:00", "zone": "America/New_York" } },
}`;
const PRODUCTS = ["kiln", "fogbugz"] as const;
const OLD: Readonly<Record<string, string>> = { kiln: "2.8.0", fogbugz: "8.7.0" };
const NEW: Readonly<Record<string, string>> = { kiln: "2.9.1", fogbugz: "8.8.0" };
const ASKED = 500;
/** The window: Friday, Saturday and Sunday, 20:00 to 06:00. */
const OPENS = 20;
const CLOSES = 6;

const accounts = createDemoAccounts();
const internal = accounts.filter(({ cohort }) => cohort === "internal");
/** All of the staff, and of the others some of every part of the list. */
const asked = [
  ...internal,
  ...accounts
    .filter(({ cohort }) => cohort !== "internal")
    .filter((_, index, { length }) => index % Math.floor(length / (ASKED - internal.length)) === 0)
    .slice(0, ASKED - internal.length),
];
const clocks = new Map<string, Intl.DateTimeFormat>();

/** Whether the wall clock of a zone shows a weekend night. */
function isWeekendNight(zone: string, atMs: number): boolean {
  const options = { timeZone: zone, weekday: "short", hour: "2-digit", hourCycle: "h23" } as const;
  const clock = clocks.get(zone) ?? new Intl.DateTimeFormat("en-US", options);
  clocks.set(zone, clock);
  const parts = new Map(clock.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const hour = Number(parts.get("hour"));
  const day = parts.get("weekday") ?? "";
  if (hour >= OPENS) return ["Fri", "Sat", "Sun"].includes(day);
  return hour < CLOSES && ["Sat", "Sun", "Mon"].includes(day);
}

type Account = (typeof accounts)[number];
const hostsOf = ({ account, products }: Account): readonly string[] =>
  (products ?? []).map((product) => `${account}.${product}.localhost`);

/** Who moves at a step: accounts of a wave, by its index, or the default of a product. */
type Mover = number | (typeof PRODUCTS)[number] | null;

/** A tick or a yes, and what must have come of it. */
interface Step {
  /** Time of the tick; left out where a person says yes, at the time of the last tick. */
  readonly at?: string;
  readonly approve?: string;
  readonly phase: RolloutView["phase"];
  readonly moves: Mover;
  /** The wave of this index has moved everybody by then. */
  readonly done?: number;
}

const STEPS: readonly Step[] = [
  { at: "2030-11-01T05:01:00Z", phase: "waiting", moves: null },
  { at: "2030-11-01T14:00:00Z", phase: "waiting", moves: 0 },
  { at: "2030-11-01T22:00:00Z", phase: "waiting", moves: 0 },
  { at: "2030-11-02T06:30:00Z", phase: "baking", moves: 0, done: 0 },
  { at: "2030-11-02T14:00:00Z", phase: "shifting", moves: 1 },
  { at: "2030-11-02T14:30:00Z", phase: "shifting", moves: 1 },
  { at: "2030-11-02T22:00:00Z", phase: "shifting", moves: 1 },
  { at: "2030-11-02T22:30:00Z", phase: "shifting", moves: 1 },
  { at: "2030-11-03T06:30:00Z", phase: "shifting", moves: 1 },
  { at: "2030-11-03T07:00:00Z", phase: "baking", moves: 1, done: 1 },
  { at: "2030-11-03T08:05:00Z", phase: "awaiting-approval", moves: null },
  // The night is not over everywhere, so a yes takes effect at once.
  { approve: "rest", phase: "waiting", moves: 2 },
  { at: "2030-11-03T14:00:00Z", phase: "waiting", moves: 2 },
  { at: "2030-11-03T22:00:00Z", phase: "baking", moves: 2, done: 2 },
  { at: "2030-11-05T03:05:00Z", phase: "default-pending", moves: null },
  { at: "2030-11-06T03:10:00Z", phase: "default-pending", moves: null },
  { approve: "default/fogbugz", phase: "default-pending", moves: null },
  { at: "2030-11-06T15:05:00Z", phase: "default-baking", moves: "fogbugz" },
  { at: "2030-11-06T16:10:00Z", phase: "default-pending", moves: null },
  { approve: "default/kiln", phase: "default-baking", moves: "kiln" },
];
const END = "2030-11-06T17:20:00Z";

let instance: Instance;
let operator: Operator;
let state = "";
let folder = "";
let plan: RolloutPlanAnswer;
let nowMs = 0;
/** Slugs that have moved, and defaults, as of the last step. */
let moved: ReadonlySet<string> = new Set();
let defaults: Readonly<Record<string, string>> = OLD;
let written: Readonly<Record<string, number>> = {};
let looks = 0;

beforeAll(async () => {
  state = makeStateFolder();
  folder = mkdtempSync(join(tmpdir(), "firebreak-week-"));
  writeFileSync(join(folder, "autumn.jsonc"), PLAN);
  instance = await startTestInstance({ nodes: 1, state });
  operator = createOperator(instance, { state, folder });
});
afterAll(async () => {
  operator?.stop();
  await instance?.stop();
  for (const each of [state, folder]) rmSync(each, { recursive: true, force: true });
});

/** Whether the plan names an account for the waves up to this one: by cohort, or by a bucket below the threshold. */
function isNamed({ account, cohort }: Account, wave: number): boolean {
  const below = bucketOf(plan.salt ?? "", account) < (plan.waves[wave]?.threshold ?? 0);
  return cohort === "internal" || (wave > 0 && below);
}

/** Enough of a list to see what is wrong. */
const some = (list: readonly string[]): readonly string[] => list.slice(0, 5);

/** Whom the maps send where: everybody is on one side with all products, or it is told. */
function whoHasMoved(expect: ExpectStatic, maps: OpenMaps): ReadonlySet<string> {
  const now = new Set<string>();
  const apart: string[] = [];
  for (const { account, products = [] } of accounts) {
    const versions = products.map((product) => versionOf(maps, product, account));
    if (versions.every((version, index) => version === NEW[products[index] ?? ""])) now.add(account);
    else if (!versions.every((version, index) => version === OLD[products[index] ?? ""])) apart.push(account);
  }
  expect(some(apart), "one product without the other").toEqual([]);
  return now;
}

/** Whoever has moved since the last step was named for this wave, and its own clock showed a weekend night. */
function expectMoves(expect: ExpectStatic, now: ReadonlySet<string>, { moves, done }: Step): void {
  const before = moved;
  moved = now;
  const wave = typeof moves === "number" ? moves : null;
  expect(some([...before].filter((slug) => !now.has(slug)))).toEqual([]);
  const fresh = accounts.filter(({ account }) => now.has(account) && !before.has(account));
  expect(fresh.length > 0).toBe(wave !== null);
  const byDay = fresh.filter(({ timeZone }) => !isWeekendNight(timeZone, nowMs));
  expect(some(byDay.map(({ account, timeZone }) => `${account} ${timeZone}`))).toEqual([]);
  const unnamed = fresh.filter((account) => !isNamed(account, wave ?? 0));
  expect(some(unnamed.map(({ account }) => account))).toEqual([]);
  if (done === undefined) return;
  const named = accounts.filter((account) => isNamed(account, done));
  expect(some(named.filter(({ account }) => !now.has(account)).map(({ account }) => account))).toEqual([]);
  expect(now.size).toBe(named.length);
}

/** One write of the root (and its copy) when somebody moved, none otherwise; never an account's shard. */
async function expectWrites(expect: ExpectStatic, times: number): Promise<void> {
  const before = written;
  written = await operator.written();
  const since = Object.entries(written).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  const expected = { root: times, "root/": times };
  expect(Object.fromEntries(since.filter(([, count]) => count > 0))).toEqual(times === 0 ? {} : expected);
}

/** 500 accounts in both products, and nobody's account: the origin that answers is the one that `explain` names. */
async function expectAnswers(expect: ExpectStatic): Promise<void> {
  looks += 1;
  const hosts = asked.flatMap(hostsOf);
  const strangers = PRODUCTS.map((product) => `nobody.${product}.localhost`);
  const [answers, explained] = await Promise.all([
    operator.answers([...hosts, ...strangers]),
    operator.explained([...hosts.filter((_, index) => index % 2 === looks % 2), ...strangers]),
  ]);
  const expected = new Map<string, string>();
  for (const { account, products = [] } of asked) {
    for (const product of products) {
      const version = (moved.has(account) ? NEW : OLD)[product] ?? "";
      expected.set(`${account}.${product}.localhost`, `${product}/${version}`);
    }
  }
  for (const product of PRODUCTS) {
    expected.set(`nobody.${product}.localhost`, `${product}/${defaults[product] ?? ""}`);
  }
  expect(differing(answers, expected)).toEqual([]);
  expect(explained.size).toBeGreaterThan(asked.length - 10);
  expect(differing(explained, answers)).toEqual([]);
  const health = request("OPTIONS / HTTP/1.0");
  expect((await sendRaw({ port: instance.ports[0] ?? 0, bytes: health })).status).toBe(204);
}

/** What is otherwise than expected, in words. */
function differing(
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): readonly string[] {
  return some(
    [...found]
      .filter(([host, version]) => expected.get(host) !== version)
      .map(([host, version]) => `${host}: ${version}, not ${expected.get(host) ?? "asked"}`),
  );
}

const show = (): Promise<RolloutView> => operator.json(RolloutSchema, "rollout", "show", ID);

/** Everything that must hold after a step, whatever it was. */
async function expectStep(expect: ExpectStatic, step: Step): Promise<void> {
  await operator.seen();
  const view = await show();
  expect(view.phase, view.reason).toBe(step.phase);
  const maps = await operator.maps();
  const now = whoHasMoved(expect, maps);
  expectMoves(expect, now, step);
  expect(view.moved).toBe(now.size);
  const before = defaults;
  const after = Object.fromEntries(PRODUCTS.map((name) => [name, maps.root.products[name]?.default ?? ""]));
  const target = typeof step.moves === "string" ? { [step.moves]: NEW[step.moves] ?? "" } : {};
  defaults = after;
  expect(after).toEqual({ ...before, ...target });
  await expectWrites(expect, step.moves === null ? 0 : 1);
  await expectAnswers(expect);
}

const nameOf = ({ at, approve, moves }: Step): string =>
  `${at ?? `yes to ${approve ?? ""}`}: ${moves === null ? "nobody moves" : `moves ${typeof moves === "number" ? (["staff", "forty", "rest"][moves] ?? "") : `the default of ${moves}`}`}`;

describe("a week of the demo world", () => {
  it("is planned on a Friday, forty percent of it exactly", async ({ expect }) => {
    await operator.tick("2030-11-01T05:00:00Z");
    const nights = ["--days", "fri,sat,sun", "--from", `${OPENS}:00`, "--to", `0${CLOSES}:00`];
    expect((await operator.cli("window", "put", "weekend-nights", ...nights)).code).toBe(0);
    expect((await operator.cli("rollout", "create", join(folder, "autumn.jsonc"))).code).toBe(0);
    plan = await operator.json(RolloutPlanSchema, "rollout", "plan", ID);
    expect([plan.problems, plan.warnings, plan.accounts]).toEqual([[], [], accounts.length]);
    const forty = accounts.filter((account) => isNamed(account, 1));
    expect(Math.abs(forty.length / accounts.length - 0.4)).toBeLessThan(0.01);
    expect(plan.waves.map((wave) => wave.accounts)).toEqual([
      internal.length,
      forty.length - internal.length,
      accounts.length - forty.length,
    ]);
    const { code, err } = await operator.cli("rollout", "start", ID, "--digest", plan.digest);
    expect([code, err]).toEqual([0, ""]);
    await operator.seen();
    written = await operator.written();
    expect(asked).toHaveLength(ASKED);
  });

  it.for(STEPS.map((step) => [nameOf(step), step] as const))("%s", async ([, step], { expect }) => {
    if (step.at !== undefined) {
      nowMs = Date.parse(step.at);
      expect((await operator.tick(step.at)).advanced).toBe(true);
    } else {
      const { code, err } = await operator.cli("rollout", "approve", ID, step.approve ?? "");
      expect([code, err]).toEqual([0, expect.stringMatching(/moves/)]);
    }
    await expectStep(expect, step);
  });

  it("ends with everybody at home on the new versions, which moves nobody", async ({ expect }) => {
    await operator.tick(END);
    await operator.seen();
    await operator.tick("2030-11-06T17:21:00Z");
    await operator.seen();
    const view = await show();
    expect([view.phase, view.moved, view.leftBehind]).toEqual(["completed", accounts.length, []]);
    const maps = await operator.maps();
    expect(maps.root.rollouts).toEqual([]);
    expect(whoHasMoved(expect, maps).size).toBe(accounts.length);
    await expectAnswers(expect);
    for (const product of PRODUCTS) {
      const shown = await operator.json(ProductSchema, "product", "show", product);
      expect(shown).toMatchObject({ default: NEW[product], standby: OLD[product] });
    }
    expect((await operator.cli("audit", "list", "--verify")).code).toBe(0);
  });
});
