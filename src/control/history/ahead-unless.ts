/**
 * What may change an expectation, in whole sentences: a forecast without them would read as a promise. Only what still
 * lies between now and the move is named. Reads only; called for `explain --at` of times ahead.
 */
import type { ExpectedMove } from "../../contracts/history-port.ts";
import type { RolloutState, WavePlan } from "../../contracts/rollout.ts";
import type { AccountSlug, ProductName } from "../../contracts/units.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { isHalted } from "../rollouts/facts.ts";
import { secondPersonWords } from "../rollouts/second-person.ts";
import { loadDefaultRequest } from "../store/four-eyes.ts";
import type { RolloutRecord } from "../store/rollouts.ts";

/** Everything that stands between now and a move, and what could still come. */
export function unlessOf(db: Db, record: RolloutRecord, move: ExpectedMove): readonly string[] {
  const { state, id } = record;
  const last = move.wave === null ? state.plan.waves.length - 1 : waveIndex(state, move.wave);
  const waves = state.plan.waves.slice(state.wave, last + 1);
  return [
    ...(isHalted(db) ? ["Everything is halted: nothing moves before somebody lifts that."] : []),
    ...standing(state, id),
    ...waves.flatMap((_, index) => inWave(state, state.wave + index)),
    ...waves.flatMap((wave, index) =>
      // The wave that moves it may still bake; those before it, and all of them for the default, must have.
      index < waves.length - 1 || move.wave === null ? bakeOf(wave) : [],
    ),
    ...(move.wave === null ? ofDefault(db, record, move) : []),
    `Preflight of ${targetsOf(state)} must pass again before each wave${state.plan.gate === null ? "" : ", and the gate after each"}.`,
    "A freeze, another window, a pause or a rollback would change it.",
    ...(move.wave === null ? [] : ["So would a pin, a quarantine or a deferral of the account."]),
  ];
}

/** A move of the default by hand that waits for another person; of an account it says nothing. */
export function waitingByHand(db: Db, product: ProductName, account: AccountSlug | null): readonly string[] {
  const request = account === null ? loadDefaultRequest(db, product) : null;
  if (request === null) return [];
  const { version, askedBy, untilMs } = request;
  return [
    `${askedBy} asked for ${version} as the default of ${product}, which moves when somebody else approves that before ${toInstant(untilMs)}.`,
  ];
}

function waveIndex({ plan }: RolloutState, name: string): number {
  return plan.waves.findIndex((wave) => wave.name === name);
}

function targetsOf({ plan }: RolloutState): string {
  return Object.entries(plan.targets)
    .map(([product, version]) => `${product} ${version}`)
    .join(" and ");
}

/** Where the rollout is now, if that is not on its way. */
function standing({ phase, reason }: RolloutState, id: string): readonly string[] {
  switch (phase) {
    case "draft":
      return [`Rollout ${id} is a draft: this is as if it were started now.`];
    case "paused":
      return [`Rollout ${id} is paused (${reason}): this is as if somebody resumed it now.`];
    case "preflight":
      return [`Rollout ${id} is in preflight: this is as if it passed now.`];
    case "preflight-failed":
      return [`Preflight of rollout ${id} failed (${reason}): this is as if that were put right now.`];
    default:
      return [];
  }
}

function inWave({ plan, waves }: RolloutState, index: number): readonly string[] {
  const wave = plan.waves[index];
  const known = waves[index];
  if (
    wave?.approveBefore !== true ||
    (known?.approved ?? null) !== null ||
    (known?.shiftedMs ?? null) !== null
  )
    return [];
  return [`Wave "${wave.name}" waits for approval: this is as if it were given at once.`];
}

function bakeOf({ name, bake }: WavePlan): readonly string[] {
  if (bake.requests === 0) return [];
  return [`Wave "${name}" bakes until ${bake.requests} requests were seen, however long that takes.`];
}

function ofDefault(db: Db, record: RolloutRecord, { product }: ExpectedMove): readonly string[] {
  const { plan, defaults } = record.state;
  const approved = defaults.find((step) => step.product === product)?.approved ?? null;
  const second = secondPersonWords(db, product, record);
  return [
    ...(second === null ? [] : [`F${second.slice(1)}: this is as if that were done at once.`]),
    ...(second === null && plan.default?.approveBefore === true && approved === null
      ? [`The default of ${product} waits for approval: this is as if it were given at once.`]
      : []),
    "The default moves only after every class of request was seen to be answered by the target.",
  ];
}
