/**
 * `approve` and `waive-gate`: a person's yes. Each names what it is about, so that a double click says yes once: the same
 * wave again changes nothing, any other is refused. A waiver lets past that a gate cannot tell, never that it failed.
 */
import { ok } from "../../../contracts/result.ts";
import type { CommandContext, RolloutCommand } from "../../../contracts/rollout-input.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";
import { counted } from "../../counted.ts";
import { remaining } from "../groups.ts";
import { waiveMirror } from "../phases/mirror.ts";
import { accountsAhead, withWave } from "../phases/shift.ts";
import { isActive, quietly } from "../state.ts";
import { type CommandResult, refuse } from "./refuse.ts";

type Approve = Extract<RolloutCommand, { kind: "approve" }>;
type Waive = Extract<RolloutCommand, { kind: "waive-gate" }>;

function approveWave(
  state: RolloutState,
  wave: number,
  { nowMs, by, frozen }: CommandContext,
): CommandResult {
  const plan = state.plan.waves[wave];
  const known = state.waves[wave];
  if (plan === undefined || known === undefined)
    return refuse(state, `there is no wave ${wave}`, { wave: state.wave });
  if (wave === state.wave && asksAboutGate(state)) return approveGate(state, wave, { nowMs, by });
  if (!plan.approveBefore && known.gateWaived !== null) return ok(quietly(state));
  if (!plan.approveBefore) return refuse(state, `wave ${wave} "${plan.name}" asks for no approval`);
  if (wave !== state.wave || known.shiftedMs !== null) {
    return refuse(state, `wave ${state.wave} is at hand, not wave ${wave}`, { wave: state.wave });
  }
  const accounts = accountsAhead(state, frozen, remaining(state, frozen, wave));
  const next = withWave(state, wave, { approved: { by, atMs: nowMs } });
  return ok({
    ...quietly(next),
    happened: [`wave "${plan.name}" (${counted(accounts, "account")}) approved by ${by}`],
  });
}

/** The wave is baked and its gate cannot tell: the plan leaves that to a person. */
function asksAboutGate({ phase, cause }: RolloutState): boolean {
  return phase === "baking" && cause === "approval";
}

function approveGate(
  state: RolloutState,
  wave: number,
  { nowMs, by }: Pick<CommandContext, "nowMs" | "by">,
): CommandResult {
  const reason = "approved although the gate cannot tell";
  const next = withWave(state, wave, { gateWaived: { by, atMs: nowMs, reason } });
  const name = state.plan.waves[wave]?.name ?? "";
  return ok({ ...quietly(next), happened: [`wave "${name}": ${reason}, by ${by}`] });
}

function approveDefault(state: RolloutState, product: string, { nowMs, by }: CommandContext): CommandResult {
  const step = state.defaults.find((other) => other.product === product);
  if (step === undefined) return refuse(state, `the default of ${product} is not moved by this rollout`);
  if (state.wave < state.waves.length)
    return refuse(state, "the default moves last: a wave is still open", { wave: state.wave });
  const current = state.defaults.find(({ bakedMs }) => bakedMs === null);
  if (current?.product !== product) {
    return refuse(
      state,
      `the default of ${current?.product ?? "no product"} is at hand, not that of ${product}`,
    );
  }
  const approved = { by, atMs: nowMs };
  const waived = waiveMirror(step.mirror, approved);
  const defaults = state.defaults.map((other) =>
    other.product === product ? { ...other, approved, mirror: waived ?? other.mirror ?? null } : other,
  );
  const without = waived === null ? "" : ", with too few mirrored requests compared";
  return ok({
    ...quietly({ ...state, defaults }),
    happened: [`the default of ${product} approved by ${by}${without}`],
  });
}

/** Says yes to the wave at hand, or to the default of the product at hand. */
export function approve(state: RolloutState, { what }: Approve, context: CommandContext): CommandResult {
  // The second click of a double one may come when all is done: it said yes already.
  const step = "wave" in what ? undefined : state.defaults.find(({ product }) => product === what.default);
  const said = "wave" in what ? state.waves[what.wave] : step;
  // What too few mirrored requests leave open is another question than the one that was answered before.
  const mirror = waiveMirror(step?.mirror, { by: context.by, atMs: context.nowMs }) !== null;
  const asks = mirror || ("wave" in what && what.wave === state.wave && asksAboutGate(state));
  if ((said?.approved ?? null) !== null && !asks) return ok(quietly(state));
  if (!isActive(state)) return refuse(state, `${state.plan.id} is ${state.phase}: nothing to approve`);
  if (state.rollback !== null || state.settle !== null)
    return refuse(state, "it does not go forward any more");
  return "wave" in what
    ? approveWave(state, what.wave, context)
    : approveDefault(state, what.default, context);
}

/** Lets an inconclusive gate of the wave at hand (or the one before it) past, with a reason. */
export function waiveGate(
  state: RolloutState,
  { wave, reason }: Waive,
  { nowMs, by }: CommandContext,
): CommandResult {
  const known = state.waves[wave];
  if (!isActive(state) || state.plan.gate === null) return refuse(state, "there is no gate to waive");
  if (known === undefined || (wave !== state.wave && wave !== state.wave - 1)) {
    return refuse(state, `wave ${state.wave} is at hand, not wave ${wave}`, { wave: state.wave });
  }
  if (known.gateWaived !== null) return ok(quietly(state));
  const next = withWave(state, wave, { gateWaived: { by, atMs: nowMs, reason } });
  return ok({ ...quietly(next), happened: [`the gate of wave ${wave} waived by ${by}: ${reason}`] });
}
