/** The questions about rollouts by name, for `queries`. Reads only. */
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { RolloutQueryInputs, RolloutQueryOutputs } from "../../contracts/rollout-port.ts";
import { inputOfPlan } from "../../core/rollout/plan-input.ts";
import { commandTime } from "../clock.ts";
import { impactFacts } from "../gates/impact.ts";
import { viewGates } from "../gates/view.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { notFound } from "../refuse.ts";
import { loadLeftBehind } from "../store/left-behind.ts";
import { loadRollout, loadRollouts } from "../store/rollouts.ts";
import { viewRollback } from "./going-back.ts";
import { viewGrid } from "./grid.ts";
import { viewPlan } from "./plan-view.ts";
import { viewRollout } from "./view.ts";

type Query<K extends keyof RolloutQueryInputs> = (
  ports: PublisherPorts,
  input: RolloutQueryInputs[K],
) => Result<RolloutQueryOutputs[K], Refusal>;

export const ROLLOUT_QUERIES: { readonly [K in keyof RolloutQueryInputs]: Query<K> } = {
  rollouts: ({ db }) => ok(loadRollouts(db).map((record) => viewRollout(db, record))),
  rollout: ({ db }, { id }) => {
    const record = loadRollout(db, id);
    return record === null ? notFound(`rollout ${id}`) : ok(viewRollout(db, record));
  },
  "rollout.input": ({ db }, { id }) => {
    const record = loadRollout(db, id);
    return record === null ? notFound(`rollout ${id}`) : ok(inputOfPlan(record.state.plan));
  },
  "rollout.plan": ({ db, clock }, input) => viewPlan(db, input, commandTime(db, clock)),
  "rollout.grid": ({ db, clock }, input) => viewGrid(db, input, commandTime(db, clock)),
  "rollout.gates": ({ db, clock }, { id }) => {
    const record = loadRollout(db, id);
    return record === null ? notFound(`rollout ${id}`) : ok(viewGates(db, record, commandTime(db, clock)));
  },
  "rollout.impact": ({ db }, { id, accounts }) => {
    const record = loadRollout(db, id);
    return record === null ? notFound(`rollout ${id}`) : ok(impactFacts(db, record, accounts));
  },
  "rollout.rollback.preview": ({ db, clock }, input) => viewRollback(db, input, commandTime(db, clock)),
  "rollout.left-behind": ({ db }, { id, cursor, limit }) => {
    if (loadRollout(db, id) === null) return notFound(`rollout ${id}`);
    const found = loadLeftBehind(db, id, { cursor, limit: limit + 1 });
    const items = found.slice(0, limit);
    return ok({ items, cursor: found.length > limit ? (items.at(-1)?.account ?? null) : null });
  },
};
