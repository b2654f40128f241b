/**
 * Experiments 14 and 15: the edge on real workerd in front of one raw-socket origin for every way to misbehave, all at
 * once, each the version of one account. Beside them accounts of a well version and the load balancer's check are asked
 * all the time: nothing of what those origins do may touch them. Every ill account gets an answer or an end within its
 * time, never another account's bytes, and what the origin cut off must not look whole.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { buildProduct, buildRoot, buildRow } from "../support/edge-builders.ts";
import { startEdgeNode, type EdgeNode } from "../support/edge-node.ts";
import { startOrigin, unusedOrigin, type FakeOrigin } from "../support/fake-origin.ts";
import { inForm } from "../support/form.ts";
import { startHealthWatch, tellHealth, type HealthWatch } from "../support/health-watch.ts";
import {
  MISBEHAVIOURS,
  startHangingAtConnect,
  startMisbehaving,
  type Misbehaviour,
  type MisbehavingOrigin,
} from "../support/misbehaving-origin.ts";
import { request, sendRaw, type RawAnswer } from "../support/raw-http.ts";

/** Time to headers, as short as products may have it. */
const LIMIT_S = 1;
const CUT_MS = 3000;
/** Timers may fire a little early. */
const CLOCK_SLACK_MS = 50;
/** What a machine with other work adds to a time-out. */
const TIMEOUT_SLACK_MS = 1500;
const WELL_EVERY_MS = 20;
const ROUNDS = inForm({ short: 1, long: 30 });

/**
 * What the client gets. `whole`: an answer whose end shows that it is all. `cut`: a head, then an end that shows that it is
 * not. `refused` and `timed-out`: a 502 or 504 of ours. `endless`: a body that goes on until the client leaves.
 */
type Outcome = "whole" | "cut" | "refused" | "timed-out" | "endless";

const EXPECTED: Readonly<Record<Misbehaviour | "refuses" | "hangs-at-connect", Outcome>> = {
  well: "whole",
  "well-kept-open": "whole",
  "well-chunked": "whole",
  "well-to-close": "whole",
  "well-after-interim": "whole",
  "head-with-length": "endless",
  "server-error": "whole",
  "hangs-after-request": "timed-out",
  "hangs-in-headers": "timed-out",
  "hangs-in-body": "endless",
  "closes-without-answer": "refused",
  "closes-in-headers": "refused",
  "closes-in-body": "cut",
  "closes-in-chunk": "cut",
  resets: "refused",
  "resets-in-body": "cut",
  "resets-in-chunks": "cut",
  "resets-before-close": "cut",
  "resets-in-events": "cut",
  "one-byte-a-second": "timed-out",
  "malformed-status-line": "refused",
  "not-http": "refused",
  "headers-of-200-kb": "whole",
  "duplicate-length": "refused",
  "length-and-chunked": "whole",
  "obs-fold": "refused",
  "space-before-colon": "refused",
  "carriage-return-in-value": "refused",
  "bad-chunk": "cut",
  "gzip-transfer": "whole",
  "gzip-that-is-none": "whole",
  "interim-flood": "timed-out",
  "endless-body": "endless",
  refuses: "refused",
  "hangs-at-connect": "timed-out",
};

type How = keyof typeof EXPECTED;

/** Of a whole answer what is not 200 with the body `ok`, and the headers that must arrive as they were sent. */
const WHOLE: Readonly<
  Partial<Record<How, { status?: number; body?: string; headers?: readonly (readonly [string, string])[] }>>
> = {
  well: { headers: [["x-well", "yes"]] },
  "server-error": { status: 500, body: "oops" },
  "headers-of-200-kb": {
    body: "",
    headers: Array.from({ length: 200 }, () => ["x-fill", "f".repeat(1014)] as const),
  },
  "gzip-transfer": { body: "" },
  "gzip-that-is-none": { headers: [["content-encoding", "gzip"]] },
};
/** Of others what had come of the body before it ended, or did not go on: buffered whole, it would never arrive. */
const BEGUN: Readonly<Partial<Record<How, string>>> = {
  "hangs-in-body": "part",
  "closes-in-body": "part",
  "closes-in-chunk": "part",
  "resets-in-body": "part",
  "resets-in-chunks": "part",
  "resets-before-close": "part",
  "resets-in-events": "data: part",
  "endless-body": "eeee",
};

/** Ours say who they are; of the others the bytes say whether the end was one. */
function outcomeOf(answer: RawAnswer, tookMs: number): Outcome {
  if (answer.header("firebreak-request-id") !== null) return answer.status === 504 ? "timed-out" : "refused";
  if (answer.complete) return "whole";
  return tookMs < CUT_MS - CLOCK_SLACK_MS ? "cut" : "endless";
}

