/** The default moves with a second person's yes: by hand and by rollouts, and going back never needs one. */
import { beforeEach, describe, it } from "vitest";
import type { CommandInputs, CommandName, CommandOutputs } from "../../../src/contracts/control.ts";
import type { Role } from "../../../src/contracts/env.ts";
import type { Refusal } from "../../../src/contracts/problems.ts";
import { err, ok, type Result } from "../../../src/contracts/result.ts";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addProducts,
  contextOf,
  createWorld,
  must,
  refusalOf,
  valueOf,
  type World,
} from "../../support/control-world.ts";
import { FRIDAY, healthy, HOUR, MINUTE, PLAN, prepareRollouts, tick } from "../../support/rollout-world.ts";

const KILN = { product: "kiln" } as const;
const ON = { ...KILN, input: { on: true, reason: "after October" } };
const OFF = { ...KILN, input: { on: false, reason: "too slow" } };
const TO_2 = { ...KILN, input: { version: "2", reason: "baked", force: true } };
const YES = { ...KILN, input: { version: "2" } };

let world: World;
beforeEach(async () => {
  world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
});

/** Does something as somebody: `alice`, or `bob/viewer`. */
async function as<K extends CommandName>(
  who: string,
  name: K,
  input: CommandInputs[K],
): Promise<Result<CommandOutputs[K], Refusal>> {
  const [person = "", role = "operator"] = who.split("/");
  const actor = { name: person, role: role as Role, products: null };
  const done = await world.control.execute(name, input, contextOf("operator", { actor }));
  return done.ok ? ok(done.value) : err(done.error);
}

async function audit(target: string): Promise<readonly { action: string; actor: string; detail: unknown }[]> {
  const question = { cursor: null, limit: 20, target, actor: null };
  return valueOf(await world.control.query("audit", question)).items;
}

async function defaultOf(): Promise<string | null> {
  return valueOf(await world.control.query("product", KILN)).default;
}

