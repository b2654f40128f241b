/** Rollouts over the API: what each route passes on, what it refuses by itself, and what a limited token may name. */
import { describe, it } from "vitest";
import { buildAdmin } from "../../support/admin-builders.ts";

const ONE = "/api/v1/rollouts/2026-11-autumn";
const PLAN = {
  id: "2026-11-autumn",
  targets: { kiln: "2.9.0", fogbugz: "8.8.0" },
  waves: [{ name: "staff", cohorts: ["internal"], percent: 100 }],
};

interface Case {
  readonly method: string;
  readonly path: string;
  readonly json?: unknown;
  readonly name: string;
  readonly input: unknown;
}

const ID = { id: "2026-11-autumn" };
const DIGEST = "ab".repeat(32);
const CASES: readonly Case[] = [
  { method: "GET", path: "/api/v1/rollouts", name: "rollouts", input: {} },
  { method: "GET", path: ONE, name: "rollout", input: ID },
  {
    method: "GET",
    path: `${ONE}/plan?before=2026-12-20T00:00:00Z&label=tier`,
    name: "rollout.plan",
    input: { ...ID, before: "2026-12-20T00:00:00Z", at: null, label: "tier" },
  },
  {
    method: "POST",
    path: "/api/v1/rollouts/plan?at=2026-11-27T20:00:00Z",
    json: PLAN,
    name: "rollout.plan",
    input: { input: PLAN, before: null, at: "2026-11-27T20:00:00Z", label: null },
  },
  {
    method: "GET",
    path: `${ONE}/left-behind?limit=7&cursor=c`,
    name: "rollout.left-behind",
    input: { ...ID, cursor: "c", limit: 7 },
  },
  { method: "PUT", path: ONE, json: PLAN, name: "rollout.create", input: { ...ID, input: PLAN } },
  { method: "DELETE", path: ONE, name: "rollout.delete", input: ID },
  {
    method: "POST",
    path: `${ONE}/start`,
    json: { digest: DIGEST },
    name: "rollout.start",
    input: { ...ID, input: { digest: DIGEST, again: false } },
  },
  {
    method: "POST",
    path: `${ONE}/pause`,
    json: { reason: "slow" },
    name: "rollout.pause",
    input: { ...ID, input: { reason: "slow" } },
  },
  {
    method: "POST",
    path: `${ONE}/resume`,
    json: {},
    name: "rollout.resume",
    input: { ...ID, input: { again: false } },
  },
  {
    method: "POST",
    path: `${ONE}/approve`,
    json: { wave: 2 },
    name: "rollout.approve",
    input: { ...ID, input: { wave: 2 } },
  },
  {
    method: "POST",
    path: `${ONE}/approve`,
    json: { default: "kiln" },
    name: "rollout.approve",
    input: { ...ID, input: { default: "kiln" } },
  },
  {
    method: "POST",
    path: `${ONE}/waive-gate`,
    json: { wave: 0, reason: "night" },
    name: "rollout.waive-gate",
    input: { ...ID, input: { wave: 0, reason: "night" } },
  },
  {
    method: "POST",
    path: `${ONE}/stop`,
    json: { reason: "2.9.1" },
    name: "rollout.stop",
    input: { ...ID, input: { reason: "2.9.1" } },
  },
  {
    method: "POST",
    path: `${ONE}/rollback`,
    json: { where: { cohort: "early", labels: { tier: "gold" } }, reason: "slow" },
    name: "rollout.rollback",
    input: {
      ...ID,
      input: { where: { cohort: "early", labels: { tier: "gold" } }, confirmed: false, reason: "slow" },
    },
  },
  {
    method: "POST",
    path: `${ONE}/adopt`,
    json: { from: "old" },
    name: "rollout.adopt",
    input: { ...ID, from: "old" },
  },
  {
    method: "POST",
    path: `${ONE}/adopt`,
    json: {},
    name: "rollout.adopt",
    input: { ...ID, from: "2026-11-autumn" },
  },
];

