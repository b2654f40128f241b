/**
 * Looks at one arrangement for a moment, from every side that matters: the load balancer's opinion of its servers, and
 * what customers of each kind get while they keep asking. Both halves of the drill look with this, so that their tables
 * can be compared line by line.
 */
import type { HaProxy } from "../haproxy/haproxy.ts";
import { anything, startLoad, type Asker, type Tally } from "../local/load.ts";

const ASK_FOR_MS = 1500;
const CLIENTS = 4;
const PAUSE_MS = 15;
const TIMEOUT_MS = 3000;

/** Who asks: an account not moved, one moved to the candidate, and somebody unknown. */
export const STAYED = "acme";
export const MOVED = "amber-acorn";
export const NOBODY = "nobody-at-all";
export const ASKING = [STAYED, MOVED, NOBODY] as const;

/** What one of them got: by status and version, such as `200 kiln/2.8.0`, with how often. */
export interface Seen {
  readonly requests: number;
  readonly answers: Readonly<Record<string, number>>;
}

export interface Look {
  /** Status and last check of each server, such as `UP (L7OK 200)`. */
  readonly servers: readonly string[];
  readonly seen: Readonly<Record<string, Seen>>;
}

/** Watches for a second and a half. */
export async function look(haproxy: HaProxy): Promise<Look> {
  const answers = new Map<string, Map<string, number>>();
  const load = startLoad(
    ASKING.map((account) => ({
      name: account,
      port: haproxy.port,
      askers: [createAsker(account, answers)],
      concurrency: CLIENTS,
      pauseMs: PAUSE_MS,
      timeoutMs: TIMEOUT_MS,
    })),
  );
  await new Promise((resolve) => setTimeout(resolve, ASK_FOR_MS));
  const tallies = await load.stop();
  const servers = await haproxy.servers();
  return {
    servers: servers.map(
      ({ status, check, checkCode }) => `${status} (${check}${checkCode === null ? "" : ` ${checkCode}`})`,
    ),
    seen: Object.fromEntries(
      ASKING.map((account) => [account, createSeen(tallies.get(account), answers.get(account))]),
    ),
  };
}

function createAsker(account: string, answers: Map<string, Map<string, number>>): Asker {
  const counts = new Map<string, number>();
  answers.set(account, counts);
  return {
    host: `${account}.kiln.localhost`,
    path: "/",
    judge(answer) {
      const by = answer.headers["demo-version"];
      const key = by === undefined ? String(answer.status) : `${answer.status} ${String(by)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return anything(answer);
    },
  };
}

function createSeen(tally: Tally | undefined, counts: Map<string, number> | undefined): Seen {
  const answers = Object.fromEntries(counts ?? []);
  for (const without of ["error", "timeout"]) {
    const count = tally?.outcomes.get(without) ?? 0;
    if (count > 0) answers[without] = count;
  }
  return { requests: tally?.requests ?? 0, answers };
}