describe("four eyes for a move by hand", () => {
  it("ask first, and move when another person says yes; the audit has both", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    const asked = valueOf(await as("alice", "product.default.set", TO_2));
    expect(asked).toMatchObject({
      default: "1",
      fourEyes: true,
      pendingDefault: { version: "2", force: true, reason: "baked", askedBy: "alice" },
    });
    const moved = valueOf(await as("bob", "product.default.approve", YES));
    expect(moved).toMatchObject({ default: "2", standby: "1", pendingDefault: null });
    const [second, first] = await audit("product/kiln");
    expect(first).toMatchObject({ action: "product.default.asked", actor: "alice" });
    expect(second).toMatchObject({
      action: "product.default.set",
      actor: "bob",
      reason: "baked",
      detail: { asked: { by: "alice" }, forced: true, after: { default: "2" } },
    });
  });

  it("are not of the same person, whatever token or role she comes with", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    await as("alice", "product.default.set", TO_2);
    for (const who of ["alice", "alice/admin"]) {
      const refused = refusalOf(await as(who, "product.default.approve", YES));
      expect(refused).toMatchObject({ problem: "forbidden", detail: expect.stringContaining("four eyes") });
    }
    expect(refusalOf(await as("bob/deployer", "product.default.approve", YES)).problem).toBe("forbidden");
    expect(await defaultOf()).toBe("1");
  });

  it("are asked again when anybody else asks, and the same person may change her mind", async ({
    expect,
  }) => {
    await must(world, "product.four-eyes.set", ON);
    await as("alice", "product.default.set", TO_2);
    const refused = refusalOf(await as("bob", "product.default.set", TO_2));
    expect(refused.detail).toContain("default approve kiln 2");
    const input = { version: "2", reason: "surely", force: true };
    expect(
      valueOf(await as("alice", "product.default.set", { ...KILN, input })).pendingDefault,
    ).toMatchObject({
      reason: "surely",
    });
  });

  it("look at everything again when approved", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    await as("alice", "product.default.set", TO_2);
    await must(world, "version.bad.mark", { ...KILN, version: "2", input: { reason: "loses mail" } });
    expect(refusalOf(await as("bob", "product.default.approve", YES)).detail).toContain("marked bad");
    await must(world, "version.bad.clear", { ...KILN, version: "2", reason: "was not it" });
    const other = { ...KILN, input: { version: "1" } };
    expect(refusalOf(await as("bob", "product.default.approve", other)).detail).toContain("kiln 2 waits");
    const untried = { ...KILN, input: { version: "2", reason: "baked", force: false } };
    expect(refusalOf(await as("alice", "product.default.set", untried)).problem).toBe("preflight-missing");
    expect(valueOf(await as("bob", "product.default.approve", YES)).default).toBe("2");
  });

  it("end after a day by themselves, and nothing old is approved before a tick ended it", async ({
    expect,
  }) => {
    await must(world, "product.four-eyes.set", ON);
    await as("alice", "product.default.set", TO_2);
    world.clock.now += 24 * HOUR;
    await world.control.tick(world.clock.now);
    expect((await audit("product/kiln"))[0]).toMatchObject({
      action: "product.default.lapsed",
      actor: "tick",
    });
    expect(refusalOf(await as("bob", "product.default.approve", YES)).detail).toContain("no move");
  });

  it("are withdrawn by anybody who may move it, who asked too", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    for (const who of ["alice", "bob"]) {
      await as("alice", "product.default.set", TO_2);
      await as(who, "product.default.withdraw", { ...KILN, reason: "2.1 comes" });
      expect((await audit("product/kiln"))[0]).toMatchObject({
        action: "product.default.withdrawn",
        actor: who,
      });
      expect(refusalOf(await as("carol", "product.default.approve", YES)).problem).toBe("conflict");
    }
  });

  it("never hold up going back, which ends what waits", async ({ expect }) => {
    valueOf(await as("alice", "product.default.set", TO_2));
    await must(world, "product.four-eyes.set", ON);
    await as("alice", "product.default.set", { ...KILN, input: { version: "1", reason: "x", force: true } });
    const back = valueOf(await as("alice", "product.default.revert", { ...KILN, input: { reason: "500" } }));
    expect(back).toMatchObject({ default: "1", pendingDefault: null });
    expect((await audit("product/kiln"))[0]).toMatchObject({ detail: { ended: { askedBy: "alice" } } });
  });

  it("are switched by admins alone, and off they end what waits", async ({ expect }) => {
    expect(refusalOf(await as("alice", "product.four-eyes.set", ON)).problem).toBe("forbidden");
    await must(world, "product.four-eyes.set", ON);
    await as("alice", "product.default.set", TO_2);
    expect(await must(world, "product.four-eyes.set", OFF)).toMatchObject({
      fourEyes: false,
      pendingDefault: null,
    });
    expect(valueOf(await as("alice", "product.default.set", TO_2)).default).toBe("2");
  });

  it("are of one product, and in the status with who may not say yes", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    await as("alice", "product.default.set", TO_2);
    const other = { product: "fogbugz", input: { version: "2", reason: "x", force: true } };
    expect(valueOf(await as("alice", "product.default.set", other)).default).toBe("2");
    const { waiting } = valueOf(await world.control.query("status", { seen: [] }));
    expect(waiting).toEqual([
      expect.objectContaining({
        product: "kiln",
        notBy: ["alice"],
        command: "firebreak default approve kiln 2",
      }),
    ]);
  });
});

describe("what is told ahead of a move by hand", () => {
  it("names who asked and until when, of the default alone", async ({ expect }) => {
    const ask = async (account: string | null): Promise<readonly string[]> =>
      valueOf(await world.control.query("history.ahead", { product: "kiln", account, rollout: null })).unless;
    await must(world, "product.four-eyes.set", ON);
    expect(await ask(null)).toEqual([]);
    await as("alice", "product.default.set", TO_2);
    expect(await ask(null)).toEqual([
      expect.stringMatching(
        /^alice asked for 2 as the default of kiln, .* somebody else approves that before 20/,
      ),
    ]);
    expect(await ask("acme")).toEqual([]);
    await as("bob", "product.default.approve", YES);
    expect(await ask(null)).toEqual([]);
  });
});

