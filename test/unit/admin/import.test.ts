/** The streamed import: what reaches the control plane, what comes back, and what is left when somebody goes away. */
import { describe, it } from "vitest";
import type { NumberedLine } from "../../../src/contracts/import-port.ts";
import { MAX_BATCH_LINES } from "../../../src/contracts/limits.ts";
import { ok } from "../../../src/contracts/result.ts";
import { buildAdmin, readDocuments, type TestAdmin } from "../../support/admin-builders.ts";
import { added } from "../../support/fake-control.ts";

const HEADERS = { "content-type": "application/x-ndjson" };
const lineOf = (account: string, changes: object = {}): string =>
  JSON.stringify({ account, timeZone: "Europe/Paris", cohort: "early", ...changes });

const send = (at: TestAdmin, body: BodyInit | null, query = ""): Promise<Response> =>
  at.call(`/api/v1/accounts/import${query}`, { method: "POST", body, headers: HEADERS });

const batchesOf = (at: TestAdmin): readonly NumberedLine[][] =>
  at.control.calls.filter(({ name }) => name === "importBatch").map(({ input }) => input as NumberedLine[]);

const eventsOf = async (response: Response): Promise<{ event: string; [field: string]: unknown }[]> =>
  (await readDocuments(response)) as { event: string }[];

