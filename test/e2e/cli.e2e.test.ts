/**
 * The command line against a small HTTP server that speaks the API routes it needs: requests sent, answers shown, errors
 * in words, exit codes, and that the token shows up nowhere. Some runs are the real process, started as operators do.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import type { Account } from "../../src/contracts/api/accounts.ts";
import type { AuditEntry } from "../../src/contracts/api/operations.ts";
import type { Status } from "../../src/contracts/api/status.ts";
import type { Product, Version } from "../../src/contracts/api/products.ts";
import { auditHash } from "../../scripts/cli/audit-chain.ts";
import {
  NOT_FOUND,
  problem,
  runCli,
  spawnCli,
  startFakeApi,
  type CliOptions,
  type CliRun,
  type FakeAnswer,
  type FakeApi,
  type SeenRequest,
} from "../support/cli.ts";

const TOKEN = "secret-token-4711";
let api: FakeApi | null = null;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-cli-e2e-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  await api?.stop();
  api = null;
});

/** Runs one command line against a server with these answers. */
async function against(
  answer: (request: SeenRequest) => FakeAnswer,
  argv: readonly string[],
  options: CliOptions = {},
): Promise<CliRun & { seen: readonly SeenRequest[] }> {
  api ??= await startFakeApi({ answer });
  const run = await runCli(argv, {
    ...options,
    env: { FIREBREAK_URL: api.url, FIREBREAK_TOKEN: TOKEN, ...options.env },
  });
  return { ...run, seen: api.seen };
}

const AT = "2026-11-28T22:05:00.000Z";
const ACCOUNT: Account = {
  account: "acme",
  timeZone: "Europe/Paris",
  cohort: "early",
  labels: { tier: "gold" },
  cell: null,
  domains: [{ host: "code.acme.example", product: "kiln" }],
  homes: { kiln: "2.8.0" },
  pins: {},
  quarantine: {},
  hold: null,
  deferral: null,
  deleted: null,
  createdAt: AT,
  updatedAt: AT,
  visibleBy: null,
  revision: 7,
};
const PRODUCT: Product = {
  name: "kiln",
  domains: ["kiln.example.com"],
  timeouts: [],
  stable: "2.8.0",
  default: "2.8.0",
  standby: null,
  hold: null,
  fourEyes: false,
  pendingDefault: null,
  fleet: null,
  accounts: 12345,
  revision: 3,
};
const VERSION: Version = {
  product: "kiln",
  name: "2.9.0",
  origin: "https://kiln-2-9-0.origins.example.net",
  state: "candidate",
  reversible: true,
  mixed: "ok",
  migration: { kind: "none" },
  events: null,
  connections: null,
  switchOff: null,
  assets: [],
  upgradesFrom: ["2.8.0"],
  requires: {},
  notes: "",
  bad: null,
  accounts: 0,
  registeredAt: AT,
  revision: 2,
};

