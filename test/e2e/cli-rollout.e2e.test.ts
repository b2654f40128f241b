/**
 * `rollout` against a small HTTP server in place of the API: which request each verb sends, what it says before and after,
 * how a plan file's mistakes are named, and how a watch ends.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import type { RolloutView } from "../../src/contracts/api/rollouts.ts";
import {
  NOT_FOUND,
  problem,
  runCli,
  startFakeApi,
  type CliOptions,
  type CliRun,
  type FakeAnswer,
  type FakeApi,
  type SeenRequest,
} from "../support/cli.ts";
import { buildPlan, buildRollbackPreview, buildRolloutView } from "../support/rollout-views.ts";

const ID = "2026-11-autumn";
const PLAN = `{
  // who goes first
  "id": "${ID}",
  "targets": { "kiln": "2.9.0" },
  "waves": [
    { "name": "staff", "cohorts": ["internal"], "percent": 100 },
    { "name": "rest", "cohorts": ["*"], "percent": 100, "window": "weekend-nights", },
  ],
}`;
const PARSED = {
  id: ID,
  targets: { kiln: "2.9.0" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100 },
    { name: "rest", cohorts: ["*"], percent: 100, window: "weekend-nights" },
  ],
};

let api: FakeApi | null = null;
let folder = "";
let file = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-rollout-e2e-"));
  file = join(folder, "autumn.jsonc");
  await writeFile(file, PLAN);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  await api?.stop();
  api = null;
});

type Seen = readonly SeenRequest[];

async function against(
  answer: (request: SeenRequest) => FakeAnswer,
  argv: readonly string[],
  options: CliOptions = {},
): Promise<CliRun & { seen: Seen }> {
  api = await startFakeApi({ answer });
  const run = await runCli(["rollout", ...argv], {
    ...options,
    env: { FIREBREAK_URL: api.url, FIREBREAK_TOKEN: "t", ...options.env },
  });
  return { ...run, seen: api.seen };
}

const view = (changes: Partial<RolloutView> = {}): ((request?: Partial<SeenRequest>) => FakeAnswer) => {
  return ({ path } = {}) => ({
    body: path?.endsWith("/preview") === true ? buildRollbackPreview() : buildRolloutView(changes),
  });
};
const writes = (seen: Seen): Seen =>
  seen.filter(({ method, path }) => method !== "GET" && !path.endsWith("/preview"));

describe("steps of a rollout", () => {
  const ONE = `/rollouts/${ID}`;
  const DIGEST = "ab".repeat(32);

  it.for([
    [["start", ID], `${ONE}/start`, { again: false }],
    [
      ["start", ID, "--digest", DIGEST, "--reason", "go"],
      `${ONE}/start`,
      { digest: DIGEST, again: false, reason: "go" },
    ],
    [["pause", ID, "--reason", "slow"], `${ONE}/pause`, { reason: "slow" }],
    [["resume", ID, "--again"], `${ONE}/resume`, { again: true }],
    [["stop", ID, "--reason", "done"], `${ONE}/stop`, { reason: "done" }],
    [["approve", ID, "rest"], `${ONE}/approve`, { wave: 2 }],
    [["approve", ID, "default/fogbugz"], `${ONE}/approve`, { default: "fogbugz" }],
    [["waive-gate", ID, "1", "--reason", "night"], `${ONE}/waive-gate`, { wave: 1, reason: "night" }],
    [["adopt", "next", "--from", ID], "/rollouts/next/adopt", { from: ID }],
    [["adopt", ID], `${ONE}/adopt`, {}],
    [["rollback", ID, "--reason", "bad", "--yes"], `${ONE}/rollback`, { confirmed: false, reason: "bad" }],
    [
      ["rollback", ID, "--all", "--reason", "bad", "--yes", "--confirmed", "--percent-per-minute", "5"],
      `${ONE}/rollback`,
      { confirmed: true, percentPerMinute: 5, reason: "bad" },
    ],
    [
      ["rollback", ID, "--to-wave", "staff", "--reason", "bad", "--yes"],
      `${ONE}/rollback`,
      { toWave: 0, confirmed: false, reason: "bad" },
    ],
    [
      ["rollback", ID, "--where", "cohort=early", "--where", "tier=gold", "--reason", "bad", "--yes"],
      `${ONE}/rollback`,
      { where: { cohort: "early", labels: { tier: "gold" } }, confirmed: false, reason: "bad" },
    ],
  ] as const)("%j posts to %s", async ([argv, path, body], { expect }) => {
    const { code, out, seen } = await against(view(), argv);
    expect([code, out]).toEqual([0, expect.stringContaining(`${ID} is shifting`)]);
    expect(writes(seen)).toMatchObject([{ method: "POST", path, body }]);
    expect(writes(seen)[0]?.headers).not.toHaveProperty("if-match");
    expect(writes(seen)[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.for([
    ["start", ID],
    ["pause", ID, "--reason", "x"],
    ["resume", ID],
    ["stop", ID, "--reason", "x"],
    ["approve", ID, "rest"],
    ["waive-gate", ID, "forty", "--reason", "x"],
    ["adopt", ID],
    ["rollback", ID, "--reason", "x"],
    ["delete", ID],
    ["create", "FILE", "--replace"],
  ])("%j changes nothing with --dry-run", async (argv, { expect }) => {
    const words = argv.map((word) => (word === "FILE" ? file : word));
    const { code, out, seen } = await against(view(), [...words, "--dry-run"]);
    expect([code, writes(seen)]).toEqual([0, []]);
    expect(out).toContain("Dry run: nothing was sent.");
  });

  it("says before and after how many accounts an approval moves", async ({ expect }) => {
    const { out, err } = await against(view(), ["approve", ID, "forty"]);
    const said = 'Wave 1 "forty" moves 2,970 accounts, 990 accounts of it have moved already.';
    expect(err).toBe(`${said}\n`);
    expect(out).toContain(`Approved. ${said}`);
  });

  it("approves nothing when there is no such wave", async ({ expect }) => {
    const { code, err, seen } = await against(view(), ["approve", ID, "fourty"]);
    expect([code, writes(seen)]).toEqual([2, []]);
    expect(err).toContain("0 staff, 1 forty, 2 rest");
  });

  it("only says what a rollback would do until it is told yes", async ({ expect }) => {
    const { code, out, seen } = await against(view(), ["rollback", ID, "--reason", "bad"]);
    expect([code, writes(seen)]).toEqual([1, []]);
    expect(out).toMatch(/^Takes 1,030 accounts back .*\nNothing was done\. The same with --yes does it\.\n$/);
  });

  it("passes on what has to be confirmed", async ({ expect }) => {
    const refuse = problem("conflict", 409, { confirm: ["kiln 2.9.0 is not declared reversible"] });
    const { code, err } = await against(
      (request) => (request.method === "GET" ? view()() : refuse),
      ["rollback", ID, "--reason", "bad", "--yes"],
    );
    expect(code).toBe(1);
    expect(err).toContain("kiln 2.9.0 is not declared reversible");
  });

  it.for([
    [["rollback", ID, "--all", "--to-wave", "staff", "--reason", "x"], /exclude each other/],
    [["rollback", ID, "--where", "cohort", "--reason", "x"], /cohort=NAME/],
    [["rollback", ID, "--percent-per-minute", "x", "--reason", "x"], /number from 0 to 100/],
    [["rollback", ID], /--reason/],
    [["start", ID, "--digest", "abc"], /64 digits/],
    [["pause", ID], /--reason/],
    [["show", "Not An Id"], /lower-case/],
    [["plan", "Not An Id"], /lower-case/],
  ] as const)("%j is refused before anything is sent", async ([argv, message], { expect }) => {
    const { code, err, seen } = await against(view(), argv);
    expect([code, writes(seen)]).toEqual([2, []]);
    expect(err).toMatch(message);
  });
});

describe("plan files", () => {
  it("are planned with a freeze that is not there", async ({ expect }) => {
    const { code, seen } = await against(
      () => ({ body: buildPlan() }),
      ["plan", ID, "--with-freeze", "2026-12-20/2027-01-03", "--freeze-label", "tier=gold"],
    );
    expect(code).toBe(0);
    expect(JSON.parse(seen[0]?.query["withFreeze"] ?? "")).toEqual({
      from: "2026-12-20",
      to: "2027-01-03",
      zone: "account",
      scope: { labels: { tier: "gold" } },
      reason: "what if",
    });
    const wrong = await against(() => ({ body: buildPlan() }), ["plan", ID, "--with-freeze", "2026-12-20"]);
    expect([wrong.code, wrong.seen]).toEqual([2, []]);
    const stray = await against(() => ({ body: buildPlan() }), ["plan", ID, "--freeze-label", "a=b"]);
    expect([stray.code, stray.seen]).toEqual([2, []]);
  });

  it("are planned without being written down", async ({ expect }) => {
    const { code, out, seen } = await against(
      () => ({ body: buildPlan({ salt: null }) }),
      ["plan", file, "--before", "2026-12-20T00:00:00Z", "--label", "tier"],
    );
    expect(code).toBe(0);
    expect(out).toContain("Critical path");
    expect(seen).toMatchObject([
      {
        method: "POST",
        path: "/rollouts/plan",
        query: { before: "2026-12-20T00:00:00Z", label: "tier" },
        body: PARSED,
      },
    ]);
  });

  it("are not needed for a draft: its id is enough, even one with dots", async ({ expect }) => {
    const { seen } = await against(() => ({ body: buildPlan() }), ["plan", "kiln-2.9.0"]);
    expect(seen).toMatchObject([{ method: "GET", path: "/rollouts/kiln-2.9.0/plan" }]);
  });

  it("exit 1 while they could not be started", async ({ expect }) => {
    const problems = [{ path: ["targets", "kiln"], message: "is marked bad" }];
    const { code, out } = await against(() => ({ body: buildPlan({ problems }) }), ["plan", ID, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ problems });
  });

  it("become drafts, under another id when told", async ({ expect }) => {
    const { code, out, seen } = await against(
      (request) => (request.method === "GET" ? NOT_FOUND : view({ phase: "draft" })()),
      ["create", "-", "--id", "other"],
      { input: PLAN },
    );
    expect(code).toBe(0);
    expect(out).toContain(`Next: npm run -s firebreak -- rollout plan ${ID}`);
    expect(writes(seen)).toMatchObject([
      { method: "PUT", path: "/rollouts/other", body: { ...PARSED, id: "other" } },
    ]);
  });

  it("never overwrite a rollout by themselves, and a draft only as it was read", async ({ expect }) => {
    const refused = await against(view({ phase: "draft" }), ["create", file]);
    expect([refused.code, writes(refused.seen)]).toEqual([1, []]);
    expect(refused.err).toContain("--replace");
    await api?.stop();
    const started = await against(view({ phase: "rolled-back" }), ["create", file]);
    expect([started.code, writes(started.seen)]).toEqual([1, []]);
    expect(started.err).toContain(`\`--id ${ID}-2\``);
    expect(started.err).not.toContain("--replace");
    await api?.stop();
    const replaced = await against(view({ phase: "draft", revision: 5 }), ["create", file, "--replace"]);
    expect(writes(replaced.seen)[0]?.headers["if-match"]).toBe('"5"');
  });

  it.for([
    ["no JSON", "{ id: 1 }", /double quotes is expected \(line 1, column 3\)/],
    ["a list", "[]", /the plan: /],
    ["a missing field", `{"id": "a", "targets": {"kiln": "1"}}`, /^ +waves: /m],
    [
      "a percent too much",
      `{"id":"a","targets":{"kiln":"1"},"waves":[{"name":"w","cohorts":["*"],"percent":120}]}`,
      /^ +waves\[0\]\.percent: /m,
    ],
    [
      "an unknown field",
      `{"id":"a","targets":{"kiln":"1"},"waves":[{"name":"w","cohorts":["*"],"percent":1,"windows":"x"}]}`,
      /^ +waves\[0\]: .*windows/m,
    ],
    [
      "a window of its own with a wrong clock",
      `{"id":"a","targets":{"kiln":"1"},"waves":[{"name":"w","cohorts":["*"],"percent":1,"window":{"from":"25:00","to":"02:00","zone":"account"}}]}`,
      /^ +waves\[0\]\.window.*\.from: /m,
    ],
    [
      "the default in a wave",
      `{"id":"a","targets":{"kiln":"1"},"waves":[{"name":"w","cohorts":["*"],"percent":1,"default":true}]}`,
      /^ +waves\[0\]\.default: the default is no part of a wave/m,
    ],
  ] as const)(
    "with %s are refused by field, before anything is sent",
    async ([, input, message], { expect }) => {
      const { code, err, seen } = await against(view(), ["create", "-"], { input });
      expect([code, seen]).toEqual([2, []]);
      expect(err).toMatch(message);
    },
  );

  it("that are not there are said not to be", async ({ expect }) => {
    const { code, err } = await against(view(), ["create", join(folder, "none.json")]);
    expect([code, err]).toEqual([1, expect.stringContaining("There is no such file")]);
  });
});

describe("watching", () => {
  /** Answers one view after the other, the last one again and again. */
  function frames(...list: readonly (Partial<RolloutView> | null)[]): () => FakeAnswer {
    let at = 0;
    return () => {
      const frame = list[Math.min(at++, list.length - 1)];
      return frame === null || frame === undefined ? problem("control-unavailable", 503) : view(frame)();
    };
  }

  it("writes a line when something changes, and ends when it is over", async ({ expect }) => {
    const answer = frames({}, {}, null, { moved: 2000 }, { phase: "completed", reason: "All moved" });
    const { code, out, err, seen } = await against(answer, ["watch", ID]);
    expect([code, seen.length]).toEqual([0, 5]);
    expect(out.trimEnd().split("\n")).toEqual([
      expect.stringContaining("1,030 of"),
      expect.stringContaining("2,000 of"),
      expect.stringContaining("is completed"),
    ]);
    expect(err).toContain("looking again");
  });

  it.for(["stopped", "rolled-back"] as const)("exits 1 when it was %s", async (phase, { expect }) => {
    expect((await against(frames({}, { phase }), ["watch", ID])).code).toBe(1);
  });

  it("writes one document a line for programs", async ({ expect }) => {
    const { out } = await against(frames({}, { phase: "completed" }), ["watch", ID, "--json"]);
    const phases = out
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as RolloutView).phase);
    expect(phases).toEqual(["shifting", "completed"]);
  });

  it("redraws in place on a screen", async ({ expect }) => {
    const { out } = await against(frames({}, { phase: "completed" }), ["watch", ID], { columns: 200 });
    expect(out).toMatch(/^rollout +2026-11-autumn\n/);
    expect(out.split("\u001b[J")).toHaveLength(2);
  });

  it("does not begin with a rollout that is not there", async ({ expect }) => {
    const { code, seen } = await against(() => NOT_FOUND, ["watch", ID]);
    expect([code, seen.length]).toEqual([1, 1]);
  });
});

