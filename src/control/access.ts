/**
 * Who may do what: the roles' permissions, checked here as well as at the admin surface, because this is where the truth
 * is written. A token limited to products may touch nothing that also concerns other ones. Fails closed: what is not
 * listed is for `admin`.
 */
import type { Actor, CommandName } from "../contracts/control.ts";
import type { Role } from "../contracts/env.ts";
import type { Refusal } from "../contracts/problems.ts";
import type { Result } from "../contracts/result.ts";
import type { ProductName } from "../contracts/units.ts";
import { refuse } from "./refuse.ts";

/** Commands and the other writing doors of the port. */
export type Deed = CommandName | "accounts.import" | "preflight.run" | "restore";

/** Signing in and out changes nothing but one's own session. */
const OWN: readonly Deed[] = ["session.create", "session.end"];
const SUPPORT: readonly Deed[] = [
  ...OWN,
  "account.deferral.set",
  "account.deferral.lift",
  "account.hold.set",
  "account.hold.lift",
  "account.quarantine.set",
  "account.quarantine.lift",
];
const DEPLOYER: readonly Deed[] = [
  ...OWN,
  "version.put",
  "version.state.set",
  "override.issued",
  "preflight.run",
  "preflight.record",
  "rollout.signal",
];
const OPERATOR: readonly Deed[] = [
  ...SUPPORT,
  ...DEPLOYER,
  "product.put",
  "product.stable.set",
  "product.default.set",
  "product.default.approve",
  "product.default.withdraw",
  "product.default.revert",
  "version.bad.mark",
  "version.bad.clear",
  "product.mode.set",
  "product.hold.set",
  "product.hold.lift",
  "account.put",
  "account.delete",
  "account.undelete",
  "account.pin.set",
  "account.pin.lift",
  "halt.set",
  "override.revoke-all",
  "accounts.import",
  "window.put",
  "window.delete",
  "freeze.put",
  "freeze.delete",
  "preflight.settings.set",
  "preflight.waive",
  "preflight.waiver.withdraw",
  "events.retry",
  "webhook.retry",
];

/** Of rollouts and replacements; which products they concern is asked where the rollout is known. */
const ROLLOUTS: readonly Deed[] = [
  "rollout.create",
  "rollout.delete",
  "rollout.start",
  "rollout.pause",
  "rollout.resume",
  "rollout.approve",
  "rollout.waive-gate",
  "rollout.stop",
  "rollout.rollback",
  "rollout.adopt",
  "replacement.start",
  "replacement.pause",
  "replacement.resume",
  "replacement.stop",
  "replacement.rollback",
];

/** What a role may do; null: everything. */
const DEEDS: Readonly<Record<Role, readonly Deed[] | null>> = {
  viewer: OWN,
  support: SUPPORT,
  deployer: DEPLOYER,
  operator: [...OPERATOR, ...ROLLOUTS],
  admin: null,
};

/** Deeds that concern every product, whatever they name. */
const WHOLE: readonly Deed[] = [
  "halt.set",
  "override.revoke-all",
  "token.create",
  "token.revoke",
  "access.grant",
  "access.revoke",
  "webhook.put",
  "webhook.delete",
  "webhook.rotate",
  "webhook.retry",
  "accounts.import",
  "window.put",
  "window.delete",
  "freeze.put",
  "freeze.delete",
  "restore",
];

/** @returns null when the actor's role allows the deed. */
export function refuseRole(actor: Actor, deed: Deed): Result<never, Refusal> | null {
  const deeds = DEEDS[actor.role];
  if (deeds !== null && !deeds.includes(deed)) {
    return refuse("forbidden", `the role ${actor.role} of ${actor.name} does not include ${deed}`);
  }
  if (actor.products !== null && WHOLE.includes(deed)) {
    return refuse(
      "forbidden",
      `${deed} concerns all products; ${actor.name} may touch only ${actor.products.join(", ")}`,
    );
  }
  return null;
}

/** @returns null when the actor may touch every one of these products. */
export function refuseProducts(
  actor: Actor,
  products: readonly ProductName[],
): Result<never, Refusal> | null {
  const { products: allowed } = actor;
  if (allowed === null) return null;
  const foreign = products.filter((product) => !allowed.includes(product));
  return foreign.length === 0
    ? null
    : refuse(
        "forbidden",
        `that concerns ${foreign.join(", ")}; ${actor.name} may touch only ${allowed.join(", ")}`,
      );
}