describe("reading", () => {
  it("sends the token and shows a table to people", async ({ expect }) => {
    const { code, out, err, seen } = await against(
      () => ({ body: { items: [PRODUCT], cursor: null } }),
      ["product", "list"],
    );
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^PRODUCT\s+DOMAINS\s+STABLE\s+DEFAULT \(UNKNOWN ACCOUNTS\)/);
    expect(out).toMatch(/^kiln\s+kiln\.example\.com\s+2\.8\.0\s+2\.8\.0\s+–\s+12,345\s+–$/m);
    expect(seen).toMatchObject([
      { method: "GET", path: "/products", headers: { authorization: `Bearer ${TOKEN}` } },
    ]);
  });

  it("keeps fields it does not know for programs", async ({ expect }) => {
    const newer = { ...ACCOUNT, invented: true };
    const { out } = await against(() => ({ body: newer }), ["account", "show", "acme", "--json"]);
    expect(JSON.parse(out)).toEqual(newer);
  });

  it("shows one page and the way to the next, or every page with --all", async ({ expect }) => {
    const pages = (request: SeenRequest): FakeAnswer => {
      const second = request.query["cursor"] === "c1";
      return { body: { items: [{ ...ACCOUNT, account: second ? "b" : "a" }], cursor: second ? null : "c1" } };
    };
    const one = await against(pages, [
      "accounts",
      "list",
      "--cohort",
      "early",
      "--product",
      "kiln",
      "--on",
      "2.8.0",
      "--limit",
      "1",
    ]);
    expect(one.err).toContain("more with --cursor c1 or --all");
    expect(one.seen[0]?.query).toEqual({ cohort: "early", product: "kiln", version: "2.8.0", limit: "1" });
    const all = await against(pages, ["accounts", "list", "--all", "--json"]);
    expect(JSON.parse(all.out)).toMatchObject({ items: [{ account: "a" }, { account: "b" }], cursor: null });
  });

  it.for([
    ["a host", ["explain", "acme.kiln.example.com"], { host: "acme.kiln.example.com", method: "GET" }],
    ["an empty Host", ["explain", "", "--method", "options"], { host: "", method: "OPTIONS" }],
    ["a request without Host", ["explain"], { method: "GET" }],
  ] as const)("explains %s", async ([, argv, query], { expect }) => {
    const explain = {
      host: "",
      class: "none",
      product: null,
      account: null,
      version: null,
      origin: null,
      reason: "health",
      generation: 4711,
      sentence: "Answered by the router alone.",
    };
    const { code, out, seen } = await against(() => ({ body: explain }), [...argv, "--json"]);
    expect(code).toBe(0);
    expect(seen[0]?.query).toEqual(query);
    expect(JSON.parse(out)).toEqual(explain);
  });

  it("shows the status with alarms and their first commands, then warnings, first", async ({ expect }) => {
    const status: Status = {
      now: AT,
      halt: { on: true, reason: "looking", by: "jo", at: AT },
      breakGlass: { active: true, reason: "KV", expires: AT, by: "kv", written: null, does: [] },
      published: {
        generation: 4711,
        at: AT,
        state: "blocked",
        waiting: 2,
        oldestSeconds: 61.4,
        problem: "too many removals",
      },
      seen: {
        generations: [
          { generation: 4710, share: 0.25, isolates: 1 },
          { generation: 4711, share: 0.75, isolates: 3 },
        ],
        highest: 4711,
        breakGlassShare: 0.5,
        breakGlassIsolates: 2,
      },
      router: null,
      environment: null,
      lastTick: AT,
      counting: { requests: 12_345, droppedReports: 1, droppedRequests: 67, droppedRequestsLastHour: 8 },
      accounts: 10000,
      domains: 1,
      products: [
        {
          name: "kiln",
          stable: "2.8.0",
          default: "2.8.0",
          standby: null,
          mode: "active",
          versions: { "2.8.0": 9999, "2.9.0": 1 },
        },
      ],
      rollouts: [
        {
          id: "night",
          targets: { kiln: "2.9.0" },
          phase: "shifting",
          wave: "forty",
          reason: 'Wave "forty" moves',
          moved: 2197,
          accounts: 9990,
        },
      ],
      replacements: [
        { product: "kiln", from: "2.8.0", to: "2.8.1", percent: 25, phase: "baking", reason: "25 %; baking" },
      ],
      alarms: [
        {
          name: "halt-active",
          subject: "",
          level: "page",
          words: "Everything automatic is halted by jo: looking",
          firstCommand: "firebreak halt off --reason …",
          since: AT,
          raisedAt: AT,
        },
      ],
      waiting: [],
      warnings: ["The default of kiln is not live"],
    };
    const { out } = await against(() => ({ body: status }), ["status"]);
    expect(out).toMatch(
      /^! page: Everything automatic is halted by jo: looking\n {4}first: npm run -s firebreak -- halt off --reason …\n! The default of kiln is not live\n/,
    );
    expect(out).toContain("Halt is ON, nothing moves forward: looking (jo, 2026-11-28T22:05:00Z)");
    expect(out).toContain(
      "ACTIVE: KV, expires 2026-11-28T22:05:00Z; on 50 % of the traffic; see `npm run -s firebreak -- break-glass show`",
    );
    expect(out).toContain(
      "generation 4711, 2026-11-28T22:05:00Z; blocked, 2 changes waiting, the oldest for 61 s",
    );
    expect(out).toMatch(
      /generation 4711: 75 % of the requests, 3 isolates\n\s+generation 4710: 25 % of the requests, 1 isolate\n/,
    );
    expect(out).toContain("2.8.0: 9,999, 2.9.0: 1");
    expect(out).toMatch(/night +kiln 2\.9\.0 +2,197 of 9,990 +shifting +forty +Wave "forty" moves/);
    expect(out).toMatch(/kiln 2\.8\.0 +2\.8\.1 +25 % +baking +25 %; baking/);
  });
});

