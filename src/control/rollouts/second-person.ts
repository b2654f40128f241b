/**
 * Four eyes for the default that a rollout moves: who may not say yes to it, because they started the rollout or changed it
 * last, read from the audit, which knows every name; and yeses that count no more, because the rollout is another since.
 * Called by the commands on rollouts and by the switch itself. Protective moves never come here.
 */
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import type { RolloutCommand } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { ProductName } from "../../contracts/units.ts";
import { approvalNotice } from "../../core/rollout/phases/default-step.ts";
import type { Work } from "../commands/work.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { readText } from "../row.ts";
import { holdsFourEyes, loadFourEyes } from "../store/four-eyes.ts";
import { loadActiveRollouts, saveRollout, type RolloutRecord } from "../store/rollouts.ts";

/** What makes a rollout another one. Pausing and stopping do not, and going back is not going forward. */
const CHANGES: readonly string[] = [
  "rollout.create",
  "rollout.start",
  "rollout.resume",
  "rollout.adopt",
  "rollout.waive-gate",
];
const CHANGING: readonly RolloutCommand["kind"][] = ["resume", "adopt", "waive-gate"];

/** Who started a rollout and who changed it last, each once. */
export function handsOn(db: Db, id: string): readonly string[] {
  const last = (actions: readonly string[]): readonly string[] =>
    db
      .rows(
        `SELECT actor FROM audit WHERE target = ?1 AND role <> 'system' AND action IN (SELECT value FROM json_each(?2))
         ORDER BY seq DESC LIMIT 1`,
        `rollout/${id}`,
        JSON.stringify(actions),
      )
      .map((row) => readText(row, "actor"));
  return [...new Set([...last(["rollout.start"]), ...last(CHANGES)])];
}

/** @returns null when this person may say yes to the default of this product. */
export function refuseSamePerson(
  { db, actor }: Work,
  id: string,
  product: ProductName,
): Result<never, Refusal> | null {
  if (!holdsFourEyes(db, product) || !handsOn(db, id).includes(actor.name)) return null;
  return refuse(
    "forbidden",
    `four eyes hold for the default of ${product}: ${actor.name} started ${id} or changed it last, so somebody of another name approves it`,
  );
}

/**
 * Said ahead of a default that will wait for another person's yes; null: four eyes do not hold for it, or she has said yes.
 * @param record of the rollout; null: it is not written down.
 */
export function secondPersonWords(
  db: Db,
  product: ProductName,
  record: Pick<RolloutRecord, "id" | "state"> | null,
): string | null {
  if (!holdsFourEyes(db, product)) return null;
  const step = record?.state.defaults.find((one) => one.product === product);
  if (step !== undefined && (step.approved !== null || step.movedMs !== null)) return null;
  const not = record === null || record.state.phase === "draft" ? [] : handsOn(db, record.id);
  const who = not.length === 0 ? "who starts the rollout or changes it last" : not.join(" or ");
  return `four eyes hold for the default of ${product}: it waits until somebody else than ${who} approves it`;
}

/** The state after a command, without yeses to defaults that were given to what the rollout was before. */
export function askAgain(
  db: Db,
  state: RolloutState,
  { kind }: RolloutCommand,
): { readonly state: RolloutState; readonly happened: readonly string[] } {
  if (!CHANGING.includes(kind)) return { state, happened: [] };
  const held = loadFourEyes(db);
  const again = givenYeses(state).filter((product) => held.has(product));
  return {
    state: withoutYes(state, again),
    happened: again.map((product) => `the default of ${product} is to be approved again`),
  };
}

/** Takes back the yes of every active rollout to the default of a product. @returns their ids. */
export function takeBackApprovals(db: Db, product: ProductName): readonly string[] {
  return loadActiveRollouts(db)
    .filter(({ state }) => givenYeses(state).includes(product))
    .map((record) => {
      saveRollout(db, {
        ...record,
        state: withoutYes(record.state, [product]),
        revision: record.revision + 1,
      });
      return record.id;
    });
}

/** Products whose default was said yes to and has not moved. */
function givenYeses({ defaults }: RolloutState): readonly ProductName[] {
  return defaults
    .filter(({ approved, movedMs, bakedMs }) => approved !== null && movedMs === null && bakedMs === null)
    .map(({ product }) => product);
}

function withoutYes(state: RolloutState, products: readonly ProductName[]): RolloutState {
  if (products.length === 0) return state;
  const defaults = state.defaults.map((step) =>
    products.includes(step.product) ? { ...step, approved: null } : step,
  );
  // Whoever is to be asked again is told again.
  const notified = state.notified.filter((told) => !products.some((name) => told === approvalNotice(name)));
  return { ...state, defaults, notified };
}
