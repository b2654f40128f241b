/** Who serves a product, a deletion taken back, and the default's second person, each by clicking, on a real control plane. */
import { beforeEach, describe, it } from "vitest";
import { percent } from "../../../src/dashboard/layout.tsx";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  valueOf,
  type World,
} from "../../support/control-world.ts";
import { createDashboardWorld, type Browser, type DashboardWorld } from "../../support/dashboard-world.ts";
import { press } from "../../support/press.ts";

const PAGE = "/products/kiln";
const FLEET = "https://fleet.origins.example.net";
const CONFIRMED = { confirmed: "yes", reason: "adoption" };

describe("a share", () => {
  it("reads neither as all when it is not, nor as nothing", ({ expect }) => {
    const shares = [1, 0.9967, 0.9999, 0.99, 0.0033, 0.00001, 0];
    expect(shares.map(percent)).toEqual(["100 %", "99.7 %", "99.9 %", "99 %", "0.33 %", "< 0.01 %", "0 %"]);
  });
});

let world: World;
let dashboard: DashboardWorld;
let boss: Browser;
let seen: { agree: number; differ: number };

beforeEach(async () => {
  world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  await addAccount(world, "acme");
  await addAccount(world, "globex");
  seen = { agree: 0, differ: 0 };
  dashboard = await createDashboardWorld(world, undefined, {
    fleet: async () => ({
      ...seen,
      unnamed: 0,
      undecided: 0,
      forgotten: 0,
      accounts: Array.from({ length: seen.differ }, (_unused, n) => ({
        account: `a${n}`,
        theirs: "0",
        requests: 1,
        lastAt: 0,
        ours: "1",
      })),
    }),
  });
  boss = await dashboard.signedIn();
});

