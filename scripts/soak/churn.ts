/**
 * Changes the configuration of a local run all the time: pins, holds, a custom domain, imports, windows and freezes, and a
 * rollout of two products that goes forward, pauses and is rolled back over and over. Every change that is published is
 * written into the history with what it makes of everybody, and held against what was meant by it. Time is that of ticks,
 * a minute for each turn, so that an hour of soak is many hours of rollouts.
 */
import type { Instance } from "../local/instance.ts";
import { waitUntilPublished } from "../local/demo/seed.ts";
import { anything, type Change } from "./change.ts";
import { createGenerations, type ReadGeneration } from "./generations.ts";
import type { History } from "./history.ts";
import { readGeneration } from "./hosts.ts";
import { createRollouts } from "./rollouts.ts";
import { stepsOf } from "./steps.ts";

const MINUTE_MS = 60_000;
export interface ChurnReport {
  readonly changes: number;
  readonly rollbacks: number;
  readonly generation: number;
  /** Changes that failed, or that came to something else than was meant. */
  readonly faults: readonly string[];
}

export interface Churn {
  report(): ChurnReport;
  stop(): Promise<ChurnReport>;
}

export interface ChurnOptions {
  readonly instance: Instance;
  readonly history: History;
  /** Pause after each turn. */
  readonly pauseMs: number;
  /** Is told up to when the history is complete, whenever that moves on. */
  readonly onComplete: (untilMs: number) => void;
}

const now = (): number => performance.now();

/** Reads what is published to begin with, then changes it until it is stopped. */
export async function startChurn(options: ChurnOptions): Promise<Churn> {
  const { instance, history, pauseMs, onComplete } = options;
  const faults: string[] = [];
  let changes = 0;
  let stopped = false;
  let clockMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  const read = createGenerations((key) => instance.nodes.published(key));
  const noting = { admin: instance.admin, history, read };
  await goLive(instance);
  await note(noting, now());

  async function make({ what, run, meant }: Change): Promise<void> {
    const since = now();
    onComplete(since);
    try {
      // What was published since the last look was published by nobody's change, or by one that went on.
      await note(noting, history.latest()?.byMs ?? since);
      const before = history.latest()?.expected ?? new Map<string, string>();
      await run();
      await note(noting, since);
      const wrong = meant(history.latest()?.expected ?? before, before);
      if (wrong !== null) faults.push(`${what}: ${wrong}`);
    } catch (error) {
      faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
    changes += 1;
  }

  const tick: Change = {
    what: "tick",
    run: () => instance.nodes.tick((clockMs += MINUTE_MS)),
    meant: anything,
  };
  const rollouts = createRollouts(instance.admin);
  const steps = stepsOf(instance.admin);
  const changing = (async () => {
    for (let turn = 0; !stopped; turn += 1) {
      await make(tick);
      const step = steps[turn % steps.length];
      if (step !== undefined) await make(step);
      const going = await rollouts.next();
      if (going !== null) await make(going);
      onComplete(now());
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  const report = (): ChurnReport => ({
    changes,
    rollbacks: rollouts.rollbacks(),
    generation: history.latest()?.generation ?? 0,
    faults,
  });
  return {
    report,
    async stop() {
      stopped = true;
      await changing;
      return report();
    },
  };
}

/** Pins and quarantines lead to versions that are live, or were. */
async function goLive({ admin, nodes }: Instance): Promise<void> {
  for (const version of ["kiln/versions/2.9.1", "fogbugz/versions/8.8.0"])
    await admin.must({
      method: "POST",
      path: `products/${version}/state`,
      body: { state: "live", reason: "soak" },
    });
  await waitUntilPublished(admin);
  // Only the soak's own history counts, so nobody may begin with what was before it.
  for (const [index] of nodes.ports.entries()) await nodes.act(index + 1, { action: "restart" });
}

interface Noting {
  readonly admin: Instance["admin"];
  readonly history: History;
  readonly read: ReadGeneration;
}

/** Writes down every generation that was published since the last one that was written down. */
async function note({ admin, history, read }: Noting, sinceMs: number): Promise<void> {
  const latest = history.latest();
  const generation = await waitUntilPublished(admin);
  const byMs = now();
  const notBeforeMs = Math.max(sinceMs, latest?.byMs ?? sinceMs) - 1;
  for (let each = (latest?.generation ?? generation - 1) + 1; each <= generation; each += 1)
    history.add({ generation: each, notBeforeMs, byMs, ...readGeneration(await read(each)) });
}
