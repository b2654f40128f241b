/**
 * The incident's version on a real local instance: a rollout to kiln 2.9.0 stops before anybody moves, and says which
 * requests failed, with the bytes that went out and came back. Let past by names and reasons it may take accounts, which
 * it serves well; the default, which would have taken everybody down, does not move to it all the same.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { createDemoAccounts } from "../../scripts/local/demo/accounts.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { AuditPageSchema } from "../../src/contracts/api/operations.ts";
import { PreflightSchema } from "../../src/contracts/api/preflight-runs.ts";
import { ProductSchema } from "../../src/contracts/api/products.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { createOperator, versionOf, type Operator } from "../support/local-operator.ts";

const ID = "too-early";
const PLAN = {
  id: ID,
  targets: { kiln: "2.9.0" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100 },
    { name: "all", cohorts: ["*"], percent: 100 },
  ],
  default: {
    move: true,
    window: { days: ["mon", "tue", "wed", "thu"], from: "08:00", to: "18:00", zone: "UTC" },
    bake: { minutes: 60 },
  },
};
const KNOWN = ["acme.kiln.localhost", "amber-anchor.kiln.localhost"];
const STRANGER = "nobody.kiln.localhost";

const accounts = createDemoAccounts().filter(({ products }) => products?.includes("kiln") === true);

let instance: Instance;
let operator: Operator;
let state = "";
let folder = "";
let failed: readonly string[] = [];

beforeAll(async () => {
  state = makeStateFolder();
  folder = mkdtempSync(join(tmpdir(), "firebreak-stopped-"));
  writeFileSync(join(folder, "plan.json"), JSON.stringify(PLAN));
  instance = await startTestInstance({ nodes: 1, state });
  operator = createOperator(instance, { state, folder });
});
afterAll(async () => {
  operator?.stop();
  await instance?.stop();
  for (const each of [state, folder]) rmSync(each, { recursive: true, force: true });
});

const show = (): Promise<RolloutView> => operator.json(RolloutSchema, "rollout", "show", ID);

/** Accounts that the maps send to 2.9.0, and where the origin says that a few of them and a stranger end. */
async function expectOn(expect: ExpectStatic, version: string, moved: number): Promise<void> {
  await operator.seen();
  const maps = await operator.maps();
  expect(accounts.filter(({ account }) => versionOf(maps, "kiln", account) === "2.9.0")).toHaveLength(moved);
  const answers = await operator.answers([...KNOWN, STRANGER]);
  expect(Object.fromEntries(answers)).toEqual({
    ...Object.fromEntries(KNOWN.map((host) => [host, `kiln/${version}`])),
    [STRANGER]: "kiln/2.8.0",
  });
}

