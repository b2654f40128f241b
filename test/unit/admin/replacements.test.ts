/** Replacements over the API: what each route passes on, what it refuses by itself, and what a limited token may name. */
import { describe, it } from "vitest";
import { buildAdmin } from "../../support/admin-builders.ts";

const ALL = "/api/v1/products/kiln/replacements";
const ONE = `${ALL}/2.8.0`;
const OF = { product: "kiln", from: "2.8.0" };
const RAMP = { to: "2.8.1", steps: [1, 100], bakeMinutes: 30, throughFreezes: false };

describe("replacements", () => {
  it.for([
    ["GET", ALL, undefined, "replacements", { product: "kiln" }],
    ["GET", ONE, undefined, "replacement", OF],
    ["POST", `${ONE}/plan`, { to: "2.8.1", steps: [1, 100] }, "replacement.plan", { ...OF, input: RAMP }],
    [
      "PUT",
      ONE,
      { to: "2.8.1", percentPerMinute: 2.5, reason: "fix" },
      "replacement.start",
      { ...OF, input: { ...RAMP, steps: [100], percentPerMinute: 2.5, reason: "fix" } },
    ],
    ["POST", `${ONE}/pause`, { reason: "slow" }, "replacement.pause", { ...OF, input: { reason: "slow" } }],
    ["POST", `${ONE}/resume`, {}, "replacement.resume", { ...OF, input: {} }],
    ["POST", `${ONE}/stop`, { reason: "2.8.2" }, "replacement.stop", { ...OF, input: { reason: "2.8.2" } }],
    [
      "POST",
      `${ONE}/rollback`,
      { reason: "drafts" },
      "replacement.rollback",
      { ...OF, input: { reason: "drafts", confirmed: false } },
    ],
  ] as const)("passes %s %s %j on as %s", async ([method, path, json, name, input], { expect }) => {
    const at = buildAdmin();
    const response = await at.call(path, { method, ...(json === undefined ? {} : { json }) });
    expect(response.status).toBe(200);
    expect(at.control.calls).toMatchObject([{ name, input }]);
  });

  it.for([
    ["steps that fall", { steps: [50, 10, 100] }, "body.steps"],
    ["steps that leave somebody out", { steps: [50] }, "body.steps"],
    ["no target", { to: undefined }, "body.to"],
    ["no reason", { reason: undefined }, "body.reason"],
    ["more than everybody", { percentPerMinute: 101 }, "body.percentPerMinute"],
    ["a field that is not known", { stpes: [100] }, "body"],
  ] as const)("refuses %s, naming the field", async ([, change, path], { expect }) => {
    const at = buildAdmin();
    const json = { to: "2.8.1", reason: "fix", ...change };
    const response = await at.call(ONE, { method: "PUT", json });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(`"${path}"`);
    expect(at.control.calls).toEqual([]);
  });
});