describe("rollouts", () => {
  it.for(CASES)(
    "passes $method $path on as $name",
    async ({ method, path, json, name, input }, { expect }) => {
      const at = buildAdmin();
      const response = await at.call(path, { method, ...(json === undefined ? {} : { json }) });
      expect(response.status).toBe(200);
      expect(at.control.calls).toMatchObject([{ name, input }]);
    },
  );

  it("passes the conditions of a write on", async ({ expect }) => {
    const at = buildAdmin();
    const headers = { "if-match": '"7"', "idempotency-key": "k-1" };
    await at.call(`${ONE}/pause`, { method: "POST", json: { reason: "slow" }, headers });
    expect(at.control.calls[0]?.context).toMatchObject({
      actor: { name: "boot" },
      ifMatch: 7,
      idempotencyKey: "k-1",
    });
  });

  it("answers a rollout with its revision as ETag", async ({ expect }) => {
    const response = await buildAdmin().call(ONE);
    expect(response.headers.get("etag")).toBe(`"${(await response.json<{ revision: number }>()).revision}"`);
  });

  it.for([
    ["another id than the address", { ...PLAN, id: "other" }, "body.id"],
    ["no targets", { ...PLAN, targets: {} }, "body.targets"],
    ["no waves", { ...PLAN, waves: [] }, "body.waves"],
    [
      "the default as part of a wave",
      { ...PLAN, waves: [{ ...PLAN.waves[0], default: true }] },
      "body.waves[0].default",
    ],
    ["too much", { ...PLAN, waves: [{ ...PLAN.waves[0], percent: 101 }] }, "body.waves[0].percent"],
    ["a field that is not known", { ...PLAN, wavs: [] }, "body"],
  ] as const)("refuses a draft with %s, naming the field", async ([, json, path], { expect }) => {
    const at = buildAdmin();
    const response = await at.call(ONE, { method: "PUT", json });
    expect(response.status).toBe(400);
    const { errors } = await response.json<{ errors: { path: string }[] }>();
    expect(errors.map((error) => error.path)).toContain(path);
    expect(at.control.calls).toEqual([]);
  });

  it.for([
    ["a rollback to a wave and of a label", "rollback", { toWave: 0, where: { cell: "eu1" }, reason: "x" }],
    ["a rollback of nobody in particular", "rollback", { where: {}, reason: "x" }],
    ["a rollback without reason", "rollback", {}],
    ["an approval of a wave and a default", "approve", { wave: 1, default: "kiln" }],
    ["an approval of nothing", "approve", {}],
    ["a digest that is none", "start", { digest: "abc" }],
    ["a pause without reason", "pause", {}],
  ] as const)("refuses %s", async ([, verb, json], { expect }) => {
    const at = buildAdmin();
    expect((await at.call(`${ONE}/${verb}`, { method: "POST", json })).status).toBe(400);
    expect(at.control.calls).toEqual([]);
  });

  it("refuses a draft with a product that the token is not for, before the control plane is asked", async ({
    expect,
  }) => {
    const at = buildAdmin();
    const kiln = at.issue({ role: "operator", products: ["kiln"] });
    const both = at.issue({ role: "operator", products: ["kiln", "fogbugz"] });
    const refused = await at.call(ONE, { method: "PUT", json: PLAN, token: kiln });
    expect([refused.status, (await refused.json<{ detail: string }>()).detail]).toEqual([
      403,
      "This token is limited to kiln, and this is about fogbugz.",
    ]);
    expect(at.control.calls.filter(({ name }) => name !== "authenticate")).toEqual([]);
    expect((await at.call(ONE, { method: "PUT", json: PLAN, token: both })).status).toBe(200);
  });

  it("lets a viewer look and a deployer plan, and neither change", async ({ expect }) => {
    const at = buildAdmin();
    const viewer = at.issue({ role: "viewer" });
    const deployer = at.issue({ role: "deployer" });
    const status = async (token: string, path: string, init = {}): Promise<number> =>
      (await at.call(path, { token, ...init })).status;
    expect(await status(viewer, ONE)).toBe(200);
    expect(await status(viewer, `${ONE}/plan`)).toBe(200);
    expect(await status(viewer, "/api/v1/rollouts/plan", { method: "POST", json: PLAN })).toBe(403);
    expect(await status(deployer, "/api/v1/rollouts/plan", { method: "POST", json: PLAN })).toBe(200);
    expect(await status(deployer, `${ONE}/pause`, { method: "POST", json: { reason: "x" } })).toBe(403);
  });

  it("reads a rollout that is called plan", async ({ expect }) => {
    const at = buildAdmin();
    expect((await at.call("/api/v1/rollouts/plan")).status).toBe(200);
    expect(at.control.calls[0]).toMatchObject({ name: "rollout", input: { id: "plan" } });
  });
});