describe("a rollout to the incident's version", () => {
  it("stops in preflight-failed, and names the hostless OPTIONS and the unknown account", async ({
    expect,
  }) => {
    await operator.tick("2030-11-04T09:00:00Z");
    expect((await operator.cli("rollout", "create", join(folder, "plan.json"))).code).toBe(0);
    expect((await operator.cli("rollout", "start", ID)).code).toBe(0);
    await operator.seen();
    await operator.tick("2030-11-04T09:01:00Z");
    const view = await show();
    expect([view.phase, view.moved]).toEqual(["preflight-failed", 0]);
    expect(view.reason).toContain("kiln 2.9.0");
    expect(view.reason).toContain("options-hostless");
    expect(view.reason).toContain("unknown-account");
    const { out } = await operator.cli("rollout", "show", ID);
    expect(out).toMatch(/^what to do +`.*preflight show kiln 2\.9\.0 --all` has the bytes/m);
    await expectOn(expect, "2.8.0", 0);
  });

  it("shows the bytes sent and received", async ({ expect }) => {
    const { code, out } = await operator.cli("preflight", "show", "kiln", "2.9.0", "--all");
    expect(code).toBe(1);
    const hostless = section(out, "options-hostless");
    expect(hostless).toContain("expected 200-399, which is what haproxy calls healthy");
    expect(linesOf(hostless, "sent")).toEqual(["OPTIONS / HTTP/1.0\\r\\n", "\\r\\n"]);
    expect(linesOf(hostless, "received")[0]).toBe("HTTP/1.1 500 Internal Server Error\\r\\n");
    expect(linesOf(hostless, "received").at(-1)).toBe("500: no such account\\n");
    const unknown = section(out, "unknown-account");
    expect(linesOf(unknown, "sent")[0]).toBe("GET / HTTP/1.1\\r\\n");
    expect(unknown).toMatch(/X-Forwarded-Host: \S*no-such-account\.kiln\.localhost/);
    expect(linesOf(unknown, "received")[0]).toBe("HTTP/1.1 500 Internal Server Error\\r\\n");
  });

  it("stays stopped however many ticks come, and when it is told to try again", async ({ expect }) => {
    await operator.tick("2030-11-04T12:00:00Z");
    expect(await show()).toMatchObject({ phase: "preflight-failed", moved: 0 });
    expect((await operator.cli("rollout", "resume", ID)).code).toBe(0);
    await operator.tick("2030-11-04T12:01:00Z");
    expect(await show()).toMatchObject({ phase: "preflight-failed", moved: 0 });
    await expectOn(expect, "2.8.0", 0);
  });

  it("moves accounts once every failed probe is let past by its name", async ({ expect }) => {
    const found = await preflight();
    failed = found.results.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
    expect(failed).toContain("options-hostless");
    expect(failed).toContain("unknown-account");
    const [last = "", ...others] = failed.toReversed();
    for (const probe of others) await waive(expect, probe);
    await operator.tick("2030-11-04T12:02:00Z");
    // One that nobody has named still holds it.
    expect(await show()).toMatchObject({ phase: "preflight-failed", moved: 0 });
    await waive(expect, last);
    await operator.tick("2030-11-04T12:03:00Z");
    const view = await show();
    expect(view.moved).toBe(accounts.length);
    expect(view.waves.map(({ progress }) => progress)).toEqual([1, 1]);
    await expectOn(expect, "2.9.0", accounts.length);
  });

  it("does not move the default to it, however long it waits", async ({ expect }) => {
    const before = await operator.written();
    for (const at of ["2030-11-04T12:04:00Z", "2030-11-04T13:10:00Z", "2030-11-05T10:00:00Z"]) {
      await operator.tick(at);
      const view = await show();
      expect(view.phase).toBe("default-pending");
      expect(view.reason).toContain("options-hostless");
      expect(view.defaults).toMatchObject([{ product: "kiln", state: "pending" }]);
    }
    await expectOn(expect, "2.9.0", accounts.length);
    expect((await operator.written())["root"]).toBe(before["root"]);
    const kiln = await operator.json(ProductSchema, "product", "show", "kiln");
    expect([kiln.default, kiln.standby]).toEqual(["2.8.0", null]);
  });

  it("takes no waiver of a failure for the default, nor a hand that sets it", async ({ expect }) => {
    const reason = ["--reason", "the incident"];
    const words = ["kiln", "2.9.0", "options-hostless", "--for", "default"];
    const waived = await operator.cli("preflight", "waive", ...words, ...reason);
    expect([waived.code, waived.err]).toEqual([1, expect.stringContaining("options-hostless")]);
    const promoted = await operator.cli("default", "promote", "kiln", "2.9.0", ...reason);
    expect([promoted.code, promoted.err]).toEqual([1, expect.stringContaining("options-hostless")]);
    await expectOn(expect, "2.9.0", accounts.length);
  });

  it("says in the audit who let what past, and why", async ({ expect }) => {
    const { items } = await operator.json(AuditPageSchema, "audit", "list", "--limit", "200");
    const waivers = items.filter(({ action }) => action === "preflight.waive");
    expect(waivers.map(({ detail }) => String(detail["probe"])).toSorted()).toEqual(failed.toSorted());
    expect(new Set(waivers.map(({ actor, reason }) => `${actor}: ${reason}`))).toEqual(
      new Set(["dev: accounts never ask that"]),
    );
  });
});

async function preflight(): Promise<ReturnType<typeof PreflightSchema.parse>> {
  const { out } = await operator.cli("preflight", "show", "kiln", "2.9.0", "--json");
  return PreflightSchema.parse(JSON.parse(out));
}

async function waive(expect: ExpectStatic, probe: string): Promise<void> {
  const reason = ["--reason", "accounts never ask that"];
  const { code, err } = await operator.cli("preflight", "waive", "kiln", "2.9.0", probe, ...reason);
  expect([code, err]).toEqual([0, ""]);
}

/** What is told of one probe: from its own line to the next that is not indented. */
function section(text: string, probe: string): string {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => line.startsWith(`${probe} fail: `));
  const length = lines.slice(from + 1).findIndex((line) => line !== "" && !line.startsWith(" "));
  return lines.slice(from, length === -1 ? undefined : from + 1 + length).join("\n");
}

/** The lines below `sent` or `received`, as they are printed. */
function linesOf(text: string, title: "sent" | "received"): readonly string[] {
  const lines = text.split("\n");
  const from = lines.indexOf(`  ${title}`) + 1;
  const length = lines.slice(from).findIndex((line) => !line.startsWith("    "));
  return lines.slice(from, length === -1 ? undefined : from + length).map((line) => line.slice(4));
}
