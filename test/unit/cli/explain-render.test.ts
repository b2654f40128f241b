/** How other times read on the command line. */
import { describe, it } from "vitest";
import { renderMoves } from "../../../scripts/cli/account-history.ts";
import { renderExplain } from "../../../scripts/cli/explain.ts";
import type { Explain } from "../../../src/contracts/api/operations.ts";

const EXPLAIN: Explain = {
  host: "acme.kiln.example.com",
  class: "account",
  product: "kiln",
  account: "acme",
  version: "2.8.0",
  origin: "https://kiln-2-8-0.origins.example.net",
  reason: "home",
  generation: 4711,
  sentence: "GET goes somewhere.",
};

describe("explain on the command line", () => {
  it("shows of now what it always did", ({ expect }) => {
    const out = renderExplain(EXPLAIN);
    expect(out).toMatch(/^GET goes somewhere\.\n\nhost +acme/);
    expect(out).toMatch(/generation +4711, which this node answers by; it looks for a newer one every 30 s/);
    expect(out).not.toContain("certainty");
  });

  it("names the other answer while a change was spreading", ({ expect }) => {
    const out = renderExplain({
      ...EXPLAIN,
      at: {
        time: "2026-11-28T22:14:00.000Z",
        tense: "past",
        source: "history",
        certainty: "spreading",
        from: "2026-11-28T22:13:30.000Z",
        others: [{ generation: 4710, version: "2.9.0", origin: null, reason: "rollout", sentence: "" }],
        move: null,
        notes: ["One.", "Two."],
      },
    });
    expect(out).toMatch(/time +2026-11-28T22:14:00Z/);
    expect(out).toMatch(/in force since +2026-11-28T22:13:30Z/);
    expect(out).toMatch(/or else +2\.9\.0 by rollout/);
    expect(out).toMatch(/notes +One\.\n +Two\./);
  });

  it("tells the expected move in the account's zone and in UTC", ({ expect }) => {
    const out = renderExplain({
      ...EXPLAIN,
      at: {
        time: "2026-11-28T23:00:00.000Z",
        tense: "ahead",
        source: "forecast",
        certainty: "expected",
        from: null,
        others: [],
        move: {
          product: "kiln",
          to: "2.9.0",
          wave: "forty",
          at: { local: "2026-11-28T22:14:00+01:00", utc: "2026-11-28T21:14:00Z" },
          zone: "Europe/Paris",
          rollout: "autumn",
        },
        notes: [],
      },
    });
    expect(out).toContain(
      'kiln 2.9.0 from 2026-11-28T22:14:00+01:00 (2026-11-28T21:14:00Z), wave "forty" of autumn',
    );
    expect(out).toMatch(/certainty +expected, if all goes as planned/);
  });
});

describe("accounts history on the command line", () => {
  it("reads as what happened, with who and why", ({ expect }) => {
    const out = renderMoves([
      {
        at: "2026-11-28T22:14:00.000Z",
        generation: 4711,
        product: "kiln",
        from: "2.9.0",
        to: "2.8.0",
        why: "rolled-back",
        rollout: "autumn",
        by: "jo",
        reason: "search\nfails",
      },
    ]);
    expect(out).toMatch(
      /2026-11-28T22:14:00Z +kiln +2\.9\.0 +2\.8\.0 +moved back by autumn +jo +search fails/,
    );
  });
});
