/**
 * The commands about rollouts by name, for `commands/execute`.
 */
import type { RolloutCommandInputs } from "../../contracts/rollout-port.ts";
import type { Command } from "../commands/work.ts";
import { refuse } from "../refuse.ts";

const notYet = (): ReturnType<typeof refuse> =>
  refuse("not-configured", "this release carries out no rollouts");

export const ROLLOUT_COMMANDS: { readonly [K in keyof RolloutCommandInputs]: Command<K> } = {
  "rollout.create": notYet,
  "rollout.delete": notYet,
  "rollout.start": notYet,
  "rollout.pause": notYet,
  "rollout.resume": notYet,
  "rollout.approve": notYet,
  "rollout.waive-gate": notYet,
  "rollout.stop": notYet,
  "rollout.rollback": notYet,
  "rollout.adopt": notYet,
};
