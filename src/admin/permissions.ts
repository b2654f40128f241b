/**
 * Decides who may do what: the one table of roles and operations, and the product limits of a token.
 * Pure. control/access.ts checks changes again, where the truth is written; a test keeps the two in step. This one refuses
 * before a body is read, and covers reading. It must not know how a token was checked (authenticate.ts) nor what an operation does. Called once a request,
 * before anything of the request is parsed. Posture: closed; an operation missing here does not compile.
 */
import type { Actor } from "../contracts/control.ts";
import type { Role } from "../contracts/env.ts";
import type { Refusal } from "../contracts/problems.ts";
import type { ProductName } from "../contracts/units.ts";

/**
 * How a token's product limit bears on an operation.
 * `product`: it names one product, which must be among the token's. `everything`: it concerns all products at once, so a
 * limited token may not. `account`: it concerns the products that the account (or the rollout) has, which only the control
 * plane knows, so it decides. `shared`: reading what all products share (accounts, status, audit); the limit does not bear.
 */
export type Scope = "product" | "account" | "everything" | "shared";

export interface Permission {
  readonly roles: readonly Role[];
  readonly scope: Scope;
}

const EVERYBODY: readonly Role[] = ["viewer", "support", "deployer", "operator", "admin"];
const SUPPORT: readonly Role[] = ["support", "operator", "admin"];
const DEPLOYER: readonly Role[] = ["deployer", "operator", "admin"];
const OPERATOR: readonly Role[] = ["operator", "admin"];
const ADMIN: readonly Role[] = ["admin"];

