/** `doctor` against a real control plane: what it says of a deployment that is well, and of each way to be ill. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { createMemoryDb } from "../../support/control-db.ts";
import { buildSnapshot } from "../../support/admin-builders.ts";
import { createWorld, settle, type World } from "../../support/control-world.ts";
import { healthy, tick, MINUTE } from "../../support/rollout-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

interface Told {
  readonly code: number;
  readonly ok: unknown;
  health(check: string): unknown;
  says(check: string): string;
}

let world: World;
let api: RealAdmin;

beforeAll(async () => {
  world = createWorld({ db: createMemoryDb(), preflight: { exchange: healthy, routerHeader: null } });
  world.clock.now = Date.parse("2026-11-28T12:00:00Z");
  api = await startRealAdmin(world, { snapshot: buildSnapshot() });
  for (const line of [
    "product put kiln --domain kiln.example.com",
    "version register kiln 2.8.0 --origin https://kiln-2-8-0.origins.example.net --reversible true --mixed ok",
    "preflight settings kiln --presets haproxy --synthetic acme",
    "accounts put acme --time-zone Europe/Paris --cohort early",
  ])
    await done(line);
  await settle(world);
  await tick(world, world.clock.now + MINUTE);
});
afterAll(() => api.stop());

async function done(line: string): Promise<void> {
  const { code, err } = await api.cli(line);
  if (code !== 0) throw new Error(`${line}: ${err}`);
}

async function examine(): Promise<Told> {
  const { code, out, err } = await api.cli("doctor --json");
  if (out === "") throw new Error(err);
  const told = JSON.parse(out) as {
    ok: unknown;
    findings: { check: string; health: string; says: string; next: string | null }[];
  };
  const of = (check: string) => told.findings.find((each) => each.check === check);
  return {
    code,
    ok: told.ok,
    health: (check) => of(check)?.health,
    says: (check) => `${of(check)?.says} ${of(check)?.next}`,
  };
}

describe("doctor", () => {
  it("says that a default was never tried, with the command that tries it", async ({ expect }) => {
    const told = await examine();
    expect([told.code, told.ok]).toEqual([0, true]);
    expect(told.health("default of kiln")).toBe("look");
    expect(told.says("default of kiln")).toContain("preflight kiln 2.8.0 --for default");
  });

  it("gives a new deployment some minutes for its first tick", async ({ expect }) => {
    const fresh = createWorld({ db: createMemoryDb() });
    const other = await startRealAdmin(fresh, { snapshot: buildSnapshot() });
    const { code, out } = await other.cli("doctor");
    await other.stop();
    expect([code, out]).toEqual([0, expect.stringMatching(/^look +tick /m)]);
  });

  it("finds a deployment well that is well", async ({ expect }) => {
    await done("preflight kiln 2.8.0 --for default");
    const told = await examine();
    for (const check of [
      "admin host",
      "token",
      "clocks",
      "tick",
      "publishing",
      "break-glass",
      "halt",
      "maps",
      "events",
    ])
      expect([check, told.health(check)]).toEqual([check, "well"]);
    expect(told.health("default of kiln")).toBe("well");
    const text = await api.cli("doctor");
    expect([text.code, text.out]).toEqual([0, expect.stringContaining("Nothing is wrong.")]);
  });

  it("says that ticks do not come, and exits with 1", async ({ expect }) => {
    world.clock.now += 10 * MINUTE;
    const told = await examine();
    expect([told.code, told.ok, told.health("tick")]).toEqual([1, false, "wrong"]);
    expect(told.says("tick")).toContain("10 min ago");
    await tick(world, world.clock.now + MINUTE);
  });

  it("says by how much ticks are ahead where `tick` let time pass", async ({ expect }) => {
    world.clock.now -= 11 * MINUTE;
    const told = await examine();
    world.clock.now += 11 * MINUTE;
    expect(told.says("tick")).toMatch(
      /^The last tick was 2026-\S+Z, 1[01] min ahead of now: `tick` let time pass\./,
    );
  });

  it("says that a halt is on, and how to end it", async ({ expect }) => {
    await done('halt on --reason "looking"');
    const told = await examine();
    expect(told.health("halt")).toBe("look");
    expect(told.says("halt")).toContain("halt off");
    await done('halt off --reason "found"');
    await settle(world);
  });

  it("says that edges would refuse the published maps", async ({ expect }) => {
    const shard = [...world.kv.values.keys()].find((key) => key.startsWith("shard/")) ?? "";
    const text = world.kv.values.get(shard) ?? "";
    world.kv.values.set(shard, text.replace("acme", "acne"));
    const told = await examine();
    expect([told.code, told.health("maps")]).toEqual([1, "wrong"]);
    expect(told.says("maps")).toContain("maps verify");
    world.kv.values.set(shard, text);
  });

  it("says that KV takes nothing, for how long and why", async ({ expect }) => {
    world.kv.failure = new Error("KV is down");
    await done("accounts put blue --time-zone Europe/Paris --cohort early");
    world.clock.now += 15 * MINUTE;
    await world.control.tick(world.clock.now);
    const told = await examine();
    expect([told.code, told.health("publishing")]).toEqual([1, "wrong"]);
    world.kv.failure = null;
    await settle(world);
  });

  it("ends at once where nobody answers, with how to go on", async ({ expect }) => {
    const { code, err } = await api.cli("doctor", { env: { FIREBREAK_URL: "http://127.0.0.1:9" } });
    expect([code, err]).toEqual([1, expect.stringContaining("npm start")]);
  });

  it("ends at once where the token is refused", async ({ expect }) => {
    const { code, err } = await api.cli("doctor", { env: { FIREBREAK_TOKEN: "wrong" } });
    expect([code, err]).toEqual([1, expect.stringContaining("FIREBREAK_TOKEN")]);
  });

  it("reads the alarms, with the first command of each", async ({ expect }) => {
    const past = new Date(world.clock.now - MINUTE).toISOString();
    const late = await api.cli(`accounts hold acme --until ${past} --reason "database move"`);
    expect([late.code, late.err]).toEqual([1, expect.stringContaining("which is past")]);
    const until = new Date(world.clock.now + MINUTE).toISOString();
    await done(`accounts hold acme --message "Back at nine" --until ${until} --reason "database move"`);
    expect((await api.cli("accounts show acme")).out).toMatch(/^hold .*the page says "Back at nine"/m);
    await tick(world, world.clock.now + 2 * MINUTE);
    const told = await examine();
    expect(told.health("alarm hold-past-end")).toBe("wrong");
    expect(told.says("alarm hold-past-end")).toBe(
      "Holds past their end: acme. Lift them, or set a new end accounts release ACCOUNT --reason …",
    );
    await done('accounts release acme --reason "it is done"');
    expect((await examine()).health("alarm hold-past-end")).toBeUndefined();
  });
});
