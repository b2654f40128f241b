/** Accounts whose versions must never mix are answered from fresh maps alone; everybody else from whatever maps there are. */
import { describe, it } from "vitest";
import type { Root } from "../../../src/contracts/maps.ts";
import { buildEdge, buildRoot, buildRow, type MapsContent } from "../../support/edge-builders.ts";

const ROLLOUT = {
  id: "schema",
  salt: "salt",
  targets: { kiln: "2.9.0" },
  moved: [0],
  held: [0],
  mixed: "never",
} as const;
const root = (change: Partial<Root["rollouts"][number]> = {}): Root =>
  buildRoot({ rollouts: [{ ...ROLLOUT, ...change }] });
const MOVING = buildRow("acme", { group: 0, homes: { kiln: "2.8.0" } });
const OLD: MapsContent = { root: root(), rows: [MOVING, buildRow("other")], ageMs: 60_001 };
const HOST = "acme.kiln.example.com";

describe("an edge with old maps", () => {
  it("shows the hold page for an account that may be on its way, when it cannot read newer ones", async ({
    expect,
  }) => {
    const edge = buildEdge(OLD);
    const response = await edge.fetch(HOST);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(edge.outcomes).toEqual(["held"]);
    expect(edge.seen).toEqual([]);
  });

  it("reads the maps first, and answers by what they say now", async ({ expect }) => {
    const moved = { root: root({ moved: [10_000], held: [0] }), rows: [MOVING] };
    const edge = buildEdge({ ...OLD, newer: moved });
    expect((await edge.fetch(HOST)).status).toBe(200);
    expect(edge.seen[0]?.headers.get("firebreak")).toContain('version="2.9.0"');
    const held = buildEdge({ ...OLD, newer: { root: root({ held: [10_000] }), rows: [MOVING] } });
    expect((await held.fetch(HOST)).status).toBe(503);
    expect(held.seen).toEqual([]);
  });

  it("answers an account of no group, an unknown one, and health as ever", async ({ expect }) => {
    const edge = buildEdge(OLD);
    expect((await edge.fetch("other.kiln.example.com")).status).toBe(200);
    expect((await edge.fetch("nobody.kiln.example.com")).status).toBe(200);
    expect((await edge.fetch(null, "/", { method: "OPTIONS" })).status).toBe(204);
  });

  it("answers everybody where versions may mix, and where the maps are fresh", async ({ expect }) => {
    const { mixed: _, ...ok } = ROLLOUT;
    const mixing = buildEdge({ ...OLD, root: buildRoot({ rollouts: [ok] }) });
    expect((await mixing.fetch(HOST)).status).toBe(200);
    const fresh = buildEdge({ ...OLD, ageMs: 60_000 });
    expect((await fresh.fetch(HOST)).status).toBe(200);
  });

  it("takes the deployment's own word for how fresh", async ({ expect }) => {
    const settling = { leastMs: 0, unseenMs: 0, patienceMs: 0, freshMs: 1000 };
    const edge = buildEdge({ ...OLD, ageMs: 1001, config: { settling } });
    expect((await edge.fetch(HOST)).status).toBe(503);
  });
});

describe("an edge that was idle since before a rollout began", () => {
  const WAKING: MapsContent = { root: buildRoot(), rows: [buildRow("acme")], ageMs: 600_000, waking: true };

  it("answers a known account by the maps that it is reading", async ({ expect }) => {
    const edge = buildEdge({ ...WAKING, newer: { root: root({ held: [10_000] }), rows: [MOVING] } });
    expect((await edge.fetch(HOST)).status).toBe(503);
    expect(edge.outcomes).toEqual(["held"]);
    expect(edge.seen).toEqual([]);
  });

  it("answers it by what it has when the read does not help, because a broken KV is not a broken router", async ({
    expect,
  }) => {
    expect((await buildEdge(WAKING).fetch(HOST)).status).toBe(200);
  });

  it("answers an unknown account at once", async ({ expect }) => {
    const edge = buildEdge({ ...WAKING, newer: { root: root({ held: [10_000] }), rows: [MOVING] } });
    expect((await edge.fetch("nobody.kiln.example.com")).status).toBe(200);
    expect(edge.maps.isWaking(0)).toBe(true);
  });
});

describe("an account that is held for its move", () => {
  it("is read by nobody, though an operator's hold would let reads pass", async ({ expect }) => {
    const hold = { mode: "readOnly", message: null, until: null } as const;
    const rows = [buildRow("acme", { group: 0, homes: { kiln: "2.8.0" }, hold })];
    const edge = buildEdge({ root: root({ held: [10_000] }), rows });
    expect((await edge.fetch(HOST)).status).toBe(503);
    expect(edge.seen).toEqual([]);
  });
});