describe("changing", () => {
  it.for([
    [
      ["product", "stable", "kiln", "2.9.0", "--reason", "baked"],
      "POST",
      "/products/kiln/stable",
      { version: "2.9.0", reason: "baked" },
      {},
    ],
    [
      ["product", "release", "kiln", "--reason", "done"],
      "DELETE",
      "/products/kiln/hold",
      null,
      { reason: "done" },
    ],
    [
      ["product", "hold", "kiln", "--read-only", "--reason", "move"],
      "PUT",
      "/products/kiln/hold",
      { mode: "readOnly", message: null, until: null, reason: "move" },
      {},
    ],
    [
      ["default", "promote", "kiln", "2.9.0", "--reason", "baked", "--force"],
      "POST",
      "/products/kiln/default",
      { version: "2.9.0", reason: "baked", force: true },
      {},
    ],
    [
      ["version", "state", "kiln", "2.9.0", "live", "--reason", "ok"],
      "POST",
      "/products/kiln/versions/2.9.0/state",
      { state: "live", reason: "ok" },
      {},
    ],
    [
      ["account", "pin", "acme", "kiln", "2.8.0", "--reason", "r", "--expires", AT],
      "PUT",
      "/accounts/acme/pins/kiln",
      { version: "2.8.0", reason: "r", expires: AT },
      {},
    ],
    [
      ["account", "unpin", "acme", "kiln", "--reason", "r"],
      "DELETE",
      "/accounts/acme/pins/kiln",
      null,
      { reason: "r" },
    ],
    [
      ["account", "quarantine", "acme", "kiln", "2.8.0", "--reason", "r"],
      "PUT",
      "/accounts/acme/quarantine/kiln",
      { version: "2.8.0", reason: "r" },
      {},
    ],
    [
      ["account", "unquarantine", "acme", "kiln", "--reason", "r"],
      "DELETE",
      "/accounts/acme/quarantine/kiln",
      null,
      { reason: "r" },
    ],
    [
      ["account", "hold", "acme", "--message", "m", "--reason", "r"],
      "PUT",
      "/accounts/acme/hold",
      { mode: "page", message: "m", until: null, reason: "r" },
      {},
    ],
    [["account", "release", "acme", "--reason", "r"], "DELETE", "/accounts/acme/hold", null, { reason: "r" }],
    [
      ["account", "defer", "acme", "--until", AT, "--owner", "Jo", "--reason", "r"],
      "PUT",
      "/accounts/acme/deferral",
      { until: AT, reason: "r", owner: "Jo" },
      {},
    ],
    [
      ["account", "undefer", "acme", "--reason", "r"],
      "DELETE",
      "/accounts/acme/deferral",
      null,
      { reason: "r" },
    ],
    [
      ["account", "delete", "acme", "--reason", "r & s"],
      "DELETE",
      "/accounts/acme",
      null,
      { reason: "r & s" },
    ],
    [["window", "delete", "nights", "--reason", "r"], "DELETE", "/windows/nights", null, { reason: "r" }],
    [["freeze", "delete", "close", "--reason", "r"], "DELETE", "/freezes/close", null, { reason: "r" }],
    [
      ["preflight", "waive", "kiln", "2.9.0", "get-ip@eu1", "--reason", "r"],
      "PUT",
      "/products/kiln/versions/2.9.0/preflight/waivers/get-ip%40eu1",
      { target: "wave", reason: "r" },
      {},
    ],
    [
      ["preflight", "unwaive", "kiln", "2.9.0", "get-ip", "--for", "default", "--reason", "r"],
      "DELETE",
      "/products/kiln/versions/2.9.0/preflight/waivers/get-ip",
      null,
      { target: "default", reason: "r" },
    ],
    [["halt", "on", "--reason", "r"], "PUT", "/halt", { on: true, reason: "r" }, {}],
    [["halt", "off", "--reason", "r"], "PUT", "/halt", { on: false, reason: "r" }, {}],
    [
      ["override", "issue", "kiln", "acme", "2.9.0", "--minutes", "5", "--reason", "r"],
      "POST",
      "/overrides",
      { product: "kiln", account: "acme", version: "2.9.0", minutes: 5, reason: "r" },
      {},
    ],
    [["override", "revoke", "--reason", "r"], "POST", "/overrides/revoke", { reason: "r" }, {}],
    [
      ["token", "create", "ci", "--role", "deployer", "--products", "kiln"],
      "POST",
      "/tokens",
      { name: "ci", role: "deployer", products: ["kiln"], expires: null },
      {},
    ],
    [["token", "revoke", "ci", "--reason", "r"], "DELETE", "/tokens/ci", null, { reason: "r" }],
  ] as const)("%s", async ([argv, method, path, body, query], { expect }) => {
    const { seen } = await against(() => NOT_FOUND, argv);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method, path, body, query });
    expect(seen[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
    const dry = await against(() => NOT_FOUND, [...argv, "--dry-run"]);
    expect([dry.code, dry.seen.length]).toEqual([0, 1]);
    expect(dry.out).toContain(`Would send ${method} ${api?.url}/api/v1${path}`);
    expect(dry.out).not.toContain(TOKEN);
  });

  it("edits an account: reads it, changes what is named, sends the revision it saw", async ({ expect }) => {
    const argv = [
      "account",
      "put",
      "acme",
      "--label",
      "plan=team",
      "--remove-label",
      "tier",
      "--cohort",
      "general",
    ];
    const { code, seen } = await against(() => ({ body: ACCOUNT }), argv);
    expect(code).toBe(0);
    expect(seen[1]).toMatchObject({
      method: "PUT",
      headers: { "if-match": '"7"' },
      body: { timeZone: "Europe/Paris", cohort: "general", labels: { plan: "team" } },
    });
    expect(Object.keys(seen[1]?.body as object)).toEqual(["timeZone", "cohort", "labels"]);
  });

  it("shows the difference of an edit in a dry run, for people and for programs", async ({ expect }) => {
    const people = await against(
      () => ({ body: ACCOUNT }),
      ["account", "put", "acme", "--cohort", "general", "--dry-run"],
    );
    expect(people.out).toContain(
      "Difference:\n  cohort\n  - early\n  + general\nDry run: nothing was sent. Whether it would be accepted only the server knows.\n",
    );
    const program = await against(
      () => ({ body: ACCOUNT }),
      ["account", "put", "acme", "--cohort", "early", "--dry-run", "--json"],
    );
    expect(JSON.parse(program.out)).toMatchObject({ dryRun: true, request: { method: "PUT" }, changes: [] });
    expect(people.seen.every(({ method }) => method === "GET")).toBe(true);
  });

  it("keeps what is declared about a version when only one thing is named", async ({ expect }) => {
    const { seen } = await against(
      () => ({ body: VERSION }),
      ["version", "register", "kiln", "2.9.0", "--upgrades-from", "any", "--requires", "fogbugz=8.8.0,8.8.1"],
    );
    expect(seen[1]).toMatchObject({
      method: "PUT",
      path: "/products/kiln/versions/2.9.0",
      headers: { "if-match": '"2"' },
      body: {
        origin: VERSION.origin,
        reversible: true,
        mixed: "ok",
        upgradesFrom: null,
        requires: { fogbugz: ["8.8.0", "8.8.1"] },
        notes: "",
      },
    });
  });

  it("registers a new version with the safe defaults, and needs an origin for it", async ({ expect }) => {
    const answer = (request: SeenRequest): FakeAnswer =>
      request.method === "GET" ? NOT_FOUND : { body: VERSION };
    const bare = await against(answer, ["version", "register", "kiln", "2.9.0"]);
    expect([bare.code, bare.err]).toEqual([2, expect.stringContaining("needs --origin") as string]);
    const made = await against(answer, ["version", "register", "kiln", "2.9.0", "--origin", VERSION.origin]);
    expect(made.code).toBe(0);
    expect(made.seen.at(-1)).toMatchObject({
      body: { origin: VERSION.origin, reversible: false, mixed: "never", upgradesFrom: null, requires: {} },
    });
    expect(made.seen.at(-1)?.headers["if-match"]).toBeUndefined();
  });

  it("replaces a product's time-outs only when some are named", async ({ expect }) => {
    const current = { ...PRODUCT, timeouts: [{ prefix: "/git", seconds: 300 }] };
    const kept = await against(
      () => ({ body: current }),
      ["product", "put", "kiln", "--domain", "a.example", "--domain", "b.example"],
    );
    expect(kept.seen[1]?.body).toEqual({ domains: ["a.example", "b.example"], timeouts: current.timeouts });
    const replaced = await against(
      () => ({ body: current }),
      ["product", "put", "kiln", "--timeout", "/export=600"],
    );
    expect(replaced.seen[3]?.body).toEqual({
      domains: PRODUCT.domains,
      timeouts: [{ prefix: "/export", seconds: 600 }],
    });
  });

  it("prints a new token once, and says so", async ({ expect }) => {
    const issued = {
      name: "ci",
      role: "deployer",
      products: null,
      expires: null,
      createdAt: AT,
      createdBy: "jo",
      revokedAt: null,
      token: "fb_new",
    };
    const { out } = await against(
      () => ({ status: 201, body: issued }),
      ["token", "create", "ci", "--role", "deployer"],
    );
    expect(out).toMatch(/not shown again:\nfb_new\n$/);
  });
});

