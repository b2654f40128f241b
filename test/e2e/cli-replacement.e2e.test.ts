/**
 * `version replace` and `version replacement` against a small HTTP server in place of the API: which request each verb
 * sends, what it says afterwards, what a dry run asks and how it ends.
 */
import { afterEach, describe, it } from "vitest";
import { runCli, startFakeApi, type CliRun, type FakeApi, type SeenRequest } from "../support/cli.ts";
import { REPLACEMENT } from "../support/fake-control.ts";

const ALL = "/products/kiln/replacements";
const ONE = `${ALL}/2.8.0`;
const REPLACE = ["replace", "kiln", "2.8.0", "2.8.1", "--reason", "attachments"];
const SHOWN = "kiln 2.8.0 → 2.8.1 is shifting, 50 % moved";

let api: FakeApi | null = null;
afterEach(async () => {
  await api?.stop();
  api = null;
});

async function against(
  body: unknown,
  argv: readonly string[],
): Promise<CliRun & { seen: readonly SeenRequest[] }> {
  api = await startFakeApi({ answer: () => ({ body }) });
  const run = await runCli(["version", ...argv], { env: { FIREBREAK_URL: api.url, FIREBREAK_TOKEN: "t" } });
  return { ...run, seen: api.seen };
}

describe("version replace", () => {
  it.for([
    [REPLACE, "PUT", ONE, { to: "2.8.1", steps: [100], bakeMinutes: 30, throughFreezes: false }],
    [
      [...REPLACE, "--steps", "1,25,100", "--percent-per-minute", "5", "--bake", "60", "--through-freezes"],
      "PUT",
      ONE,
      {
        steps: [1, 25, 100],
        percentPerMinute: 5,
        bakeMinutes: 60,
        throughFreezes: true,
        reason: "attachments",
      },
    ],
    [
      ["replacement", "pause", "kiln", "2.8.0", "--reason", "slow"],
      "POST",
      `${ONE}/pause`,
      { reason: "slow" },
    ],
    [["replacement", "resume", "kiln", "2.8.0"], "POST", `${ONE}/resume`, {}],
    [
      ["replacement", "stop", "kiln", "2.8.0", "--reason", "2.8.2"],
      "POST",
      `${ONE}/stop`,
      { reason: "2.8.2" },
    ],
    [
      ["replacement", "rollback", "kiln", "2.8.0", "--reason", "drafts", "--confirmed"],
      "POST",
      `${ONE}/rollback`,
      { reason: "drafts", confirmed: true },
    ],
  ] as const)("%j sends %s %s", async ([argv, method, path, body], { expect }) => {
    const { code, out, seen } = await against({ ...REPLACEMENT, warnings: ["the default stays"] }, argv);
    expect([code, out]).toEqual([0, expect.stringContaining(SHOWN)]);
    expect(out).toContain("! the default stays\n");
    expect(seen).toMatchObject([{ method, path, body }]);
    expect(seen[0]?.headers).not.toHaveProperty("if-match");
    expect(seen[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("asks what it would mean with --dry-run, and ends with 1 when that is refused", async ({ expect }) => {
    const plan = {
      product: "kiln",
      from: "2.8.0",
      to: "2.8.1",
      problems: ["kiln 2.8.1 is not declared mixed: ok"],
      warnings: ["the default stays"],
      accounts: 1200,
      pins: 1,
      quarantines: 0,
    };
    const { code, out, seen } = await against(plan, [...REPLACE, "--dry-run"]);
    expect(code).toBe(1);
    expect(seen).toMatchObject([
      { method: "POST", path: `${ONE}/plan`, body: { to: "2.8.1", steps: [100] } },
    ]);
    expect(out).toBe(
      [
        "kiln 2.8.0 cannot be replaced by 2.8.1:",
        "  - kiln 2.8.1 is not declared mixed: ok",
        "It is the home of 1,200 accounts; 1 pin and 0 quarantines name it, and follow.",
        "! the default stays",
        "Dry run: nothing was changed.",
        "",
      ].join("\n"),
    );
  });

  it("refuses steps that fall before anything is sent", async ({ expect }) => {
    const { code, err, seen } = await against({}, [...REPLACE, "--steps", "50,25,100"]);
    expect([code, seen]).toEqual([2, []]);
    expect(err).toContain("steps: must rise");
  });

  it("lists and shows", async ({ expect }) => {
    const list = await against({ items: [REPLACEMENT], cursor: null }, ["replacement", "list", "kiln"]);
    expect(list.seen).toMatchObject([{ method: "GET", path: ALL }]);
    expect(list.out).toMatch(/^REPLACED +BY +PHASE +MOVED.*\nkiln 2\.8\.0 +2\.8\.1 +shifting +50 %/);
    await api?.stop();
    const show = await against(REPLACEMENT, ["replacement", "show", "kiln", "2.8.0"]);
    expect(show.seen).toMatchObject([{ method: "GET", path: ONE }]);
    expect(show.out).toMatch(/steps +\[100\] %\npace +5 % a minute/);
  });
});