describe("accounts import", () => {
  it("sends good lines in batches with their numbers and ends with the summary", async ({ expect }) => {
    const at = buildAdmin();
    const response = await send(at, `${lineOf("a")}\r\n\r\n${lineOf("b")}`, "?id=nightly");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(await eventsOf(response)).toEqual([
      { event: "progress", lines: 2, added: 2, changed: 0, unchanged: 0 },
      { event: "done", summary: at.control.state.ended.summary },
    ]);
    expect(batchesOf(at)).toEqual([
      [
        { line: 1, account: { account: "a", timeZone: "Europe/Paris", cohort: "early" } },
        { line: 3, account: { account: "b", timeZone: "Europe/Paris", cohort: "early" } },
      ],
    ]);
    const begin = { id: "nightly", mode: "import", dryRun: false, expectRemoved: null };
    expect(at.control.calls[0]).toMatchObject({
      name: "importBegin",
      input: { begin, actor: { name: "boot" } },
    });
  });

  it("passes mode, dry run and the number of expected removals on, and makes an id when none is given", async ({
    expect,
  }) => {
    const at = buildAdmin();
    await (await send(at, "", "?mode=sync&dryRun=true&expectRemoved=12")).text();
    const { begin } = (at.control.calls[0] ?? { input: null }).input as { begin: { id: string } };
    expect(begin).toMatchObject({ mode: "sync", dryRun: true, expectRemoved: 12 });
    expect(begin.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.for([
    ["?expectRemoved=1", "expectRemoved"],
    ["?mode=sync&expectRemoved=", "expectRemoved"],
    ["?mode=sync&expectRemoved=-1", "expectRemoved"],
    ["?dryRun=yes", "dryRun"],
    ["?id=../x", "id"],
  ] as const)("refuses %s", async ([query, field], { expect }) => {
    const at = buildAdmin();
    const response = await send(at, "", query);
    expect([response.status, JSON.stringify(await response.json())]).toEqual([
      400,
      expect.stringContaining(`query.${field}`),
    ]);
    expect(at.control.calls).toEqual([]);
  });

  it("reports every bad line and loses no good one", async ({ expect }) => {
    const at = buildAdmin();
    const bad = [
      "{",
      "[]",
      "null",
      '{"account":"x"}',
      lineOf("UPPER"),
      lineOf("c", { timeZone: "Mars/Base" }),
      lineOf("d", { extra: 1 }),
      lineOf("e", { labels: { tier: "gold" } }).replace("tier", "__proto__"),
      lineOf("f", { labels: { tier: "gold" } }).replace("tier", String.raw`__prot\u006f__`),
      "x".repeat(20_000),
    ];
    const good = bad.map((_line, at) => lineOf(`good-${at}`));
    const response = await send(at, bad.flatMap((line, at) => [line, good[at] ?? ""]).join("\n"));
    const events = await eventsOf(response);
    const rejected = events.filter(({ event }) => event === "rejected");
    expect(rejected.map(({ line }) => line)).toEqual(bad.map((_line, at) => at * 2 + 1));
    expect(rejected.map(({ account }) => account)).toEqual([
      null,
      null,
      null,
      "x",
      "UPPER",
      "c",
      "d",
      null,
      null,
      null,
    ]);
    expect(rejected.map(({ reason }) => reason)).toEqual(
      [
        "JSON",
        "object",
        "object",
        "timeZone",
        "lower-case",
        "IANA",
        "extra",
        "__proto__",
        "__proto__",
        "16384 bytes",
      ].map((part) => expect.stringContaining(part)),
    );
    expect(batchesOf(at)[0]?.map(({ account }) => account.account)).toEqual(
      good.map((_line, at) => `good-${at}`),
    );
    expect(at.control.calls.at(-1)).toMatchObject({ name: "importEnd", input: { rejected: bad.length } });
    expect(events.at(-1)?.event).toBe("done");
  });

  it("sends no batch larger than the control plane takes, and its own rejections and differences back", async ({
    expect,
  }) => {
    const at = buildAdmin();
    at.control.state.batch = async (_id, lines) => {
      const [first] = lines;
      const rejected =
        first === undefined ? [] : [{ line: first.line, account: first.account.account, reason: "is taken" }];
      return ok({
        ...added(lines.length - 1),
        rejected,
        diff: [{ account: "z", change: "changed" as const, fields: ["cohort"] }],
      });
    };
    const count = MAX_BATCH_LINES * 2 + 1;
    const events = await eventsOf(
      await send(at, Array.from({ length: count }, (_each, n) => lineOf(`a${n}`)).join("\n"), "?dryRun=true"),
    );
    expect(batchesOf(at).map(({ length }) => length)).toEqual([MAX_BATCH_LINES, MAX_BATCH_LINES, 1]);
    expect(events.filter(({ event }) => event === "rejected").map(({ line }) => line)).toEqual([
      1,
      MAX_BATCH_LINES + 1,
      count,
    ]);
    expect(events.filter(({ event }) => event === "diff")).toHaveLength(3);
    expect(events.findLast(({ event }) => event === "progress")).toMatchObject({
      lines: count,
      added: count - 3,
    });
    // What the control plane refused it has counted itself.
    expect(at.control.calls.at(-1)).toMatchObject({ name: "importEnd", input: { rejected: 0 } });
  });

  it("keeps a batch below what RPC carries, even with the longest lines", async ({ expect }) => {
    const at = buildAdmin();
    const long = {
      labels: Object.fromEntries(Array.from({ length: 32 }, (_each, n) => [`label-${n}`, "x".repeat(200)])),
    };
    await (
      await send(at, Array.from({ length: 1000 }, (_each, n) => lineOf(`a${n}`, long)).join("\n"))
    ).text();
    const sizes = batchesOf(at).map((batch) => JSON.stringify(batch).length);
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThan(6 * 1024 * 1024);
  });

  it("lists what a dry run of a sync would remove", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.ended = { ...at.control.state.ended, removed: ["old"] };
    const events = await eventsOf(await send(at, lineOf("a"), "?mode=sync&dryRun=true"));
    expect(events).toContainEqual({ event: "diff", account: "old", change: "removed", fields: [] });
  });

  it("answers a refusal to begin as a problem, not as a stream", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.refusal = { problem: "conflict", detail: "Another sync runs." };
    const response = await send(at, lineOf("a"));
    expect([response.status, response.headers.get("content-type")]).toEqual([
      409,
      "application/problem+json",
    ]);
  });

  it("ends with failed when the control plane refuses the end, as for a sync that removes too many", async ({
    expect,
  }) => {
    const at = buildAdmin();
    at.control.state.batch = async (_id, lines) => {
      at.control.state.refusal = { problem: "removes-too-many", detail: "It would remove 400." };
      return ok(added(lines.length));
    };
    const events = await eventsOf(await send(at, lineOf("a"), "?mode=sync"));
    expect(events.at(-1)).toMatchObject({
      event: "failed",
      problem: { type: "urn:firebreak:problem:removes-too-many" },
    });
  });

  it("sends a batch again when it got no answer, and gives up after a while", async ({ expect }) => {
    const at = buildAdmin();
    let failures = 2;
    at.control.state.batch = async (_id, lines) => {
      if (failures-- > 0) throw new Error("overloaded");
      return ok(added(lines.length));
    };
    expect((await eventsOf(await send(at, lineOf("a")))).at(-1)?.event).toBe("done");
    expect(batchesOf(at)).toHaveLength(3);
    failures = 100;
    const events = await eventsOf(await send(at, lineOf("a")));
    expect(events.at(-1)).toMatchObject({
      event: "failed",
      problem: { type: "urn:firebreak:problem:control-unavailable" },
    });
    expect(batchesOf(at)).toHaveLength(8);
  });

  it("says so and finishes nothing when the body breaks off", async ({ expect }) => {
    const at = buildAdmin();
    const parts = [`${lineOf("a")}\n`];
    const body = new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part === undefined) controller.error(new Error("reset"));
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    const events = await eventsOf(await send(at, body));
    expect(events).toEqual([expect.objectContaining({ event: "failed" })]);
    expect(at.control.calls.map(({ name }) => name)).not.toContain("importEnd");
  });

  it("stops reading, and finishes nothing, when the client goes away", async ({ expect }) => {
    const at = buildAdmin();
    const cancelled = Promise.withResolvers<void>();
    let n = 0;
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(`${lineOf(`a${n++}`)}\n{\n`));
      },
      cancel: () => cancelled.resolve(),
    });
    const reader = (await send(at, body)).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await cancelled.promise;
    expect(at.control.calls.map(({ name }) => name)).not.toContain("importEnd");
  });

  it.for(["application/json", "text/plain", ""])(
    "refuses a body that calls itself %j",
    async (type, { expect }) => {
      const response = await buildAdmin().call("/api/v1/accounts/import", {
        method: "POST",
        body: lineOf("a"),
        headers: { "content-type": type },
      });
      expect(response.status).toBe(415);
    },
  );
});