/** Every operation that needs a token. Grouped by resource; `viewer` reads, `support` eases one account, and so on up. */
export const PERMISSIONS = {
  "products.list": { roles: EVERYBODY, scope: "shared" },
  "products.get": { roles: EVERYBODY, scope: "product" },
  "products.put": { roles: OPERATOR, scope: "product" },
  "products.stable.set": { roles: OPERATOR, scope: "product" },
  "products.default.get": { roles: EVERYBODY, scope: "product" },
  "products.default.set": { roles: OPERATOR, scope: "product" },
  "products.default.approve": { roles: OPERATOR, scope: "product" },
  "products.default.withdraw": { roles: OPERATOR, scope: "product" },
  "products.four-eyes.set": { roles: ADMIN, scope: "product" },
  "products.default.revert": { roles: OPERATOR, scope: "product" },
  "products.mode.set": { roles: OPERATOR, scope: "product" },
  "products.compare.get": { roles: EVERYBODY, scope: "product" },
  "products.hold.set": { roles: OPERATOR, scope: "product" },
  "products.hold.lift": { roles: OPERATOR, scope: "product" },
  "versions.list": { roles: EVERYBODY, scope: "product" },
  "versions.get": { roles: EVERYBODY, scope: "product" },
  "versions.put": { roles: DEPLOYER, scope: "product" },
  "versions.state.set": { roles: DEPLOYER, scope: "product" },
  "versions.bad.mark": { roles: OPERATOR, scope: "product" },
  "versions.bad.clear": { roles: OPERATOR, scope: "product" },
  "accounts.list": { roles: EVERYBODY, scope: "shared" },
  "accounts.get": { roles: EVERYBODY, scope: "shared" },
  "assignments.list": { roles: EVERYBODY, scope: "shared" },
  "events.list": { roles: EVERYBODY, scope: "shared" },
  "events.dead.list": { roles: EVERYBODY, scope: "shared" },
  "events.retry": { roles: OPERATOR, scope: "product" },
  "accounts.history.list": { roles: EVERYBODY, scope: "shared" },
  "failed-requests.list": { roles: EVERYBODY, scope: "shared" },
  "accounts.traffic.get": { roles: EVERYBODY, scope: "shared" },
  "accounts.put": { roles: OPERATOR, scope: "account" },
  "accounts.delete": { roles: OPERATOR, scope: "account" },
  "accounts.undelete": { roles: OPERATOR, scope: "account" },
  "accounts.import": { roles: OPERATOR, scope: "everything" },
  "accounts.pin.set": { roles: OPERATOR, scope: "product" },
  "accounts.pin.lift": { roles: OPERATOR, scope: "product" },
  "accounts.quarantine.set": { roles: SUPPORT, scope: "product" },
  "accounts.quarantine.lift": { roles: SUPPORT, scope: "product" },
  "accounts.hold.set": { roles: SUPPORT, scope: "account" },
  "accounts.hold.lift": { roles: SUPPORT, scope: "account" },
  "accounts.deferral.set": { roles: SUPPORT, scope: "account" },
  "accounts.deferral.lift": { roles: SUPPORT, scope: "account" },
  "windows.list": { roles: EVERYBODY, scope: "shared" },
  "windows.get": { roles: EVERYBODY, scope: "shared" },
  "windows.put": { roles: OPERATOR, scope: "everything" },
  "windows.delete": { roles: OPERATOR, scope: "everything" },
  "freezes.list": { roles: EVERYBODY, scope: "shared" },
  "freezes.get": { roles: EVERYBODY, scope: "shared" },
  "freezes.put": { roles: OPERATOR, scope: "everything" },
  "freezes.delete": { roles: OPERATOR, scope: "everything" },
  "preflight.settings.get": { roles: DEPLOYER, scope: "product" },
  "preflight.settings.set": { roles: OPERATOR, scope: "product" },
  "preflight.get": { roles: EVERYBODY, scope: "product" },
  "preflight.run": { roles: DEPLOYER, scope: "product" },
  "preflight.report": { roles: DEPLOYER, scope: "product" },
  "preflight.probes.list": { roles: DEPLOYER, scope: "product" },
  "preflight.waive": { roles: OPERATOR, scope: "product" },
  "preflight.waiver.withdraw": { roles: OPERATOR, scope: "product" },
  "rollouts.list": { roles: EVERYBODY, scope: "shared" },
  "rollouts.get": { roles: EVERYBODY, scope: "shared" },
  "rollouts.input.get": { roles: EVERYBODY, scope: "shared" },
  "rollouts.plan": { roles: DEPLOYER, scope: "shared" },
  "rollouts.plan.get": { roles: EVERYBODY, scope: "shared" },
  "rollouts.left-behind.list": { roles: EVERYBODY, scope: "shared" },
  "rollouts.gates.get": { roles: EVERYBODY, scope: "shared" },
  "rollouts.grid.get": { roles: EVERYBODY, scope: "shared" },
  "rollouts.impact.list": { roles: EVERYBODY, scope: "shared" },
  "rollouts.signals.list": { roles: EVERYBODY, scope: "shared" },
  "rollouts.signals.send": { roles: DEPLOYER, scope: "account" },
  "rollouts.put": { roles: OPERATOR, scope: "account" },
  "rollouts.delete": { roles: OPERATOR, scope: "account" },
  "rollouts.start": { roles: OPERATOR, scope: "account" },
  "rollouts.pause": { roles: OPERATOR, scope: "account" },
  "rollouts.resume": { roles: OPERATOR, scope: "account" },
  "rollouts.approve": { roles: OPERATOR, scope: "account" },
  "rollouts.waive-gate": { roles: OPERATOR, scope: "account" },
  "rollouts.stop": { roles: OPERATOR, scope: "account" },
  "rollouts.rollback": { roles: OPERATOR, scope: "account" },
  "rollouts.rollback.preview": { roles: DEPLOYER, scope: "shared" },
  "rollouts.adopt": { roles: OPERATOR, scope: "account" },
  "replacements.list": { roles: EVERYBODY, scope: "product" },
  "replacements.get": { roles: EVERYBODY, scope: "product" },
  "replacements.plan": { roles: DEPLOYER, scope: "product" },
  "replacements.put": { roles: OPERATOR, scope: "product" },
  "replacements.pause": { roles: OPERATOR, scope: "product" },
  "replacements.resume": { roles: OPERATOR, scope: "product" },
  "replacements.stop": { roles: OPERATOR, scope: "product" },
  "replacements.rollback": { roles: OPERATOR, scope: "product" },
  explain: { roles: EVERYBODY, scope: "shared" },
  "overrides.issue": { roles: DEPLOYER, scope: "product" },
  "overrides.revoke": { roles: OPERATOR, scope: "everything" },
  "halt.get": { roles: EVERYBODY, scope: "shared" },
  "halt.set": { roles: OPERATOR, scope: "everything" },
  "audit.list": { roles: EVERYBODY, scope: "shared" },
  "tokens.list": { roles: ADMIN, scope: "everything" },
  "tokens.create": { roles: ADMIN, scope: "everything" },
  "tokens.revoke": { roles: ADMIN, scope: "everything" },
  "access.list": { roles: ADMIN, scope: "everything" },
  "access.grant": { roles: ADMIN, scope: "everything" },
  "access.revoke": { roles: ADMIN, scope: "everything" },
  "webhooks.list": { roles: OPERATOR, scope: "everything" },
  "webhooks.put": { roles: ADMIN, scope: "everything" },
  "webhooks.delete": { roles: ADMIN, scope: "everything" },
  "webhooks.rotate": { roles: ADMIN, scope: "everything" },
  "webhooks.dead.list": { roles: OPERATOR, scope: "everything" },
  "webhooks.retry": { roles: OPERATOR, scope: "everything" },
  whoami: { roles: EVERYBODY, scope: "shared" },
  "sessions.create": { roles: EVERYBODY, scope: "shared" },
  "sessions.end": { roles: EVERYBODY, scope: "shared" },
  status: { roles: EVERYBODY, scope: "shared" },
  "alarms.list": { roles: EVERYBODY, scope: "shared" },
  traffic: { roles: EVERYBODY, scope: "shared" },
  metrics: { roles: EVERYBODY, scope: "shared" },
  "maps.read": { roles: OPERATOR, scope: "everything" },
  export: { roles: ADMIN, scope: "everything" },
  restore: { roles: ADMIN, scope: "everything" },
} as const satisfies Record<string, Permission>;

