/**
 * What two operators may want to do to a rollout and its surroundings, drawn from a seed. Each intent names the resource
 * whose revision an operator reads before and sends along. Plain data and one call; used by race.ts alone.
 */
import type { WriteContext } from "../../src/contracts/control.ts";
import type { Refusal } from "../../src/contracts/problems.ts";
import type { Result } from "../../src/contracts/result.ts";
import type { Control } from "../../src/control/control.ts";
import { pick, type Random } from "./random.ts";
import { FRIDAY, HOUR } from "./rollout-world.ts";

export interface Resource {
  readonly kind: "rollout" | "account" | "freeze" | "product";
  readonly name: string;
}

/** One change, ready to be sent. */
export interface Intent {
  readonly action: string;
  readonly resource: Resource;
  send(control: Control, context: WriteContext): Promise<Result<unknown, Refusal>>;
}

export const ROLLOUT = "autumn";
const rollout: Resource = { kind: "rollout", name: ROLLOUT };

type Draw = (random: Random, accounts: readonly string[]) => Intent;

const onRollout = (action: string, send: Intent["send"]): Intent => ({ action, resource: rollout, send });

const onAccount = (action: string, account: string, send: Intent["send"]): Intent => ({
  action,
  resource: { kind: "account", name: account },
  send,
});

const reason = "race";

const DRAWS: readonly (readonly [weight: number, draw: Draw])[] = [
  [
    6,
    () =>
      onRollout("rollout.pause", (to, how) =>
        to.execute("rollout.pause", { id: ROLLOUT, input: { reason } }, how),
      ),
  ],
  [
    8,
    (random) => {
      const again = random() < 0.3;
      return onRollout("rollout.resume", (to, how) =>
        to.execute("rollout.resume", { id: ROLLOUT, input: { again } }, how),
      );
    },
  ],
  [
    8,
    (random) => {
      const input = pick(random, [{ wave: 1 }, { wave: 2 }, { default: "kiln" }, { default: "fogbugz" }]);
      return onRollout("rollout.approve", (to, how) =>
        to.execute("rollout.approve", { id: ROLLOUT, input }, how),
      );
    },
  ],
  [
    1,
    () =>
      onRollout("rollout.stop", (to, how) =>
        to.execute("rollout.stop", { id: ROLLOUT, input: { reason } }, how),
      ),
  ],
  [
    4,
    (random) => {
      const scope = pick(random, [{}, { toWave: 0 }, { toWave: 1 }, { where: { cohort: "internal" } }]);
      const input = { ...scope, confirmed: random() < 0.7, reason };
      return onRollout("rollout.rollback", (to, how) =>
        to.execute("rollout.rollback", { id: ROLLOUT, input }, how),
      );
    },
  ],
  [
    3,
    (random) => {
      const on = random() < 0.4;
      // Halt has no revision: whoever says it last has said it.
      return onRollout("halt.set", (to, how) =>
        to.execute("halt.set", { input: { on, reason } }, { ...how, ifMatch: null }),
      );
    },
  ],
  [
    3,
    (random) => {
      const from = FRIDAY + Math.floor(random() * 2 * HOUR);
      const until = from + HOUR / 2;
      const input = {
        from: new Date(from).toISOString().slice(0, 16),
        to: new Date(until).toISOString().slice(0, 16),
        zone: "UTC",
        scope: {},
        reason,
      };
      return {
        action: "freeze.put",
        resource: { kind: "freeze", name: "sale" },
        send: (to, how) => to.execute("freeze.put", { name: "sale", input }, how),
      };
    },
  ],
  [
    3,
    () => ({
      action: "freeze.delete",
      resource: { kind: "freeze", name: "sale" },
      send: (to, how) => to.execute("freeze.delete", { name: "sale", reason }, how),
    }),
  ],
  [
    4,
    (random, accounts) => {
      const account = pick(random, accounts);
      const input = {
        timeZone: pick(random, ["Asia/Tokyo", "Europe/Paris"]),
        cohort: pick(random, ["internal", "general"]),
      };
      return onAccount("account.put", account, (to, how) =>
        to.execute("account.put", { account, input }, how),
      );
    },
  ],
  [
    3,
    (random, accounts) => {
      const account = pick(random, accounts);
      const product = pick(random, ["kiln", "fogbugz"]);
      const expires = random() < 0.5 ? new Date(FRIDAY + HOUR).toISOString() : null;
      const input = { version: "1", reason, expires };
      return onAccount("account.pin.set", account, (to, how) =>
        to.execute("account.pin.set", { account, product, input }, how),
      );
    },
  ],
  [
    2,
    (random, accounts) => {
      const account = pick(random, accounts);
      const product = pick(random, ["kiln", "fogbugz"]);
      return onAccount("account.pin.lift", account, (to, how) =>
        to.execute("account.pin.lift", { account, product, reason }, how),
      );
    },
  ],
  [
    3,
    (random, accounts) => {
      const account = pick(random, accounts);
      const input = { version: "1", reason };
      return onAccount("account.quarantine.set", account, (to, how) =>
        to.execute("account.quarantine.set", { account, product: "kiln", input }, how),
      );
    },
  ],
  [
    2,
    (random, accounts) => {
      const account = pick(random, accounts);
      const until = new Date(FRIDAY + (1 + Math.floor(random() * 40)) * HOUR).toISOString();
      const input = { until, reason, owner: "support" };
      return onAccount("account.deferral.set", account, (to, how) =>
        to.execute("account.deferral.set", { account, input }, how),
      );
    },
  ],
  [
    2,
    (random) => {
      const product = pick(random, ["kiln", "fogbugz"]);
      const input = { version: pick(random, ["1", "2"]), reason };
      return {
        action: "product.stable.set",
        resource: { kind: "product", name: product },
        send: (to, how) => to.execute("product.stable.set", { product, input }, how),
      };
    },
  ],
];

const TOTAL = DRAWS.reduce((sum, [weight]) => sum + weight, 0);

/** What an operator wants next. */
export function drawIntent(random: Random, accounts: readonly string[]): Intent {
  let at = random() * TOTAL;
  for (const [weight, draw] of DRAWS) {
    at -= weight;
    if (at < 0) return draw(random, accounts);
  }
  throw new Error("the weights do not add up");
}
