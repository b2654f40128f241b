/** `tick` against a runner that is only played: what it tells of the minutes that passed, and of what came before them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { AuditEntry } from "../../../src/contracts/api/operations.ts";
import { runCli, startFakeApi, type CliRun, type FakeAnswer, type SeenRequest } from "../../support/cli.ts";
import { buildRolloutView } from "../../support/rollout-views.ts";

const MINUTE_MS = 60_000;
const CLOCK = Date.parse("2099-11-30T06:12:00Z");
const at = (minutes: number): string => new Date(CLOCK + minutes * MINUTE_MS).toISOString();

function entry(
  minutes: number,
  action: string,
  more: Partial<AuditEntry> = {},
): Omit<AuditEntry, "seq" | "previous" | "hash"> {
  const target = "rollout/tour";
  return {
    at: at(minutes),
    actor: "rollout",
    role: "system",
    action,
    target,
    reason: null,
    detail: {},
    ...more,
  };
}

/** A run whose clock stands at CLOCK; each tick adds to the audit what was written for that minute. */
async function play(
  before: readonly ReturnType<typeof entry>[],
  minutes: readonly (readonly ReturnType<typeof entry>[])[],
  how: { readonly argv: readonly string[]; readonly apiStatus?: number },
): Promise<CliRun> {
  const log = [...before];
  let now = CLOCK;
  const answerTick = ({ body }: SeenRequest): FakeAnswer => {
    const wanted = Date.parse((body as { at: string }).at);
    const advanced = wanted > now;
    if (advanced) log.push(...(minutes[Math.round((wanted - CLOCK) / MINUTE_MS) - 1] ?? []));
    now = Math.max(now, wanted);
    const happened = advanced ? ['rollout tour: wave "forty" is moved', "2 pins have expired"] : [];
    return { body: { now, advanced, happened, generation: 4 } };
  };
  const api = await startFakeApi({
    answer: (request) => {
      if (request.path === "/") return { body: { ports: [Number(new URL(api.url).port)] } };
      if (request.path === "/tick") return answerTick(request);
      if (how.apiStatus !== undefined) return { status: how.apiStatus, body: {} };
      const items = log.map((each, seq) => ({ ...each, seq, previous: "", hash: "" })).toReversed();
      if (request.path === "/audit") return { body: { items, cursor: null } };
      return { body: { items: [buildRolloutView({ id: "tour" })], cursor: null } };
    },
  });
  const state = await mkdtemp(join(tmpdir(), "firebreak-tick-"));
  await writeFile(join(state, "control.json"), JSON.stringify({ url: api.url }));
  const run = await runCli([...how.argv, "--state", state], { env: { FIREBREAK_URL: "http://127.0.0.1:1" } });
  await rm(state, { recursive: true });
  await api.stop();
  return run;
}

const ASKED = entry(0, "rollout.rollback", { actor: "jo", role: "operator", reason: "slow" });
const STEP = entry(1, "rollout.published", { reason: 'wave "forty": 989 accounts', detail: { moved: 1078 } });

describe("tick", () => {
  it("tells what came of the last command, then each minute, then where rollouts stand", async ({
    expect,
  }) => {
    const old = entry(-5, "rollout.published", { reason: 'wave "staff": 1 account', detail: { moved: 1 } });
    const came = entry(0, "rollout.published", {
      reason: "rolled back 4,001 accounts",
      detail: { moved: 0 },
    });
    const { code, out } = await play([old, ASKED, came], [[STEP]], { argv: ["tick", "--for", "2"] });
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "2099-11-30T06:12:00Z  tour: Rolled back 4,001 accounts; 0 stay moved",
      '2099-11-30T06:13:00Z  tour: Wave "forty": 989 accounts moved, 1,078 in all',
      "2099-11-30T06:13:00Z  2 pins have expired",
      "2099-11-30T06:14:00Z  2 pins have expired",
      expect.stringMatching(/^tour is shifting, 1,030 of 10,000 accounts/),
      "",
    ]);
  });

  it("does not tell again what an earlier tick has told", async ({ expect }) => {
    const told = entry(-1, "rollout.published", { reason: "rolled back 2 accounts", detail: { moved: 0 } });
    const { out } = await play([ASKED, told], [], { argv: ["tick", "--at", at(1)] });
    expect(out).toMatch(/^Ticked\. It is 2099-11-30T06:13:00Z; published so far: generation 4\.\n/);
    expect(out).not.toContain("Rolled back");
  });

  it("tells its own report where the audit cannot be read", async ({ expect }) => {
    const { code, out } = await play([], [], { argv: ["tick", "--for", "1"], apiStatus: 401 });
    expect([code, out]).toEqual([
      0,
      '2099-11-30T06:13:00Z  rollout tour: wave "forty" is moved\n2099-11-30T06:13:00Z  2 pins have expired\n',
    ]);
  });

  it("says that nothing happened, and gives programs every tick", async ({ expect }) => {
    const { out } = await play([ASKED], [], { argv: ["tick", "--for", "2", "--json"] });
    const told: unknown = JSON.parse(out);
    expect(told).toMatchObject({ now: CLOCK + 2 * MINUTE_MS, ticks: [{ now: CLOCK + MINUTE_MS }, {}] });
  });
});
