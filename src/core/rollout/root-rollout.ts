/**
 * What a rollout looks like in the published maps, and which homes are written when it leaves them. The two belong
 * together: an account below its group's threshold has the target as its version before, and as its home after.
 * Pure; called by control's publisher and by its writing of homes.
 */
import type { AccountRow, RootRollout } from "../../contracts/maps.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { VersionName } from "../../contracts/units.ts";
import { bucketOf } from "../bucket.ts";
import { own } from "../record.ts";
import { isActive } from "./state.ts";

/**
 * The rollout for `root.rollouts`; null while it is a draft and after its end.
 * @param groups how many positions `moved[]` needs: one more than the highest group number in the maps.
 */
export function rootRollout(state: RolloutState, groups: number): RootRollout | null {
  if (!isActive(state)) return null;
  const moved = Array.from({ length: groups }, () => 0);
  const held = [...moved];
  for (const [index, number] of state.groups.number.entries()) {
    if (number >= groups) continue;
    moved[number] = state.groups.moved[index] ?? 0;
    held[number] = state.groups.held?.[index] ?? 0;
  }
  return {
    id: state.plan.id,
    salt: state.salt,
    targets: state.plan.targets,
    moved,
    held,
    ...(state.data?.never === true ? { mixed: "never" } : {}),
  };
}

/**
 * The home to write for one account and product when the rollout settles; null to leave it. Whoever a pin or quarantine
 * keeps elsewhere keeps the home too: its end must not move anybody.
 */
export function settledHome(
  state: RolloutState,
  row: Pick<AccountRow, "slug" | "group" | "homes" | "pins" | "quarantine">,
  product: string,
): VersionName | null {
  const target = own(state.plan.targets, product);
  const index = state.groups.number.indexOf(row.group);
  if (target === undefined || index < 0 || own(row.homes, product) === undefined) return null;
  if (bucketOf(state.salt, row.slug) >= (state.groups.moved[index] ?? 0)) return null;
  const kept = own(row.quarantine ?? {}, product) ?? own(row.pins ?? {}, product);
  if (kept !== undefined && kept !== target) return null;
  return row.homes[product] === target ? null : target;
}
