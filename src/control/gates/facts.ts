/**
 * What the engine is told of gates: the kept verdicts over each wave as one word, with whom to put back, and the word over
 * a default that has moved. Reads what judge.ts kept; judges only the default, which has no accounts. Reads only.
 */
import type { GateFact, VerdictFact } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { SuspectAccount, GateVerdict } from "../../contracts/gate.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { judgeDefault } from "../../core/gates/default-verdict.ts";
import { gatePolicy } from "../../core/gates/policy.ts";
import { worstVerdict } from "../../core/gates/verdict.ts";
import type { Db } from "../db.ts";
import { markNames } from "../observations/marks.ts";
import { loadSignals, loadVerdicts } from "../store/gates.ts";
import { loadObserved } from "../store/observations.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import { signalsFor, testsOf } from "./judge.ts";

/** By wave; null where none was judged. */
export function gateFacts(db: Db, { id, state }: RolloutRecord): readonly (GateFact | null)[] {
  if (state.plan.gate === null) return [];
  const kept = loadVerdicts(db, id);
  return state.waves.map((_, wave) =>
    toFact(
      state,
      kept.filter((one) => one.wave === wave).map(({ verdict }) => verdict),
    ),
  );
}

function toFact({ plan }: RolloutState, verdicts: readonly GateVerdict[]): GateFact | null {
  const known = verdicts.filter(({ product, version }) => plan.targets[product] === version);
  const worst = worstVerdict(known);
  if (worst === null) return null;
  const named = new Map(
    known.flatMap(({ product, version, quarantine }) =>
      quarantine.map((suspect) => [suspect.account, reasonOf(`${product} ${version}`, suspect)] as const),
    ),
  );
  return { ...worst, quarantine: [...named].map(([account, reason]) => ({ account, reason })) };
}

const PERCENT = 100;
const percent = (share: number): string => `${Number((share * PERCENT).toFixed(2))} %`;

function reasonOf(name: string, { nowShare, pastShare, failures, requests, blocks }: SuspectAccount): string {
  return `${name}: ${failures} of ${requests} requests failed in ${blocks} blocks of five minutes (${percent(nowShare)}, before its move ${percent(pastShare)})`;
}

/** Over each default that has moved and was not put back. */
export function defaultFacts(
  db: Db,
  { id, state }: RolloutRecord,
  nowMs: EpochMs,
): Readonly<Record<ProductName, VerdictFact>> {
  const { plan, defaults, startedMs } = state;
  const { gate } = plan;
  const moved = defaults.filter(({ movedMs, putBackMs }) => movedMs !== null && putBackMs === null);
  if (gate === null || moved.length === 0) return {};
  const observed = loadObserved(db, id);
  const answer = (name: string, product: ProductName, since: EpochMs | null) =>
    observed.find((one) => one.name === name && one.product === product && one.since === since)?.answer;
  return Object.fromEntries(
    moved.map(({ product, movedMs }) => [
      product,
      judgeDefault({
        nowMs,
        product,
        policy: gatePolicy(gate),
        tests: testsOf(state),
        now: answer(markNames.default(product), product, movedMs)?.target.unknown.tally ?? null,
        before: answer(markNames.start, product, startedMs)?.from.unknown.tally ?? null,
        signals: signalsFor(loadSignals(db, id), product),
      }),
    ]),
  );
}