async function textOf(answer: Response): Promise<string> {
  return (await answer.text()).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

async function modeOf(): Promise<string> {
  return valueOf(await world.control.query("product", { product: "kiln" })).fleet?.mode ?? "active";
}

async function personOf(name: string): Promise<Browser> {
  const made = await boss.post("/tokens/new", { name, role: "operator", products: "" });
  const browser = await dashboard.signedIn(/fb_[\w-]{43}/.exec(await made.text())?.[0] ?? "");
  dashboard.admin.clock.nowMs = world.clock.now;
  return browser;
}

describe("the page of who serves a product", () => {
  it("goes from active to the fleet, compares, and comes back when it was meant", async ({ expect }) => {
    expect(await textOf(await boss.get("/"))).toContain("kiln");
    expect(await textOf(await boss.get(PAGE))).toContain("Firebreak decides and acts (active).");
    const passing = await press(boss, PAGE, /fleet serve 2 accounts/, { ...CONFIRMED, origin: FLEET });
    // The first form with that button is that of compare, which also needs a header.
    expect([passing.status, await modeOf()]).toEqual([400, "active"]);
    const fields = { ...CONFIRMED, origin: FLEET, versionHeader: "X-Version" };
    expect((await press(boss, PAGE, /fleet serve 2 accounts/, fields)).headers.get("location")).toBe(PAGE);
    expect(await modeOf()).toBe("compare");
    seen = { agree: 5, differ: 1 };
    expect(await textOf(await boss.get(PAGE))).toContain(
      "1 account would get another version than the fleet",
    );
    expect((await press(boss, PAGE, /Let Firebreak serve 2 accounts/, CONFIRMED)).status).toBe(303);
    expect(await modeOf()).toBe("active");
  });

  it("sends a product through the fleet", async ({ expect }) => {
    const fields = { mode: "pass-through", origin: FLEET };
    expect((await boss.post(`${PAGE}/mode`, { ...fields, ...CONFIRMED })).status).toBe(303);
    expect(await modeOf()).toBe("pass-through");
    expect(await textOf(await boss.get(PAGE))).toContain("so nobody knows who would get another version");
  });

  it("changes nothing unconfirmed, or when other accounts would change version by then", async ({
    expect,
  }) => {
    const fields = { mode: "compare", origin: FLEET, versionHeader: "X-Version", reason: "adoption" };
    const unread = await boss.post(`${PAGE}/mode`, fields);
    expect([unread.status, await modeOf()]).toEqual([409, "active"]);
    expect(await unread.text()).toContain("say that you have read what it does");
    await boss.post(`${PAGE}/mode`, { ...fields, confirmed: "yes" });
    seen = { agree: 5, differ: 2 };
    const stale = await boss.post(`${PAGE}/mode`, { mode: "active", differing: "1", ...CONFIRMED });
    expect([stale.status, await modeOf()]).toEqual([409, "compare"]);
    expect(await textOf(stale)).toContain("2 accounts would get another version, not 1");
  });

  it("is not there for a product that is not", async ({ expect }) => {
    expect((await boss.get("/products/nothing")).status).toBe(404);
  });
});

describe("the page of a deleted account", () => {
  it("has one form, which makes it an account again and moves nobody", async ({ expect }) => {
    const homes = async () => valueOf(await world.control.query("account", { account: "acme" })).homes;
    const before = await homes();
    expect(await textOf(await boss.get("/accounts/acme"))).not.toContain("Make it an account again");
    await must(world, "account.delete", { account: "acme", reason: "case 4711" });
    const page = await textOf(await boss.get("/accounts/acme"));
    expect(page).toContain("1 account is again what it was");
    expect(page).not.toContain("Hold the account");
    const done = await press(boss, "/accounts/acme", /Make it an account again/, { reason: "by mistake" });
    expect([done.status, done.headers.get("location")]).toEqual([303, "/accounts/acme"]);
    expect(valueOf(await world.control.query("account", { account: "acme" })).deleted).toBeNull();
    expect(await homes()).toEqual(before);
    const again = await boss.post("/accounts/acme/undelete", { reason: "x" });
    expect([again.status, await textOf(again)]).toEqual([
      409,
      expect.stringContaining("acme is not deleted"),
    ]);
  });
});

describe("the default's second person, on the first page", () => {
  const defaultOf = async () => valueOf(await world.control.query("product", { product: "kiln" })).default;

  beforeEach(async () => {
    await must(world, "product.four-eyes.set", { product: "kiln", input: { on: true, reason: "October" } });
  });

  async function askAs(name: string): Promise<void> {
    const actor = { name, role: "operator", products: null } as const;
    const input = { version: "2", reason: "baked", force: true };
    const asked = { product: "kiln", input };
    valueOf(await world.control.execute("product.default.set", asked, contextOf("operator", { actor })));
  }

  it("is somebody else than who asked: she sees who may, he has the button, and it moves", async ({
    expect,
  }) => {
    const [alice, bob] = [await personOf("alice"), await personOf("bob")];
    await askAs("alice");
    const hers = await textOf(await alice.get("/"));
    expect(hers).toContain("Somebody else than alice says it");
    expect(hers).not.toContain("Move the default of kiln to 2");
    const forced = await alice.post("/products/kiln/default/approve", { version: "2" });
    expect([forced.status, await defaultOf()]).toEqual([403, "1"]);
    expect(await textOf(forced)).toContain("four eyes");
    const other = await bob.post("/products/kiln/default/approve", { version: "1" });
    expect([other.status, await defaultOf()]).toEqual([409, "1"]);
    const moved = await press(bob, "/", /Move the default of kiln to 2/);
    expect([moved.status, await defaultOf()]).toEqual([303, "2"]);
    expect(await textOf(await bob.get("/"))).not.toContain("Waits for a yes");
  });

  it("or takes the move back, with a reason", async ({ expect }) => {
    const [alice, bob] = [await personOf("alice"), await personOf("bob")];
    await askAs("alice");
    const without = await press(alice, "/", /Withdraw$/);
    expect(without.status).toBe(400);
    const withdrawn = await press(alice, "/", /Withdraw$/, { reason: "not today" });
    expect([withdrawn.status, await defaultOf()]).toEqual([303, "1"]);
    const late = await bob.post("/products/kiln/default/approve", { version: "2" });
    expect([late.status, await defaultOf()]).toEqual([409, "1"]);
  });
});
