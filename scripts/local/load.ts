/**
 * A small load generator for the drill and the end-to-end tests: keep-alive clients that ask again and again, and a
 * tally of what they saw. It judges every answer where it arrives, by the asker's own `judge`, so that a single answer
 * from a wrong version among thousands is found. Not a benchmark: it paces itself, to leave the machine to the nodes.
 */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";

const MAX_KEPT_FAULTS = 20;

export interface LoadAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** When it was asked, by `performance.now()`; it is judged when it has come. */
  readonly askedMs: number;
}

export interface Asker {
  /** Host header; null sends none. */
  readonly host: string | null;
  readonly path: string;
  /** GET when left out; no body is sent. */
  readonly method?: string;
  /** What is wrong with an answer, null when nothing is. */
  readonly judge: (answer: LoadAnswer) => string | null;
}

export interface LoadGroup {
  readonly name: string;
  readonly port: number;
  readonly askers: readonly Asker[];
  /** Requests under way at the same time. */
  readonly concurrency: number;
  /** Pause of one client between two requests. */
  readonly pauseMs: number;
  /** A request without an answer is given up after this time. */
  readonly timeoutMs: number;
}

/** What a group saw, in total and since the last `cut`. */
export interface Tally {
  requests: number;
  /** By status, or `error` and `timeout` where there was none. */
  readonly outcomes: Map<string, number>;
  /** By `Demo-Version`, `-` where there was none. */
  readonly versions: Map<string, number>;
  faulty: number;
  /** The first faults in words, at most 20. */
  readonly faults: string[];
  slowestMs: number;
}

export interface Load {
  /** The tallies since the last cut, by group; the next ones begin at zero. */
  cut(): ReadonlyMap<string, Tally>;
  /** Stops asking, waits for what is under way, and answers what was seen since the last cut. */
  stop(): Promise<ReadonlyMap<string, Tally>>;
}

function createTally(): Tally {
  return { requests: 0, outcomes: new Map(), versions: new Map(), faulty: 0, faults: [], slowestMs: 0 };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Starts every group at once. */
export function startLoad(groups: readonly LoadGroup[]): Load {
  let tallies = new Map(groups.map(({ name }) => [name, createTally()]));
  let stopped = false;
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  const client = async (group: LoadGroup, first: number): Promise<void> => {
    for (let turn = first; !stopped; turn += group.concurrency) {
      const asker = group.askers[turn % group.askers.length];
      if (asker === undefined) return;
      const startedAt = performance.now();
      const answer = await ask(agent, group, asker);
      if (stopped && answer === "error") return;
      const tally = tallies.get(group.name);
      if (tally !== undefined) note(tally, asker, answer, performance.now() - startedAt);
      if (group.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, group.pauseMs));
    }
  };
  const clients = groups.flatMap((group) =>
    Array.from({ length: group.concurrency }, (_, index) => client(group, index)),
  );
  const cut = (): ReadonlyMap<string, Tally> => {
    const seen = tallies;
    tallies = new Map(groups.map(({ name }) => [name, createTally()]));
    return seen;
  };
  return {
    cut,
    async stop() {
      stopped = true;
      await Promise.all(clients);
      agent.destroy();
      return cut();
    },
  };
}

function note(tally: Tally, asker: Asker, answer: LoadAnswer | "error" | "timeout", ms: number): void {
  const answered = typeof answer !== "string";
  tally.requests += 1;
  tally.slowestMs = Math.max(tally.slowestMs, ms);
  add(tally.outcomes, answered ? String(answer.status) : answer);
  add(tally.versions, answered ? String(answer.headers["demo-version"] ?? "-") : "-");
  const fault = answered ? asker.judge(answer) : answer;
  if (fault === null) return;
  tally.faulty += 1;
  if (tally.faults.length < MAX_KEPT_FAULTS)
    tally.faults.push(`${asker.host ?? "no Host"}${asker.path}: ${fault}`);
}

async function ask(
  agent: Agent,
  group: LoadGroup,
  { host, path, method = "GET" }: Asker,
): Promise<LoadAnswer | "error" | "timeout"> {
  const askedMs = performance.now();
  return new Promise((resolve) => {
    const request = httpRequest(
      {
        agent,
        host: "127.0.0.1",
        port: group.port,
        path,
        method,
        setHost: false,
        headers: host === null ? {} : { Host: host },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", () => resolve("error"));
        response.on("close", () => resolve("error")); // settles nothing after `end`
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString("utf8"),
            askedMs,
          }),
        );
      },
    );
    const timer = setTimeout(() => {
      resolve("timeout");
      request.destroy();
    }, group.timeoutMs);
    request.on("close", () => clearTimeout(timer));
    request.on("error", () => resolve("error"));
    request.end();
  });
}

/** The judge of an account that must be served by one version, under its own name. */
export function expectVersion(version: string, account: string): Asker["judge"] {
  return ({ status, headers, text }) => {
    if (status !== 200) return `status ${status}: ${text.slice(0, 200)}`;
    const by = String(headers["demo-version"] ?? "nobody");
    if (by !== version) return `answered by ${by}, not ${version}`;
    return text.includes(`"account": "${account}"`) ? null : `answered for another account than ${account}`;
  };
}

/** For askers whose answers are only counted. */
export const anything: Asker["judge"] = () => null;
