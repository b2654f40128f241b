/** The questions about handing accounts over, by name, for `queries`. Reads only. */
import type { HandoverQueryInputs, HandoverQueryOutputs } from "../../contracts/handover-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { viewAssignments } from "./assignments.ts";
import { viewDead, viewReceivers } from "./event-views.ts";

type Query<K extends keyof HandoverQueryInputs> = (
  ports: PublisherPorts,
  input: HandoverQueryInputs[K],
) => Result<HandoverQueryOutputs[K], Refusal>;

export const HANDOVER_QUERIES: { readonly [K in keyof HandoverQueryInputs]: Query<K> } = {
  assignments: ({ db }, input) => viewAssignments(db, input),
  events: ({ db }) => ok(viewReceivers(db)),
  "events.dead": ({ db }, input) => ok(viewDead(db, input)),
};
