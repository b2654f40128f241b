/** Whether an answer was right in its moment, by what was published when: neither a slow node nor a change is a fault. */
import { describe, it } from "vitest";
import { createHistory, STALE_MS, type History, type Published } from "../../../scripts/soak/history.ts";
import { row } from "../../support/maps-builders.ts";

const HOST = "acme.kiln.localhost";

/** Generation 1 has the old version, 2 the new one from second 100 on, 3 the old one again from second 200 on. */
function createMoves(): History {
  const history = createHistory();
  for (const [generation, atMs, version] of [
    [1, 0, "old"],
    [2, 100_000, "new"],
    [3, 200_000, "old"],
  ] as const)
    history.add(publish({ generation, atMs, version }));
  return history;
}

/** Everybody gets the version; one whose row says so is held, whatever the root is. */
function publish({ generation, atMs, version, held = false }: Made): Published {
  const decide: Published["decide"] = (_host, one) => (one?.hold == null ? version : "held");
  const rows = new Map([[HOST, row({ hold: held ? { mode: "page", message: null, until: null } : null })]]);
  const expected = new Map([[HOST, held ? "held" : version]]);
  return { generation, notBeforeMs: atMs, byMs: atMs + 500, rows, decide, expected };
}

interface Made {
  readonly generation: number;
  readonly atMs: number;
  readonly version: string;
  readonly held?: boolean;
}

interface Said {
  readonly at: number;
  readonly seen: string;
  readonly node?: number;
  readonly took?: number;
}

/** Judges what was seen at these milliseconds. */
function judge(said: readonly Said[], history: History = createMoves()): string[] {
  for (const { at, seen, node = 1, took = 5 } of said)
    history.note({ node, host: HOST, seen, askedMs: at, answeredMs: at + took });
  return history.judge(Infinity);
}

describe("an answer", () => {
  it("may be of the maps before for as long as a refresh takes, and no longer", ({ expect }) => {
    expect(judge([{ at: 100_500 + STALE_MS, seen: "old" }])).toEqual([]);
    expect(judge([{ at: 100_501 + STALE_MS, seen: "old" }])).toEqual([
      `node 1, ${HOST}: old, where generations 2 to 2 allow new`,
    ]);
  });

  it("is never of maps that were not published yet", ({ expect }) => {
    expect(judge([{ at: 99_000, seen: "new" }])).toHaveLength(1);
    expect(judge([{ at: 99_000, seen: "new", took: 1000 }])).toEqual([]);
  });

  it("never goes behind what the same node has shown", ({ expect }) => {
    const newThenOld = [
      { at: 101_000, seen: "new" },
      { at: 102_000, seen: "old" },
    ];
    expect(judge(newThenOld)).toEqual([`node 1, ${HOST}: old, where generations 2 to 2 allow new`]);
    expect(
      judge([
        { at: 101_000, seen: "new" },
        { at: 102_000, seen: "old", node: 2 },
      ]),
    ).toEqual([]);
    expect(
      judge([
        { at: 101_000, seen: "new" },
        { at: 201_000, seen: "old" },
      ]),
    ).toEqual([]);
  });

  it("may be of a new root and an older row, and not the other way round", ({ expect }) => {
    const history = createHistory();
    history.add(publish({ generation: 1, atMs: 0, version: "old" }));
    history.add(publish({ generation: 2, atMs: 100_000, version: "new", held: true }));
    expect(judge([{ at: 101_000, seen: "new" }], history)).toEqual([]);
    expect(history.olderRows()).toBe(1);
    const back = createHistory();
    back.add(publish({ generation: 1, atMs: 0, version: "old", held: true }));
    back.add(publish({ generation: 2, atMs: 100_000, version: "newest", held: true }));
    expect(judge([{ at: 101_000, seen: "new" }], back)).toHaveLength(1);
  });

  it("is not held against one that was asked later and came sooner", ({ expect }) => {
    expect(
      judge([
        { at: 101_000, seen: "old", took: 900 },
        { at: 101_100, seen: "new", took: 100 },
      ]),
    ).toEqual([]);
  });

  it("that is nobody's version is wrong, and 503 is counted by itself", ({ expect }) => {
    const history = createMoves();
    expect(judge([{ at: 1000, seen: "kiln/9.9.9" }], history)).toHaveLength(1);
    expect(judge([{ at: 1000, seen: "503" }], history)).toEqual([]);
    expect([history.judged(), history.unserved()]).toEqual([2, 1]);
  });

  it("waits until the history of its time is complete", ({ expect }) => {
    const history = createMoves();
    history.note({ node: 1, host: HOST, seen: "nobody's", askedMs: 100, answeredMs: 200 });
    expect(history.judge(200)).toEqual([]);
    expect(history.judge(201)).toHaveLength(1);
    expect(history.judged()).toBe(1);
  });
});
