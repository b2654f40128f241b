/**
 * Nothing is counted twice or lost in silence: whatever becomes of reports on their way, what the edges counted is what
 * the meters took plus what they were told was lost. And an account is whole in one meter, whatever the sample.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import { METERS } from "../../src/adapters/meters.ts";
import { createObservationSender } from "../../src/adapters/observation-sender.ts";
import { createRequestCounts, type ObservedRequest } from "../../src/adapters/request-counts.ts";
import { OBSERVED_CLASSES } from "../../src/contracts/observation.ts";
import { createMemoryMeters, type Fate } from "../support/memory-meters.ts";

const request: fc.Arbitrary<ObservedRequest> = fc
  .record({
    product: fc.constantFrom("kiln", "fogbugz"),
    version: fc.constantFrom("1", "2"),
    class: fc.constantFrom(...OBSERVED_CLASSES),
    account: fc.integer({ min: 0, max: 40 }).map((number) => `a-${number}`),
    generation: fc.integer({ min: 1, max: 3 }),
    end: fc.constantFrom("answered", "answered", "failed", "gone"),
    status: fc.constantFrom(200, 404, 500, 503),
    latencyMs: fc.integer({ min: 0, max: 200_000 }),
  })
  .map((one) => ({ ...one, account: one.class === "known" ? one.account : null }));

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("requests" as const),
      isolate: fc.nat({ max: 2 }),
      requests: fc.array(request, { maxLength: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("flush" as const), isolate: fc.nat({ max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("deliver" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("tick" as const), minutes: fc.integer({ min: 1, max: 300 }) }),
  },
);

const fates = fc.infiniteStream(
  fc.constantFrom<Fate>("arrives", "arrives", "lost", "answer-lost", "hangs", "late"),
);

function createIsolate(name: string, memory: ReturnType<typeof createMemoryMeters>) {
  const counts = createRequestCounts({ meters: METERS, home: 0, maxAccounts: 12 });
  const sender = createObservationSender({
    isolate: name,
    // Time runs out for what hangs as soon as everything else has been tried.
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    send: (meter, report) => memory.meters.observe(meter, report),
  });
  return { counts, sender };
}

describe("counting", () => {
  it("adds up over isolates, meters and losses, whatever the network does", async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fates, async (steps, fate) => {
        const memory = createMemoryMeters();
        const isolates = ["i0", "i1", "i2"].map((name) => createIsolate(name, memory));
        let counted = 0;
        let clockMs = Date.parse("2026-11-23T12:00:00Z");
        memory.fate = (_meter, call) => (call === "observe" ? fate.next().value : "arrives");
        for (const one of steps) {
          if (one.kind === "requests") {
            counted += one.requests.length;
            for (const each of one.requests) isolates[one.isolate]?.counts.add(each);
          } else if (one.kind === "flush") {
            const { counts, sender } = isolates[one.isolate] ?? {};
            if (counts !== undefined) await sender?.flush(counts.take());
          } else if (one.kind === "deliver") memory.deliverLate();
          else {
            clockMs += one.minutes * 60_000;
            await memory.meters.tick({ clockMs, marks: [2], asks: [] });
          }
        }
        // The network mends; two flushes tell of everything that was lost, and what was late may still come.
        memory.fate = () => "arrives";
        for (const { counts, sender } of isolates) {
          await sender.flush(counts.take());
          await sender.flush(counts.take());
        }
        memory.deliverLate();
        const { requests, droppedRequests } = memory.intake();
        expect(requests + droppedRequests).toBe(counted);
        const totals = (await memory.meters.totals()).flatMap(({ series }) => series);
        const summed = totals.reduce((sum, { total }) => sum + total.requests + total.gone, 0);
        expect(summed).toBe(requests);
        const answered = totals.reduce((sum, { total }) => sum + total.requests - total.failures, 0);
        const timed = totals.flatMap(({ latency }) => latency).reduce((sum, n) => sum + n, 0);
        expect(timed).toBe(answered);
        const cells = memory.dbs.map((db) =>
          Number(db.raw("SELECT coalesce(sum(requests + gone), 0) FROM cells")[0]?.[0]),
        );
        expect(cells.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(requests);
        const homes = memory.dbs.map(
          (db) =>
            new Set(
              db
                .raw("SELECT DISTINCT account FROM blocks UNION SELECT account FROM hours")
                .map(([name]) => String(name)),
            ),
        );
        const all = homes.flatMap((names) => [...names]);
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