describe("refusals", () => {
  it("are shown as title, detail, evidence, what to do next and request id, with exit code 1", async ({
    expect,
  }) => {
    const answer = problem("in-use", 409, { references: ["stable of kiln"] });
    const { code, out, err } = await against(
      () => answer,
      ["version", "state", "kiln", "2.8.0", "retired", "--reason", "old"],
    );
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(
      "Title of in-use\n  Detail of in-use.\n  references:\n    - stable of kiln\n" +
        "  Next: Release what refers to it first; the list above says what.\n  Request req-1 (409, in-use)\n",
    );
  });

  it("are the problem document on standard error for programs", async ({ expect }) => {
    const { code, out, err } = await against(() => problem("unauthorized", 401), ["status", "--json"]);
    expect([code, out]).toEqual([1, ""]);
    expect(JSON.parse(err)).toMatchObject({
      type: "urn:firebreak:problem:unauthorized",
      status: 401,
      instance: "req-1",
      next: expect.stringContaining("FIREBREAK_TOKEN") as string,
    });
    expect(err).not.toContain(TOKEN);
  });

  it("of something that is no Firebreak are called that, without its control characters", async ({
    expect,
  }) => {
    const { code, err } = await against(
      () => ({ status: 404, body: "<h1>\u001b[2JNot here</h1>" }),
      ["status"],
    );
    expect(code).toBe(1);
    expect(err).toContain("not the answer of a Firebreak");
    expect(err).toContain("HTTP 404 Not Found: <h1> [2JNot here</h1>");
    expect(err).not.toContain("\u001b");
  });

  it("of an answer in another shape name the field", async ({ expect }) => {
    const { code, err } = await against(
      () => ({ body: { ...PRODUCT, domains: "kiln" } }),
      ["product", "show", "kiln"],
    );
    expect(code).toBe(1);
    expect(err).toMatch(/domains: /);
  });
});

