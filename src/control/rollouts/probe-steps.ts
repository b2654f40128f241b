/**
 * Effects that wait for the network, of rollouts and replacements alike: the matrix is sent to a version, and to what is
 * taking its place there, once however many ask for it. What came is kept by the run itself; here only the step ends.
 */
import type { Actor } from "../../contracts/control.ts";
import type { RolloutEffect } from "../../contracts/rollout-input.ts";
import { commandTime } from "../clock.ts";
import type { Db } from "../db.ts";
import type { RunPreflight } from "../preflight/run.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { finishStep, loadWaitingSteps, type StepRecord } from "../store/rollouts.ts";
import { loadFacts } from "./facts.ts";
import { targetVersions } from "./heard.ts";

const ROLLOUT: Actor = { name: "rollout", role: "admin", products: null };

/** Runs the probes that wait, one run for each version however many ask for it. */
export async function runSteps({ db, clock }: PublisherPorts, runPreflight: RunPreflight): Promise<void> {
  const byVersion = Map.groupBy(loadWaitingSteps(db), ({ effect }) => versionOf(effect));
  await Promise.all(
    [...byVersion].map(async ([name, steps]) => {
      const outcome = await probe(db, runPreflight, steps[0]);
      db.transaction(() => {
        for (const { rollout, effect } of steps) {
          finishStep(
            db,
            { rollout, step: effect.step },
            { at: commandTime(db, clock), outcome: `${name}: ${outcome}` },
          );
        }
      });
    }),
  );
}

function versionOf(effect: RolloutEffect): string {
  return "version" in effect ? `${effect.product} ${effect.version}` : effect.kind;
}

async function probe(db: Db, runPreflight: RunPreflight, step: StepRecord | undefined): Promise<string> {
  if (step === undefined || !("version" in step.effect)) return "nothing to send";
  const { product, version } = step.effect;
  const served = targetVersions(loadFacts(db), product, version);
  const outcomes = await Promise.all(served.map((one) => runOne(runPreflight, product, one)));
  return outcomes.join("; ");
}

async function runOne(runPreflight: RunPreflight, product: string, version: string): Promise<string> {
  try {
    const done = await runPreflight(
      { product, version, purpose: "wave" },
      { actor: ROLLOUT, ifMatch: null, idempotencyKey: null },
    );
    return done.ok ? `run ${done.value.run}` : done.error.detail;
  } catch (error) {
    // Whoever asked waits for a fresh run and asks again; a bug here must not stop the others.
    return error instanceof Error ? error.message : String(error);
  }
}