describe("four eyes for a rollout", () => {
  const input: RolloutInput = {
    ...PLAN,
    targets: { kiln: "2" },
    waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
    default: {
      move: true,
      afterDays: 0,
      window: [{ days: ["fri", "sat"], from: "00:00", to: "24:00", zone: "Etc/UTC" }],
      mirror: null,
      bake: { minutes: 10, requests: 0 },
    },
  };
  let now = FRIDAY;
  const pass = async (minutes: number): Promise<void> => {
    for (let n = 0; n < minutes; n += 5) await tick(world, (now += 5 * MINUTE));
  };
  const phase = async (): Promise<unknown> => {
    const found = valueOf(await world.control.query("rollout", { id: "autumn" }));
    return [found.phase, found.reason];
  };
  const approve = (who: string): ReturnType<typeof as<"rollout.approve">> =>
    as(who, "rollout.approve", { id: "autumn", input: { default: "kiln" } });

  async function begin(plan: RolloutInput): Promise<void> {
    world = await prepareRollouts(createMemoryDb(), { exchange: healthy, accounts: ["acme", "initech"] });
    now = FRIDAY;
    valueOf(await as("alice", "rollout.create", { id: "autumn", input: plan }));
    valueOf(await as("alice", "rollout.start", { id: "autumn", input: { again: false } }));
  }
  beforeEach(() => begin(input));

  it("wait though the plan asks nobody, and not for who started it", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    await pass(30);
    expect(await phase()).toEqual(["default-pending", expect.stringContaining("a second person's approval")]);
    const { waiting } = valueOf(await world.control.query("status", { seen: [] }));
    expect(waiting).toMatchObject([
      { rollout: "autumn", notBy: ["alice"], command: "firebreak rollout approve autumn default/kiln" },
    ]);
    expect(refusalOf(await approve("alice"))).toMatchObject({
      problem: "forbidden",
      detail: expect.stringContaining("alice started autumn"),
    });
    expect(await defaultOf()).toBe("1");
    valueOf(await approve("bob"));
    await pass(15);
    expect(await defaultOf()).toBe("2");
  });

  it("are not of who changed it last, and a yes from before a change counts no more", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    await pass(30);
    valueOf(await as("bob", "rollout.pause", { id: "autumn", input: { reason: "looking" } }));
    valueOf(await as("bob", "rollout.resume", { id: "autumn", input: { again: false } }));
    await pass(5);
    for (const who of ["alice", "bob"]) expect(refusalOf(await approve(who)).problem).toBe("forbidden");
    await must(world, "halt.set", { input: { on: true, reason: "hold it" } });
    valueOf(await approve("carol"));
    valueOf(await as("carol", "rollout.pause", { id: "autumn", input: { reason: "wait" } }));
    valueOf(await as("carol", "rollout.resume", { id: "autumn", input: { again: false } }));
    await must(world, "halt.set", { input: { on: false, reason: "on" } });
    await pass(15);
    expect(await defaultOf()).toBe("1");
    expect(refusalOf(await approve("carol")).problem).toBe("forbidden");
    valueOf(await approve("bob"));
    await pass(15);
    expect(await defaultOf()).toBe("2");
  });

  it("are in the plan and in what is told ahead, with who may not say yes, until she has", async ({
    expect,
  }) => {
    const ahead = { product: "kiln", account: null, rollout: "autumn" } as const;
    const words = async (): Promise<string> => {
      const asked = { id: "autumn", before: null, at: null, label: null };
      const { warnings } = valueOf(await world.control.query("rollout.plan", asked));
      const { unless } = valueOf(await world.control.query("history.ahead", ahead));
      const plan = warnings.filter(({ path }) => path[0] === "default").map(({ message }) => message);
      return [...plan, "|", ...unless.filter((text) => text.includes("our eyes"))].join(" ");
    };
    expect(await words()).toBe("|");
    await must(world, "product.four-eyes.set", ON);
    const waits =
      "our eyes hold for the default of kiln: it waits until somebody else than alice approves it";
    expect(await words()).toBe(`f${waits} | F${waits}: this is as if that were done at once.`);
    const asked = { input, before: null, at: null, label: null };
    expect(valueOf(await world.control.query("rollout.plan", asked)).warnings).toContainEqual({
      path: ["default"],
      message: expect.stringContaining("somebody else than who starts the rollout or changes it last"),
    });
    await pass(30);
    valueOf(await approve("bob"));
    expect(await words()).toBe("|");
  });

  it("take back a yes that was given before they held", async ({ expect }) => {
    const later = [{ days: ["fri" as const], from: "14:00", to: "24:00", zone: "Etc/UTC" }];
    const bake = { minutes: 10, requests: 0 };
    const moved = { move: true, afterDays: 0, window: later, approve: "before" as const, mirror: null, bake };
    await begin({ ...input, default: moved });
    await pass(30);
    valueOf(await approve("alice"));
    await must(world, "product.four-eyes.set", ON);
    expect((await audit("product/kiln"))[0]?.detail).toMatchObject({ on: true, askAgain: ["autumn"] });
    await pass(150);
    expect(await defaultOf()).toBe("1");
    valueOf(await approve("bob"));
    await pass(15);
    expect(await defaultOf()).toBe("2");
  });

  it("never hold up what is protective", async ({ expect }) => {
    await must(world, "product.four-eyes.set", ON);
    await pass(30);
    valueOf(await approve("bob"));
    await pass(5);
    expect(await defaultOf()).toBe("2");
    valueOf(await as("alice", "product.default.revert", { ...KILN, input: { reason: "500" } }));
    expect(await defaultOf()).toBe("1");
  });
});
