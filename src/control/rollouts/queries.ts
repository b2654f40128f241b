/** The questions about rollouts by name, for `queries`. */
import type { RolloutQueryInputs } from "../../contracts/rollout-port.ts";
import { refuse } from "../refuse.ts";

const notYet = (): ReturnType<typeof refuse> =>
  refuse("not-configured", "this release carries out no rollouts");

export const ROLLOUT_QUERIES: { readonly [K in keyof RolloutQueryInputs]: () => ReturnType<typeof refuse> } =
  {
    rollouts: notYet,
    rollout: notYet,
    "rollout.plan": notYet,
    "rollout.left-behind": notYet,
  };
