/**
 * What each role may do, operation by operation, from a list of its own: not from the table the API decides by, so that a
 * slip there is noticed here. The operations come from the document; one without a line below fails.
 */
import { describe, it } from "vitest";
import { ROLES, type Role } from "../../../src/contracts/env.ts";
import { buildAdmin } from "../../support/admin-builders.ts";
import { address, bodyOf, readDocument, routesOf } from "../../support/documented-api.ts";

/** Who is needed at least. `support` and `deployer` stand beside each other: neither may what the other may. */
const LISTS = {
  nobody: "openapi ready",
  viewer: `
    products.list products.get products.compare.get products.default.get versions.list versions.get accounts.list accounts.get
    accounts.history.list accounts.traffic.get failed-requests.list assignments.list events.list events.dead.list windows.list windows.get freezes.list
    freezes.get preflight.get rollouts.list rollouts.get rollouts.input.get rollouts.plan.get rollouts.left-behind.list
    rollouts.gates.get rollouts.grid.get rollouts.impact.list rollouts.signals.list replacements.list replacements.get explain
    halt.get audit.list whoami sessions.create sessions.end status traffic metrics alarms.list`,
  support: `
    accounts.quarantine.set accounts.quarantine.lift accounts.hold.set accounts.hold.lift accounts.deferral.set
    accounts.deferral.lift`,
  deployer: `
    versions.put versions.state.set preflight.settings.get preflight.run preflight.report preflight.probes.list
    rollouts.plan rollouts.signals.send rollouts.rollback.preview replacements.plan overrides.issue`,
  operator: `
    products.put products.stable.set products.default.set products.default.approve products.default.withdraw products.default.revert products.mode.set products.hold.set
    products.hold.lift versions.bad.mark versions.bad.clear events.retry accounts.put accounts.delete
    accounts.undelete accounts.import accounts.pin.set accounts.pin.lift windows.put windows.delete freezes.put freezes.delete
    preflight.settings.set preflight.waive preflight.waiver.withdraw rollouts.put rollouts.delete rollouts.start
    rollouts.pause rollouts.resume rollouts.approve rollouts.waive-gate rollouts.stop rollouts.rollback
    rollouts.adopt replacements.put replacements.pause replacements.resume replacements.stop
    replacements.rollback overrides.revoke halt.set maps.read webhooks.list webhooks.dead.list webhooks.retry`,
  admin:
    "tokens.list tokens.create tokens.revoke access.list access.grant access.revoke products.four-eyes.set webhooks.put webhooks.delete webhooks.rotate export restore",
} as const;
type Needs = keyof typeof LISTS;

/** Whose lists a role may use. */
const USES: Readonly<Record<Role, readonly Needs[]>> = {
  viewer: ["nobody", "viewer"],
  support: ["nobody", "viewer", "support"],
  deployer: ["nobody", "viewer", "deployer"],
  operator: ["nobody", "viewer", "support", "deployer", "operator"],
  admin: ["nobody", "viewer", "support", "deployer", "operator", "admin"],
};

const NEEDS = new Map<string, Needs>(
  (Object.keys(LISTS) as Needs[]).flatMap((needs) =>
    LISTS[needs]
      .trim()
      .split(/\s+/)
      .map((id): [string, Needs] => [id, needs]),
  ),
);

const routes = routesOf(await readDocument(buildAdmin()));
const CASES = routes.flatMap((route) => ROLES.map((role) => ({ id: route.of.operationId, role, route })));

describe("the role sweep", () => {
  it("has one line for every operation there is, and for no other", ({ expect }) => {
    expect([...NEEDS.keys()].toSorted()).toEqual(routes.map(({ of }) => of.operationId).toSorted());
  });

  it.for(CASES)("$id by $role", async ({ id, role, route }, { expect }) => {
    const at = buildAdmin();
    const needs = NEEDS.get(id);
    const may = needs !== undefined && USES[role].includes(needs);
    const token = at.issue({ role });
    const answer = await at.call(address(route), { method: route.method, token, ...bodyOf(route) });
    const text = await answer.text();
    expect(answer.status === 403).toBe(!may);
    // Whoever may not has not reached the control plane either.
    if (!may) expect(at.control.calls.map(({ name }) => name)).toEqual(["authenticate"]);
    if (!may) expect(JSON.parse(text)).toMatchObject({ type: "urn:firebreak:problem:forbidden" });
  });

  it.for(routes.filter(({ of }) => NEEDS.get(of.operationId) !== "nobody"))(
    "tells a stranger nothing at $method $path",
    async (route, { expect }) => {
      const at = buildAdmin();
      const { method } = route;
      const there = await at.call(address(route), { method, token: null, ...bodyOf(route) });
      const nowhere = await at.call(
        route.path.replaceAll(/\{\w+\}/g, () => "nothing-of-that-name"),
        { method, token: null, ...bodyOf(route) },
      );
      expect([there.status, nowhere.status]).toEqual([401, 401]);
      expect(await there.text()).toBe((await nowhere.text()).replace("req-2", "req-1"));
      const names = [...there.headers].map(([name, value]) => [name, value.replace("req-1", "req-2")]);
      expect(names).toEqual([...nowhere.headers]);
      expect(there.headers.has("etag")).toBe(false);
      // Nobody but who it is was asked for, so that time tells nothing either.
      expect(new Set(at.control.calls.map(({ name }) => name))).toEqual(new Set(["authenticate"]));
    },
  );
});