describe("audit list --verify", () => {
  function chain(length: number): AuditEntry[] {
    const entries: AuditEntry[] = [];
    let previous = "0".repeat(64);
    for (let seq = 1; seq <= length; seq++) {
      const entry = {
        seq,
        at: AT,
        actor: "jo",
        role: "admin",
        action: "halt.set",
        target: "halt",
        reason: "r",
        detail: { on: true },
        previous,
      };
      previous = auditHash(entry);
      entries.unshift({ ...entry, hash: previous });
    }
    return entries;
  }
  const paged =
    (entries: readonly AuditEntry[]) =>
    (request: SeenRequest): FakeAnswer => {
      const start = Number(request.query["cursor"] ?? 0);
      return {
        body: {
          items: entries.slice(start, start + 10),
          cursor: start + 10 < entries.length ? String(start + 10) : null,
        },
      };
    };

  it("follows every page and names the newest hash", async ({ expect }) => {
    const entries = chain(25);
    const { code, out, seen } = await against(paged(entries), ["audit", "list", "--verify"]);
    expect(code).toBe(0);
    expect(out).toBe(`The chain of 25 entries holds.\nNewest hash: ${entries[0]?.hash}\n`);
    expect(seen).toHaveLength(3);
  });

  it("finds a tampered entry across pages and exits 1", async ({ expect }) => {
    const entries = chain(25).map((entry) => (entry.seq === 12 ? { ...entry, reason: "nicer" } : entry));
    const { code, err } = await against(paged(entries), ["audit", "list", "--verify"]);
    expect(code).toBe(1);
    expect(err).toContain("entry 12 was changed");
  });
});