describe("origins that misbehave, all at once", () => {
  const origins: Pick<MisbehavingOrigin, "port" | "stop">[] = [];
  let node: EdgeNode;
  let well: FakeOrigin;
  let health: HealthWatch;
  let stopped = false;
  let asking: Promise<void>;
  const wellFaults: string[] = [];
  let wellAnswers = 0;
  let slowestMs = 0;

  beforeAll(async () => {
    well = await startOrigin((incoming, response) => {
      response.setHeader("X-Account", String(incoming.headers["firebreak"]));
      response.end(`for ${String(incoming.headers["x-forwarded-host"])}`);
    });
    const versions: Record<string, { origin: string; state: "live" }> = {
      fine: { origin: well.url, state: "live" },
      refuses: { origin: await unusedOrigin(), state: "live" },
    };
    const hanging = await startHangingAtConnect();
    origins.push(hanging);
    versions["hangs-at-connect"] = { origin: `http://127.0.0.1:${hanging.port}`, state: "live" };
    for (const how of Object.keys(MISBEHAVIOURS) as Misbehaviour[]) {
      const origin = await startMisbehaving(how);
      origins.push(origin);
      versions[how] = { origin: `http://127.0.0.1:${origin.port}`, state: "live" };
    }
    const names = Object.keys(versions);
    node = await startEdgeNode({
      root: buildRoot({
        accounts: names.length,
        products: {
          kiln: buildProduct({
            default: "resets",
            stable: "fine",
            versions,
            timeouts: [{ prefix: "/", seconds: LIMIT_S }],
          }),
        },
      }),
      rows: names.map((name) => buildRow(name, { homes: { kiln: name } })),
    });
    await ask("fine"); // nothing below is to be explained by a cold start
    health = startHealthWatch([node.port]);
    asking = askWell();
  });

  afterAll(async () => {
    stopped = true;
    await asking;
    await health?.stop();
    await node?.stop();
    await well?.stop();
    for (const origin of origins) await origin.stop();
  });

  async function ask(account: string): Promise<RawAnswer> {
    const bytes = request("GET /app HTTP/1.1", `Host: ${account}.kiln.example.com`, "Connection: close");
    return sendRaw({ port: node.port, bytes, timeoutMs: CUT_MS });
  }

  async function askWell(): Promise<void> {
    while (!stopped) {
      const started = performance.now();
      const { status, body } = await ask("fine");
      slowestMs = Math.max(slowestMs, performance.now() - started);
      wellAnswers += 1;
      if (status !== 200 || body !== "for fine.kiln.example.com") wellFaults.push(`${status} ${body}`);
      await new Promise((resolve) => setTimeout(resolve, WELL_EVERY_MS));
    }
  }

  it.concurrent.for(Object.keys(EXPECTED) as How[])(
    "gives its own account alone what becomes of one that is %s",
    { timeout: 60_000 + ROUNDS * CUT_MS * 4 },
    async (how, { expect }) => {
      for (let round = 0; round < ROUNDS; round++) {
        const started = performance.now();
        const answer = await ask(how);
        const tookMs = performance.now() - started;
        const outcome = outcomeOf(answer, tookMs);
        expect({ how, outcome }).toEqual({ how, outcome: EXPECTED[how] });
        if (outcome === "refused" || outcome === "timed-out") {
          expect(answer.status).toBe(outcome === "refused" ? 502 : 504);
          expect(answer.body).not.toMatch(/127\.0\.0\.1|SSH|Error:/);
        }
        if (outcome === "timed-out") expect(tookMs).toBeLessThan(LIMIT_S * 1000 + TIMEOUT_SLACK_MS);
        if (outcome === "whole") {
          const { status = 200, body = "ok", headers = [] } = WHOLE[how] ?? {};
          expect({ status: answer.status, body: answer.body }).toEqual({ status, body });
          const names = new Set(headers.map(([name]) => name));
          const lowered = answer.headers.map(([name, value]) => [name.toLowerCase(), value]);
          expect(lowered.filter(([name = ""]) => names.has(name))).toEqual(headers);
        }
        if (outcome === "cut" || outcome === "endless") {
          expect(answer.status).toBe(200);
          expect(answer.body.slice(0, BEGUN[how]?.length ?? 0)).toBe(BEGUN[how] ?? "");
        }
        const framings = answer.headers.filter(([name]) =>
          /^(?:content-length|transfer-encoding)$/i.test(name),
        );
        expect(framings).toHaveLength(1);
        expect(answer.header("x-injected")).toBeNull();
        // Whatever came, it is of this origin: the well one's marks would be somebody else's.
        expect(answer.header("x-account")).toBeNull();
      }
    },
  );

  it("leaves accounts of the well version and the check untouched", async ({ expect, annotate }) => {
    stopped = true;
    await asking;
    const seen = await health.stop();
    await annotate(
      `${Object.keys(EXPECTED).length} misbehaving origins; well accounts: ${wellAnswers} answers, ${wellFaults.length} wrong, slowest ${slowestMs.toFixed(0)} ms`,
    );
    await annotate(tellHealth(seen));
    expect(wellFaults).toEqual([]);
    expect(wellAnswers).toBeGreaterThan(50);
    expect(seen.failed).toEqual([]);
    expect(seen.checks).toBeGreaterThan(20);
    const { outcomes, lines } = await node.report();
    expect(outcomes).not.toContain("internal-error");
    expect(JSON.stringify(lines)).not.toMatch(/uncaught/i);
  });
});