describe("reading", () => {
  it("shows a rollout to programs as it came", async ({ expect }) => {
    const newer = { ...buildRolloutView(), invented: 1 };
    const { out } = await against(() => ({ body: newer }), ["show", ID, "--json"]);
    expect(JSON.parse(out)).toEqual(newer);
  });

  it("passes a time that explain is asked about on, so that the API can say no", async ({ expect }) => {
    api = await startFakeApi({ answer: () => problem("invalid", 400) });
    const env = { FIREBREAK_URL: api.url, FIREBREAK_TOKEN: "t" };
    const at = "2026-11-28T22:05:00Z";
    const { code } = await runCli(["explain", "acme.kiln.example.com", "--at", at], { env });
    expect([code, api.seen[0]?.query]).toEqual([1, { host: "acme.kiln.example.com", method: "GET", at }]);
  });

  it("lists rollouts, and who was left behind", async ({ expect }) => {
    const list = await against(() => ({ body: { items: [buildRolloutView()], cursor: null } }), ["list"]);
    expect(list.out).toMatch(/^ROLLOUT\s+TARGETS\s+PHASE/);
    await api?.stop();
    const left = { items: [{ account: "acme", reason: "pinned" }], cursor: "c1" };
    const page = await against(() => ({ body: left }), ["left-behind", ID, "--limit", "1"]);
    expect(page.out).toMatch(/^acme\s+pinned\b/m);
    expect(page.err).toContain("--cursor c1");
    expect(page.seen).toMatchObject([{ path: `/rollouts/${ID}/left-behind`, query: { limit: "1" } }]);
  });
});
