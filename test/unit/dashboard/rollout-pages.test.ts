/** A rollout by its pages alone: started, watched, approved, paused, resumed and rolled back, on a real control plane. */
import { describe, it } from "vitest";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must } from "../../support/control-world.ts";
import { createDashboardWorld } from "../../support/dashboard-world.ts";
import { press } from "../../support/press.ts";
import { FRIDAY, HOUR, MINUTE, PLAN, prepareRollouts, tick } from "../../support/rollout-world.ts";

const PAGE = "/rollouts/autumn";
const WAVES = [
  { name: "staff", cohorts: ["internal"], percent: 100 },
  {
    name: "rest",
    cohorts: ["*"],
    percent: 100,
    approve: "before" as const,
    bake: { minutes: 600, requests: 0, workdays: 0 },
  },
];

async function prepare(more: Partial<RolloutInput> = {}) {
  const accounts = Array.from({ length: 30 }, (_unused, n) => `account-${n}`);
  const world = await prepareRollouts(createMemoryDb(), { accounts });
  await must(world, "rollout.create", { id: "autumn", input: { ...PLAN, waves: WAVES, ...more } });
  const { signedIn } = await createDashboardWorld(world);
  return { world, browser: await signedIn() };
}

describe("a rollout by its pages", () => {
  it("shows what its gate sees, once it has looked twice", async ({ expect }) => {
    const numbers = { errorIncreasePercent: 1, alpha: 0.05, minAccounts: 20, mustHave: [] };
    const { world, browser } = await prepare({
      gate: { ...numbers, onFail: "pause", onInconclusive: "hold" },
    });
    const page = async (): Promise<string> => (await browser.get(PAGE)).text();
    expect(await page()).not.toContain("What the gate sees");
    await press(browser, PAGE, /Start$/);
    for (let minutes = 1; minutes < 6; minutes += 1) await tick(world, FRIDAY + minutes * MINUTE);
    expect(await page()).toContain("no edge has reported");
    expect(await page()).toContain("Requests that failed");
    expect(await page()).toContain("Solid: 3 accounts on the target");
  });

  it("is started, approved, paused, resumed and rolled back", { timeout: 30_000 }, async ({ expect }) => {
    const { world, browser } = await prepare();
    const text = async (path = PAGE): Promise<string> =>
      (await (await browser.get(path)).text()).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
    expect(await text()).toContain("draft");
    expect((await press(browser, PAGE, /Start$/)).status).toBe(303);
    for (let minutes = 1; minutes < 20; minutes += 1) await tick(world, FRIDAY + minutes * MINUTE);
    expect(await text()).toContain("Approve wave rest");
    expect(await text()).toContain("Moves 27 accounts");
    const moved = /(\d+) of 30 accounts/;
    expect(moved.exec(await text())?.[1]).toBe("3");
    // Behind what has happened lies the plan for all of them, not for those who are left.
    expect(await text(`${PAGE}?plan=shown`)).toContain("Dashed: the plan, 30 accounts");

    expect((await press(browser, PAGE, /Pause$/, { reason: "lunch" })).status).toBe(303);
    expect(await text()).toContain("lunch");
    expect((await press(browser, PAGE, /Resume$/)).status).toBe(303);
    for (let minutes = 0; minutes < 9; minutes += 1) await tick(world, FRIDAY + HOUR + minutes * MINUTE);
    expect((await press(browser, PAGE, /Approve wave rest$/)).status).toBe(303);
    for (let minutes = 0; minutes < 3; minutes += 1) await tick(world, FRIDAY + 2 * HOUR + minutes * MINUTE);
    expect(moved.exec(await text())?.[1]).toBe("30");

    const preview = `${PAGE}/back?to=0`;
    expect(await text(preview)).toContain("27 accounts go back , 3 moved ones stay");
    const back = await press(browser, preview, /Roll 27 accounts back/, { reason: "slow", confirmed: "yes" });
    expect([back.status, back.headers.get("location")]).toEqual([303, PAGE]);
    for (let minutes = 0; minutes < 6; minutes += 1) await tick(world, FRIDAY + 3 * HOUR + minutes * MINUTE);
    expect(moved.exec(await text())?.[1]).toBe("3");
  });

  it("says in the API's words why a step is refused, and keeps the page", async ({ expect }) => {
    const { browser } = await prepare();
    const answer = await browser.post(`${PAGE}/approve`, { wave: "1" });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    const html = await answer.text();
    expect(html).toContain('role="alert"');
    expect(html).toContain("Rollout autumn");
  });

  it("is not there under another name", async ({ expect }) => {
    const { browser } = await prepare();
    expect((await browser.get("/rollouts/nothing")).status).toBe(404);
    expect(await (await browser.get("/rollouts")).text()).toContain("autumn");
  });
});
