/** Sending counts: a part for each meter, losses told of by number, and no failure that reaches anybody. */
import { describe, it } from "vitest";
import { createObservationSender } from "../../../src/adapters/observation-sender.ts";
import { createRequestCounts, type TakenCounts } from "../../../src/adapters/request-counts.ts";
import type { ObservationReport } from "../../../src/contracts/observation.ts";
import { observed } from "../../support/observation-builders.ts";

/** Accounts of two meters. */
const ACCOUNTS = ["acme", "globex", "initech"];

function taken(requests: number, version = "1"): TakenCounts {
  const counts = createRequestCounts({ meters: 1, home: 0 });
  for (let number = 0; number < requests; number++) {
    counts.add(observed({ account: ACCOUNTS[number % ACCOUNTS.length] ?? "", version }));
  }
  return counts.take();
}

function build(
  send: (report: ObservationReport) => Promise<void>,
  sleep = () => new Promise<void>(() => undefined),
) {
  const sent: ObservationReport[] = [];
  const sender = createObservationSender({
    isolate: "i1",
    sleep,
    send: (_meter, report) => {
      sent.push(report);
      return send(report);
    },
  });
  return { sender, sent };
}

const down = () => Promise.reject(new Error("down"));

describe("createObservationSender", () => {
  it("numbers its reports and sends each meter its part", async ({ expect }) => {
    const { sender, sent } = build(async () => undefined);
    await sender.flush(taken(3));
    await sender.flush({ parts: [], uncounted: 0 });
    await sender.flush(taken(1));
    expect(sent.map(({ sequence, lost }) => [sequence, lost])).toEqual([
      [1, []],
      [3, []],
    ]);
  });

  it("tells the next report that arrives what was lost, by number", async ({ expect }) => {
    let fails = 2;
    const { sender, sent } = build(() => (fails-- > 0 ? down() : Promise.resolve()));
    for (const requests of [5, 3, 2, 1]) await sender.flush(taken(requests));
    expect(sent.map(({ lost }) => lost)).toEqual([
      [],
      [{ sequence: 1, requests: 5 }],
      [
        { sequence: 1, requests: 5 },
        { sequence: 2, requests: 3 },
      ],
      [],
    ]);
  });

  it("tells of a loss even when there is nothing else to send", async ({ expect }) => {
    let fails = 1;
    const { sender, sent } = build(() => (fails-- > 0 ? down() : Promise.resolve()));
    await sender.flush(taken(5));
    await sender.flush({ parts: [], uncounted: 0 });
    await sender.flush({ parts: [], uncounted: 0 });
    expect(sent.slice(1)).toMatchObject([{ sequence: 2, series: [], lost: [{ sequence: 1, requests: 5 }] }]);
  });

  it("takes a sender that hangs for one that failed", async ({ expect }) => {
    const { sender, sent } = build(
      (report) => (report.sequence === 1 ? new Promise(() => undefined) : Promise.resolve()),
      () => Promise.resolve(),
    );
    await sender.flush(taken(4));
    await sender.flush(taken(1));
    expect(sent.at(-1)?.lost).toEqual([{ sequence: 1, requests: 4 }]);
  });

  it("survives a sender that throws at once", async ({ expect }) => {
    const { sender, sent } = build(() => {
      throw new Error("broken");
    });
    await sender.flush(taken(4));
    await sender.flush(taken(1));
    expect(sent.at(-1)?.lost).toEqual([{ sequence: 1, requests: 4 }]);
  });

  it("tells of requests that could not be counted under a number of their own", async ({ expect }) => {
    const { sender, sent } = build(async () => undefined);
    await sender.flush({ ...taken(1), uncounted: 9 });
    await sender.flush(taken(1));
    await sender.flush(taken(1));
    expect(sent.map(({ sequence, lost }) => [sequence, lost])).toEqual([
      [1, []],
      [3, [{ sequence: 2, requests: 9 }]],
      [4, []],
    ]);
  });

  it("keeps a short list of losses, whose sum stays right", async ({ expect }) => {
    const { sender, sent } = build(down);
    for (let flush = 0; flush < 100; flush++) await sender.flush(taken(2));
    const lost = sent.at(-1)?.lost ?? [];
    expect(lost.length).toBeLessThanOrEqual(64);
    expect(lost.reduce((sum, { requests }) => sum + requests, 0)).toBe(99 * 2);
  });
});
