/** Everything at once: the maps out of KV, an export and its restore, in order, in flat memory, and never half. */
import { describe, it } from "vitest";
import { encodeIndex } from "../../../src/core/maps/index-codec.ts";
import { encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { contentHash } from "../../../src/core/sha256.ts";
import { buildAdmin, buildRoot, readDocuments } from "../../support/admin-builders.ts";

const HEADERS = { "content-type": "application/x-ndjson" };

function buildKv(shards: number, inline: boolean): Map<string, string> {
  const texts = Array.from({ length: shards }, (_each, n) => `shard ${n}`);
  const hashes = texts.map(contentHash);
  const index = encodeIndex(hashes);
  const hash = contentHash(index);
  const root = encodeRoot(buildRoot({ index: { hash, shards, inline: inline ? hashes : null } }));
  return new Map([
    ["root", root],
    ["root/42", root],
    [`index/${hash}`, index],
    ...texts.map((text, n): [string, string] => [`shard/${hashes[n]}`, text]),
  ]);
}

const keysOf = async (response: Response): Promise<string[]> =>
  (await readDocuments(response)).map((entry) =>
    (entry as { key: string }).key.replace(/\/[0-9a-f]{32}$/, "/#"),
  );

describe("maps", () => {
  it.for([
    [1, true],
    [64, false],
  ] as const)(
    "gives break-glass, %i shards, index and root, in the order to put them back",
    async ([shards, inline], { expect }) => {
      const kv = buildKv(shards, inline);
      const response = await buildAdmin({ kv }).call("/api/v1/maps");
      expect(await keysOf(response.clone())).toEqual([
        "break-glass",
        ...Array.from({ length: shards }, () => "shard/#"),
        "index/#",
        "root/42",
        "root",
      ]);
      const entries = (await readDocuments(response)) as { key: string; value: string }[];
      expect(entries.slice(1).every(({ key, value }) => kv.get(key) === value)).toBe(true);
      expect(entries[0]).toEqual({ key: "break-glass", value: "{}" });
    },
  );

  it("gives those of an older generation, and says when it is gone", async ({ expect }) => {
    const kv = buildKv(2, true);
    expect((await buildAdmin({ kv }).call("/api/v1/maps?generation=42")).status).toBe(200);
    expect((await buildAdmin({ kv }).call("/api/v1/maps?generation=41")).status).toBe(404);
    expect((await buildAdmin({ kv }).call("/api/v1/maps?generation=x")).status).toBe(400);
  });

  it("breaks off before the root when a shard is missing", async ({ expect }) => {
    const kv = buildKv(2, true);
    for (const key of kv.keys()) if (key.startsWith("shard/")) kv.delete(key);
    const response = await buildAdmin({ kv }).call("/api/v1/maps");
    await expect(response.text()).rejects.toThrow("KV does not have it");
  });

  it("says when the root or the index cannot be read", async ({ expect }) => {
    const broken = buildKv(2, false);
    broken.set("root", (broken.get("root") ?? "").replace("42", "43"));
    const answer = await buildAdmin({ kv: broken }).call("/api/v1/maps");
    expect([answer.status, await answer.text()]).toEqual([
      409,
      expect.stringContaining("wrangler kv key get root"),
    ]);
    const missing = buildKv(2, false);
    for (const key of missing.keys()) if (key.startsWith("index/")) missing.delete(key);
    expect((await buildAdmin({ kv: missing }).call("/api/v1/maps")).status).toBe(404);
  });

  it("needs no control plane", async ({ expect }) => {
    const at = buildAdmin({ kv: buildKv(2, true) });
    at.control.state.down = true;
    expect(await keysOf(await at.call("/api/v1/maps"))).toHaveLength(6);
  });
});

describe("export", () => {
  it("gives every page's lines, asked for one by one as they are read", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.pages = [
      { lines: ['{"n":1}', '{"n":2}'], cursor: "1" },
      { lines: [], cursor: "2" },
      { lines: ['{"n":3}'], cursor: null },
    ];
    expect(await (await at.call("/api/v1/export")).text()).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
    expect(at.control.calls.map(({ input }) => input)).toEqual([null, "1", "2"]);
  });

  it("breaks the stream off when the control plane goes away, so that half looks like half", async ({
    expect,
  }) => {
    const at = buildAdmin();
    at.control.state.pages = [{ lines: ['{"n":1}'], cursor: "1" }];
    const response = await at.call("/api/v1/export");
    at.control.state.down = true;
    await expect(response.text()).rejects.toThrow("broke off");
  });
});

describe("restore", () => {
  const restore = async (
    at: ReturnType<typeof buildAdmin>,
    body: BodyInit,
    query = "?reason=disaster",
  ): Promise<unknown[]> => {
    const response = await at.call(`/api/v1/restore${query}`, { method: "POST", body, headers: HEADERS });
    return response.status === 200 ? readDocuments(response) : [response.status];
  };
  const names = (at: ReturnType<typeof buildAdmin>): string[] => at.control.calls.map(({ name }) => name);
  const seen = async () => [{ isolate: "i", generation: 77, breakGlass: false, requests: 1, reportedAt: 0 }];

  it("passes lines on as they are and swaps above every generation seen", async ({ expect }) => {
    const at = buildAdmin({ seen });
    expect(await restore(at, '{"n":1}\r\n\n{"n":2}\n')).toEqual([
      { event: "done", lines: 2, generation: 78 },
    ]);
    expect(at.control.calls.map(({ name, input }) => [name, input])).toEqual([
      ["restoreBegin", { actor: expect.objectContaining({ name: "boot" }), reason: "disaster" }],
      ["restoreLines", ['{"n":1}', '{"n":2}']],
      ["restoreEnd", 77],
    ]);
  });

  it("takes pages of a thousand lines", async ({ expect }) => {
    const at = buildAdmin({ seen });
    const events = await restore(at, '{"n":1}\n'.repeat(2500));
    expect(events).toEqual([
      { event: "progress", lines: 1000 },
      { event: "progress", lines: 2000 },
      { event: "done", lines: 2500, generation: 78 },
    ]);
  });

  it("swaps nothing when a line cannot be read or the control plane refuses one", async ({ expect }) => {
    const unreadable = buildAdmin({ seen });
    expect(await restore(unreadable, new Uint8Array([0x7b, 0x7d, 0x0a, 0xff, 0x0a]))).toEqual([
      {
        event: "failed",
        problem: expect.objectContaining({ detail: "Line 2 is not UTF-8. Nothing was restored." }),
      },
    ]);
    expect(names(unreadable)).not.toContain("restoreEnd");
  });

  it("swaps nothing when the body breaks off", async ({ expect }) => {
    const at = buildAdmin({ seen });
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
    expect(await restore(at, body)).toEqual([expect.objectContaining({ event: "failed" })]);
    expect(names(at)).toEqual(["restoreBegin"]);
  });

  it("needs the highest generation named while the meters are down", async ({ expect }) => {
    const at = buildAdmin({
      seen: async () => {
        throw new Error("down");
      },
    });
    expect(await restore(at, "{}")).toEqual([503]);
    expect(names(at)).toEqual([]);
    expect(await restore(at, "{}", "?reason=x&highestSeen=500")).toEqual([
      { event: "done", lines: 1, generation: 501 },
    ]);
  });

  it("needs a reason", async ({ expect }) => {
    expect(await restore(buildAdmin({ seen }), "{}", "")).toEqual([400]);
  });
});
