/**
 * What a tick asks the meters about the rollouts that run: what has been seen at all, requests since a wave was done and
 * since a default moved, and for the gate the accounts of the last wave that moved somebody. Pure but for the reads.
 */
import type { AccountsAsk, ObservationAsk } from "../../contracts/observation.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { capFor } from "../../core/gates/moments.ts";
import { own } from "../../core/record.ts";
import { lastMovingWave } from "../../core/rollout/health.ts";
import { reachableVersions } from "../../core/rollout/served.ts";
import type { Mark, Observed } from "../store/observations.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import { markNames } from "./marks.ts";

/** A question, and where its answer is kept. */
export interface Question {
  readonly rollout: string;
  readonly name: string;
  readonly since: EpochMs;
  readonly ask: ObservationAsk;
}

export interface AskContext {
  readonly facts: Facts;
  readonly marks: readonly Mark[];
  /** Last answers, which say how much one account may weigh in the next ones. */
  readonly before: readonly Observed[];
}

/** Questions about one rollout. Nothing is asked about maps that are not out. */
export function questionsOf(record: RolloutRecord, context: AskContext): readonly Question[] {
  const { state } = record;
  return Object.entries(state.plan.targets).flatMap(([product, version]) => {
    const versions = versionsOf(record, context.facts, { product, version });
    const question = (name: string, since: EpochMs, more: Partial<ObservationAsk>): Question => {
      const key = `${record.id} ${name} ${product}`;
      const ask = { key, product, ...versions, sinceMs: since, minGeneration: 0, accounts: null, ...more };
      return { rollout: record.id, name, since, ask };
    };
    const sinceMark = (name: string, more: Partial<ObservationAsk> = {}): readonly Question[] => {
      const mark = context.marks.find((one) => one.name === name);
      if (mark === undefined || mark.generation === null) return [];
      return [question(name, mark.at, { minGeneration: mark.generation, ...more })];
    };
    const wave = state.plan.gate === null ? null : lastMovingWave(state);
    return [
      ...(state.startedMs === null ? [] : [question(markNames.start, state.startedMs, {})]),
      ...sinceMark(markNames.shifted(state.wave)),
      ...sinceMark(markNames.default(product)),
      ...(wave === null
        ? []
        : sinceMark(markNames.moved(wave), {
            accounts: weightsOf(context.before, markNames.moved(wave), product),
          })),
    ];
  });
}

/** The target and what replacements make of it; the versions that accounts came from likewise, unless they are the same. */
function versionsOf(
  { state }: RolloutRecord,
  facts: Facts,
  { product, version }: { product: ProductName; version: VersionName },
): Pick<ObservationAsk, "target" | "from"> {
  const all = (name: VersionName): readonly VersionName[] => [
    ...new Set([name, ...reachableVersions(facts, product, name)]),
  ];
  const target = all(version);
  const from = new Set((own(state.origins, product) ?? []).flatMap(all));
  return { target, from: [...from].filter((name) => !target.includes(name)) };
}

function weightsOf(before: readonly Observed[], name: string, product: ProductName): AccountsAsk {
  const last = before.find((one) => one.name === name && one.product === product)?.answer;
  const cap = (side: { requests: number; accounts: number } | undefined): number | null =>
    side === undefined || side.accounts === 0 ? null : capFor(side);
  const share = (past: { requests: number; failures: number } | undefined): number | null =>
    past === undefined || past.requests === 0 ? null : past.failures / past.requests;
  return {
    movedCap: cap(last?.moved),
    notMovedCap: cap(last?.notMoved),
    movedPastShare: share(last?.movedPast),
    notMovedPastShare: share(last?.notMovedPast),
  };
}
