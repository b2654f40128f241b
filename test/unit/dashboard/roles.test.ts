/**
 * Every form and page of the dashboard, by every role, on a real control plane; and what people without any right get. The
 * forms come from the table of routes, so one without a line below fails.
 */
import { describe, it } from "vitest";
import { MAX_FAILURES } from "../../../src/admin/failure-limiter.ts";
import { ROLES, type Role } from "../../../src/contracts/env.ts";
import { ACTION_ROUTES, PAGE_ROUTES } from "../../../src/dashboard/routes.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must } from "../../support/control-world.ts";
import { createDashboardWorld, type Browser } from "../../support/dashboard-world.ts";
import { PLAN, prepareRollouts } from "../../support/rollout-world.ts";

const OPERATORS: readonly Role[] = ["operator", "admin"];
const CARERS: readonly Role[] = ["support", "operator", "admin"];

/** Who may send which form. */
const FORMS: Readonly<Record<string, readonly Role[]>> = {
  "/halt": OPERATORS,
  "/incident/halt": OPERATORS,
  "/rollouts/:id/start": OPERATORS,
  "/rollouts/:id/approve": OPERATORS,
  "/rollouts/:id/pause": OPERATORS,
  "/rollouts/:id/resume": OPERATORS,
  "/rollouts/:id/stop": OPERATORS,
  "/rollouts/:id/rollback": OPERATORS,
  "/accounts/:account/hold": CARERS,
  "/accounts/:account/lift-hold": CARERS,
  "/accounts/:account/defer": CARERS,
  "/accounts/:account/lift-deferral": CARERS,
  "/accounts/:account/quarantine": CARERS,
  "/accounts/:account/lift-quarantine": CARERS,
  "/accounts/:account/undelete": OPERATORS,
  "/products/:product/mode": OPERATORS,
  "/preflight/:product/:version/run": ["deployer", "operator", "admin"],
  "/products/:product/default/approve": OPERATORS,
  "/products/:product/default/withdraw": OPERATORS,
  "/tokens/:name/revoke": ["admin"],
  "/tokens/new": ["admin"],
  "/access/grant": ["admin"],
  "/access/:identity/revoke": ["admin"],
};
/** Pages that not everybody may see. */
const PAGES: Readonly<Record<string, readonly Role[]>> = {
  "/tokens": ["admin"],
  "/access": ["admin"],
  "/rollouts/:id/back": ["deployer", "operator", "admin"],
};

const NAMES: Readonly<Record<string, string>> = {
  ":id": "autumn",
  ":account": "acme",
  ":product": "kiln",
  ":version": "2",
  ":name": "nobody",
  ":identity": "alice@example.com",
};
/** Enough for any form. */
const FIELDS = {
  product: "kiln",
  version: "1",
  reason: "x",
  on: "true",
  name: "eve",
  role: "admin",
  products: "",
  until: "2026-12-24T10:00",
  owner: "eve",
  mode: "page",
  message: "x",
  confirmed: "yes",
};

const addressOf = (path: string): string => path.replaceAll(/:[a-z]+/g, (name) => NAMES[name] ?? name);

async function prepare() {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ["acme"] });
  await must(world, "rollout.create", { id: "autumn", input: PLAN });
  const dashboard = await createDashboardWorld(world);
  const boss = await dashboard.signedIn();
  async function as(role: Role): Promise<Browser> {
    const made = await boss.post("/tokens/new", { name: `the-${role}`, role, products: "" });
    const browser = await dashboard.signedIn(/fb_[\w-]{43}/.exec(await made.text())?.[0] ?? "");
    dashboard.admin.clock.nowMs = world.clock.now;
    return browser;
  }
  const changes = (): unknown => world.db.rows("SELECT seq FROM audit WHERE action NOT LIKE 'refused.%'");
  return { ...dashboard, as, changes };
}

describe("the forms of the dashboard", () => {
  it("have one line each here", ({ expect }) => {
    expect(Object.keys(FORMS).toSorted()).toEqual(ACTION_ROUTES.map(({ path }) => path).toSorted());
  });

  it.for(ROLES)(
    "do for the role %s exactly what it may, and say so in the API's words",
    async (role, { expect }) => {
      const { as, changes } = await prepare();
      const browser = await as(role);
      for (const { path } of ACTION_ROUTES) {
        const may = FORMS[path]?.includes(role) === true;
        const before = changes();
        const answer = await browser.post(addressOf(path), FIELDS);
        const text = await answer.text();
        expect([path, answer.status === 403]).toEqual([path, !may]);
        expect([path, answer.status < 500]).toEqual([path, true]);
        if (may) continue;
        expect(changes()).toEqual(before);
        expect([
          path,
          text.includes("did not come from a page"),
          text.includes(`The role ${role} may not`),
        ]).toEqual([path, false, true]);
      }
    },
  );

  it("are refused to nobody, who is led to the door, and change nothing", async ({ expect }) => {
    const { browser, changes } = await prepare();
    const before = changes();
    for (const { path } of ACTION_ROUTES) {
      const answer = await browser().post(addressOf(path), FIELDS);
      expect([path, answer.status, await answer.text()]).toEqual([path, 303, ""]);
    }
    expect(changes()).toEqual(before);
  });
});

describe("the pages of the dashboard", () => {
  it.for(ROLES)("are what the role %s may see", async (role, { expect }) => {
    const { as } = await prepare();
    const browser = await as(role);
    for (const { path } of PAGE_ROUTES) {
      const may = PAGES[path]?.includes(role) ?? true;
      const answer = await browser.get(addressOf(path));
      expect([path, answer.status]).toEqual([path, may ? 200 : 403]);
    }
  });
});

describe("the door", () => {
  it("makes guessers wait", async ({ expect }) => {
    const { browser } = await createDashboardWorld();
    const guesser = browser();
    const statuses: number[] = [];
    for (let n = 0; n <= MAX_FAILURES; n += 1)
      statuses.push((await guesser.post("/sign-in", { token: `guess-number-${n}` })).status);
    expect(statuses).toEqual([...Array.from({ length: MAX_FAILURES }, () => 401), 429]);
    const answer = await guesser.post("/sign-in", { token: "one-guess-more" });
    expect([answer.status, guesser.cookie()]).toEqual([429, null]);
    expect(await answer.text()).toContain('role="alert"');
  });
});
