/** The founding incident, played: where it would have stopped, and that the recording can tell a stop from none. */
import { describe, it } from "vitest";
import { RecordingSchema, type Recording } from "../../../src/contracts/api/replay.ts";
import { replay } from "../../../src/core/replay/play.ts";
import recorded from "../../vectors/incident-default-moved-with-the-rest.json" with { type: "json" };

const incident = (): Recording => RecordingSchema.parse(recorded);
const instant = (ms: number): string => new Date(ms).toISOString();

describe("the founding incident", { timeout: 60_000 }, () => {
  it("stops at its first minute with preflight on: nobody has moved", ({ expect }) => {
    const { stopped } = replay(incident(), "on");
    expect(stopped).toMatchObject({ rule: "preflight", phase: "preflight-failed", moved: 0 });
    expect(stopped?.reason).toContain("options-hostless");
    expect(instant(stopped?.atMs ?? 0)).toBe("2026-11-26T12:00:00.000Z");
  });

  it("stops before the default moves with every failed probe waived: no waiver opens that", ({ expect }) => {
    const { stopped, last, accounts, steps } = replay(incident(), "waived");
    expect(instant(stopped?.atMs ?? 0)).toBe("2026-11-30T03:14:00.000Z");
    expect(stopped).toMatchObject({
      rule: "preflight",
      phase: "default-pending",
      moved: accounts,
      defaults: { kiln: "2.8.0" },
    });
    expect(last.phase).toBe("default-pending");
    // 40 % on two nights and the rest on a third, as it was.
    const baked = steps.filter(({ phase }) => phase === "baking").map(({ moved }) => moved);
    expect([...new Set(baked)].slice(0, 2)).toEqual([112, 160]);
  });

  it("stops before the default moves where no probe could be tried: those classes were never seen", ({
    expect,
  }) => {
    const { stopped } = replay(incident(), "unheard");
    expect(stopped).toMatchObject({ rule: "request-class coverage", defaults: { kiln: "2.8.0" } });
    expect(stopped?.reason).toContain("has not been seen to answer: unknown, none, ip");
  });
});

describe("a recording", { timeout: 60_000 }, () => {
  it("without a fault goes through to its end", ({ expect }) => {
    const { stopped, last } = replay({ ...incident(), behaviour: [] }, "on");
    expect(stopped).toBeNull();
    expect(last).toMatchObject({ phase: "completed", defaults: { kiln: "2.9.0" } });
  });

  it("of a version that fails for known accounts is stopped by the gate on the first night", ({ expect }) => {
    const fault = { product: "kiln", version: "2.9.0", class: "known" as const, failures: 0.05 };
    const { stopped } = replay({ ...incident(), behaviour: [fault] }, "on");
    expect(stopped).toMatchObject({ rule: "gate", phase: "paused" });
    expect(stopped?.moved).toBeLessThanOrEqual(112);
  });

  it("of one account that fails has it put back alone, and goes on", ({ expect }) => {
    const whole = incident();
    const base = { product: "kiln", version: "2.9.0", class: "known" as const, failures: 0.8 };
    const fault = { ...base, accounts: ["account-1", "account-2", "account-3"] };
    const { stopped, last } = replay({ ...whole, behaviour: [fault] }, "on");
    expect(stopped).toBeNull();
    expect(last.moved).toBeLessThan(400);
    expect(last.moved).toBeGreaterThanOrEqual(397);
  });

  it("that says a wave moves the default is refused, with the reason", ({ expect }) => {
    const { plan, ...rest } = incident();
    const waves = plan.waves.map((wave) => ({ ...wave, default: true }));
    const read = RecordingSchema.safeParse({ ...rest, plan: { ...plan, waves } });
    expect(JSON.stringify(read.error?.issues)).toContain("the default is no part of a wave");
  });
});