describe("files of the API", () => {
  it("writes a dump under its name only when it is whole", async ({ expect }) => {
    const good = '{"key":"root","value":"x"}\n{"key":"break-glass","value":"{}"}\n';
    const file = join(folder, "dump.ndjson");
    const saved = await against(
      (request) => ({ body: request.query["generation"] === "9" ? good : `${good}{"key":"ro` }),
      ["maps", "dump", "--out", file, "--generation", "9"],
    );
    expect([saved.code, await readFile(file, "utf8")]).toEqual([0, good]);
    const cut = join(folder, "cut.ndjson");
    const broken = await against(() => NOT_FOUND, ["maps", "dump", "--out", cut]);
    expect(broken.code).toBe(1);
    await expect(readFile(cut)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(readFile(`${cut}.part`)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("restores from a file and says which generation follows; a dry run sends nothing", async ({
    expect,
  }) => {
    const file = join(folder, "export.ndjson");
    await writeFile(file, '{"table":"meta"}\n{"table":"accounts"}\n');
    const done = '{"event":"progress","lines":1}\n{"event":"done","lines":2,"generation":4712}\n';
    const dry = await against(() => ({ body: done }), ["restore", file, "--reason", "lost", "--dry-run"]);
    expect([dry.code, dry.seen.length]).toEqual([0, 0]);
    const run = await against(() => ({ body: done }), ["restore", file, "--reason", "lost"]);
    expect(run.out).toBe("Restored 2 lines. The maps continue with generation 4712.\n");
    expect(run.seen[0]).toMatchObject({
      method: "POST",
      path: "/restore",
      query: { reason: "lost" },
      body: '{"table":"meta"}\n{"table":"accounts"}\n',
    });
  });

  it("says that a restore which was refused half-way did not happen", async ({ expect }) => {
    const failed =
      '{"event":"failed","problem":{"type":"urn:firebreak:problem:invalid","title":"T","status":400,"detail":"line 2: no table","instance":"req-9"}}\n';
    const { code, err } = await against(() => ({ body: failed }), ["restore", "-", "--reason", "r"], {
      input: "{}\n",
    });
    expect(code).toBe(1);
    expect(err).toContain("line 2: no table");
    expect(err).toContain("req-9");
  });
});

describe("the local run", () => {
  it("is driven through the address in its state folder, and its refusals are shown", async ({ expect }) => {
    api = await startFakeApi({
      answer: (request) =>
        request.path === "/tick"
          ? { body: { now: Date.parse(AT), advanced: true, happened: ["published"], generation: 12 } }
          : { status: 404, body: { error: "there is no demo server kiln/9.9.9" } },
    });
    await writeFile(join(folder, "control.json"), JSON.stringify({ url: api.url, pid: process.pid }));
    const tick = await runCli(["tick", "--at", AT, "--state", folder]);
    expect(tick.out).toBe(
      "Ticked. It is 2026-11-28T22:05:00Z; published so far: generation 12.\n2026-11-28T22:05:00Z  published\n",
    );
    const demo = await runCli([
      "demo",
      "kiln/9.9.9",
      "--error-rate",
      "0.05",
      "--latency-ms",
      "10",
      "--only",
      "acme,beta",
      "--state",
      folder,
    ]);
    expect(demo.code).toBe(1);
    expect(demo.err).toContain("there is no demo server kiln/9.9.9");
    await runCli(["node", "2", "kv", "hang", "--state", folder]);
    expect(api.seen.filter(({ method }) => method === "POST").map(({ body }) => body)).toEqual([
      { at: "1970-01-01T00:00:00.000Z" },
      { at: AT },
      { product: "kiln", version: "9.9.9", errorRate: 0.05, latencyMs: 10, onlyAccounts: ["acme", "beta"] },
      { node: 2, action: "kv", mode: "hang" },
    ]);
  });
});

describe("the process", () => {
  it("says that nothing answers, how to start it, and exits 1", async ({ expect }) => {
    // A port that was just free, and that nothing listens on any more.
    const gone = await startFakeApi({});
    await gone.stop();
    const { code, out, err } = await spawnCli(["status"], {
      env: { FIREBREAK_URL: gone.url, FIREBREAK_TOKEN: TOKEN },
    });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(`Nothing answers at ${gone.url} (ECONNREFUSED).`);
    expect(err).toMatch(/npm start.*FIREBREAK_URL/);
    expect(err).not.toContain(TOKEN);
  });

  it.for([
    ["0 for what worked", ["product", "list"], 0],
    ["1 for what was refused", ["product", "show", "none"], 1],
    ["2 for what is not how it is called", ["product", "shw", "kiln"], 2],
    ["0 for help", ["product", "--help"], 0],
  ] as const)("exits %s", async ([, argv, code], { expect }) => {
    api = await startFakeApi({
      answer: ({ path }) => (path === "/products" ? { body: { items: [PRODUCT], cursor: null } } : NOT_FOUND),
    });
    expect((await spawnCli(argv, { env: { FIREBREAK_URL: api.url } })).code).toBe(code);
  });
});
