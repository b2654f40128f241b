/** Failed requests from an isolate's sample into the meters' tables and back, by id and by account, within their bounds. */
import { describe, it } from "vitest";
import { createFailedReader } from "../../../src/adapters/failed-meters.ts";
import { createFailedRequests } from "../../../src/adapters/failed-requests.ts";
import {
  FAILED_KEPT_MS,
  MAX_FAILED,
  MAX_FAILED_ANSWER,
  MAX_KEPT_FAILED,
  type FailedRequest,
} from "../../../src/contracts/failed-request.ts";
import { createFailedTable, readFailed, recordFailed } from "../../../src/control/meter-failed.ts";
import { createMemoryDb } from "../../support/control-db.ts";

function failed(changes: Partial<FailedRequest> = {}): FailedRequest {
  return {
    id: "r1",
    product: "kiln",
    account: "acme",
    version: "1",
    outcome: "forwarded",
    why: "home",
    status: 503,
    generation: 7,
    ...changes,
  };
}

function meter() {
  const db = createMemoryDb();
  createFailedTable(db);
  return db;
}

describe("createFailedRequests", () => {
  it("keeps two alike, a few in all, and nothing after they were taken", ({ expect }) => {
    const sample = createFailedRequests();
    for (let n = 0; n < 100; n++) sample.add(failed({ id: `acme-${n}` }));
    expect(sample.take().map(({ id }) => id)).toEqual(["acme-0", "acme-1"]);
    expect(sample.take()).toEqual([]);
    for (let n = 0; n < 100; n++) sample.add(failed({ account: `a${n}` }));
    expect(sample.take()).toHaveLength(MAX_FAILED);
    sample.add(failed({ id: "x".repeat(129) }));
    expect(sample.take()).toEqual([]);
  });
});

describe("a meter's failed requests", () => {
  it("are found by id and by account, newest first, for a day", ({ expect }) => {
    const db = meter();
    recordFailed(db, [failed(), failed({ id: "r2", account: null, version: null })], 1000);
    recordFailed(db, [failed({ id: "r3" })], 2000);
    expect(readFailed(db, { id: "r2" }, 3000)).toEqual([
      { ...failed({ id: "r2", account: null, version: null }), at: 1000 },
    ]);
    expect(readFailed(db, { account: "acme" }, 3000).map(({ id }) => id)).toEqual(["r3", "r1"]);
    expect(readFailed(db, { id: "r3", account: "globex" }, 3000)).toEqual([]);
    expect(readFailed(db, {}, 1000 + FAILED_KEPT_MS + 1).map(({ id }) => id)).toEqual(["r3"]);
    recordFailed(db, [failed({ id: "r4" })], 1000 + FAILED_KEPT_MS + 1);
    expect(db.rows("SELECT id FROM failed_requests ORDER BY n")).toEqual([{ id: "r3" }, { id: "r4" }]);
  });

  it("are the newest so many, whatever a report holds", ({ expect }) => {
    const db = meter();
    const many = Array.from({ length: MAX_FAILED + 5 }, (_, n) => failed({ id: `r${n}` }));
    for (let at = 0; at * MAX_FAILED < MAX_KEPT_FAILED + 100; at++) recordFailed(db, many, at);
    expect(db.rows("SELECT count(*) AS n FROM failed_requests")).toEqual([{ n: MAX_KEPT_FAILED }]);
    expect(readFailed(db, {}, 0)).toHaveLength(MAX_FAILED_ANSWER);
  });
});

describe("createFailedReader", () => {
  it("asks every meter, and answers newest first", async ({ expect }) => {
    const read = createFailedReader((name) => ({
      failed: async () => [{ ...failed({ id: name }), at: Number(name.at(-1)) }],
    }));
    const ids = (await read({ id: "r1" })).map(({ id }) => id);
    expect(ids).toEqual(["meter-3", "meter-2", "meter-1", "meter-0"]);
  });

  it("rejects where a meter is silent or there is none", async ({ expect }) => {
    await expect(createFailedReader(() => null)({})).rejects.toThrow("no METER");
    const silent = createFailedReader(() => ({ failed: () => Promise.reject(new Error("silent")) }));
    await expect(silent({})).rejects.toThrow("silent");
  });
});
