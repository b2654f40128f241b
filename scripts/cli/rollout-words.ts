/**
 * What the words of `rollout` mean: ids, waves by name or number, whose accounts go back. A wave is told to the API by
 * its index, so that a double click cannot say yes to the next one; people know its name. Pure; called by its verbs.
 */
import { InvalidArgumentError } from "commander";
import { CellSchema, CohortSchema } from "../../src/contracts/api/common.ts";
import { RolloutIdSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { splitPair, word } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import type { ArgumentSpec, Session } from "./verb.ts";

export const toRolloutId = word(RolloutIdSchema);

export const ROLLOUT_ID: ArgumentSpec = { name: "<id>", about: "id of the rollout", parse: toRolloutId };

/** The address of a rollout, or of something below it. */
export function pathOf({ words }: Session, below = ""): string {
  return `/rollouts/${encodeURIComponent(words.text("id"))}${below}`;
}

/** What can be approved. */
export type Approval =
  | { readonly kind: "wave"; readonly wave: number }
  | { readonly kind: "default"; readonly product: string };

type Waves = Pick<RolloutView, "id" | "waves">;

/**
 * The index of a wave by its name, else by its number as `rollout show` counts (0 is the first).
 * @throws Failure (usage) that names the waves there are.
 */
export function findWave(text: string, { id, waves }: Waves): number {
  const named = waves.findIndex(({ name }) => name === text);
  if (named >= 0) return named;
  const index = /^\d{1,2}$/.test(text) ? Number(text) : -1;
  if (waves[index] !== undefined) return index;
  const names = waves.map(({ name }, at) => `${at} ${name}`).join(", ");
  throw usageFailure(`${id} has no wave "${text}".`, `Its waves: ${names}.`);
}

/** A wave, or `default` (of the one product at hand), or `default/PRODUCT`. @throws Failure (usage). */
export function findApproval(text: string, view: Waves & Pick<RolloutView, "defaults">): Approval {
  const isDefault = /^default(?:\/(.+))?$/.exec(text);
  if (isDefault === null || view.waves.some(({ name }) => name === text)) {
    return { kind: "wave", wave: findWave(text, view) };
  }
  const wanted = isDefault[1];
  const found = view.defaults.find(({ product, state }) =>
    wanted === undefined ? state === "pending" : product === wanted,
  );
  if (found !== undefined) return { kind: "default", product: found.product };
  const names = view.defaults.map(({ product }) => `default/${product}`).join(", ");
  throw usageFailure(
    wanted === undefined ? "No default waits to be moved." : `${view.id} moves no default of "${wanted}".`,
    names === "" ? "This rollout leaves the default where it is." : `There are: ${names}.`,
  );
}

/** One condition of `--where`. */
export type Condition =
  | { readonly field: "cohort" | "cell"; readonly value: string }
  | { readonly field: "label"; readonly key: string; readonly value: string };

const toCohortValue = word(CohortSchema);
const toCellValue = word(CellSchema);

/** `cohort=NAME`, `cell=NAME`, `label.KEY=VALUE`; any other key is a label. */
export function toCondition(text: string): Condition {
  const [key, value] = splitPair(text, "cohort=NAME, cell=NAME or KEY=VALUE of a label");
  if (value === "") throw new InvalidArgumentError("The value is missing.");
  if (key === "cohort") return { field: "cohort", value: toCohortValue(value) };
  if (key === "cell") return { field: "cell", value: toCellValue(value) };
  // A label may itself be called "cohort".
  return { field: "label", key: key.replace(/^label\./, ""), value };
}

/** What the API takes for these conditions, all of which must match. @throws Failure (usage) when one is given twice. */
export function toWhere(conditions: readonly Condition[]): Readonly<Record<string, unknown>> {
  const where: Record<string, unknown> = {};
  const labels = new Map<string, string>();
  for (const condition of conditions) {
    const { field, value } = condition;
    const twice = field === "label" ? labels.has(condition.key) : where[field] !== undefined;
    if (twice) throw usageFailure("--where names the same thing twice; all of them must match.");
    if (field === "label") labels.set(condition.key, value);
    else where[field] = value;
  }
  return labels.size === 0 ? where : { ...where, labels: Object.fromEntries(labels) };
}

/** Conditions for people. */
export function conditionsText(conditions: readonly Condition[]): string {
  return conditions
    .map((condition) =>
      condition.field === "label"
        ? `label ${condition.key}=${condition.value}`
        : `${condition.field}=${condition.value}`,
    )
    .join(" and ");
}