/** Operations that need a token. */
export type GuardedId = keyof typeof PERMISSIONS;
/** Every operation; these two answer anybody who reaches the admin host. */
export type OperationId = GuardedId | "openapi" | "ready";

/** Tells an operation that needs a token from one that does not. */
export function isGuarded(id: OperationId): id is GuardedId {
  return Object.hasOwn(PERMISSIONS, id);
}

/**
 * Says whether an actor may call an operation at all, before its input is read.
 * @returns null when the role and the kind of limit allow it, else the refusal (`forbidden`) that says who could.
 */
export function refuseOperation(actor: Actor, id: GuardedId): Refusal | null {
  const { roles, scope }: Permission = PERMISSIONS[id];
  if (!roles.includes(actor.role)) {
    const detail = `The role ${actor.role} may not do ${id}; it takes one of: ${roles.join(", ")}.`;
    return { problem: "forbidden", detail, extensions: { needs: roles } };
  }
  if (scope === "everything" && actor.products !== null) {
    const detail = `${id} concerns all products, and this token is limited to ${actor.products.join(", ")}. Use one without a limit.`;
    return { problem: "forbidden", detail };
  }
  return null;
}

/**
 * Says whether a token's product limit leaves this product to it.
 * @param product the product the request names, null when the operation names none.
 */
export function refuseProduct(actor: Actor, product: ProductName | null): Refusal | null {
  if (product === null || mayTouch(actor, product)) return null;
  return {
    problem: "forbidden",
    detail: `This token is limited to ${actor.products?.join(", ")}, and this is about ${product}.`,
  };
}

/** True when the token's limit, if it has one, includes the product. */
export function mayTouch(actor: Actor, product: ProductName): boolean {
  return actor.products === null || actor.products.includes(product);
}
