/** The questions about other times than now, by name, for `queries`. Reads only. */
import type { HistoryQueryInputs, HistoryQueryOutputs } from "../../contracts/history-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { notFound } from "../refuse.ts";
import { loadAccount } from "../store/accounts.ts";
import { viewAhead } from "./ahead.ts";
import { viewMoment, viewPastMaps } from "./moment.ts";
import { viewMoves } from "./moves.ts";
import { loadKeyRecords } from "./shards.ts";

type Query<K extends keyof HistoryQueryInputs> = (
  ports: PublisherPorts,
  input: HistoryQueryInputs[K],
) => Result<HistoryQueryOutputs[K], Refusal>;

export const HISTORY_QUERIES: { readonly [K in keyof HistoryQueryInputs]: Query<K> } = {
  "history.moment": ({ db, clock }, { at }) => ok(viewMoment(db, clock, at)),
  "history.maps": ({ db }, input) => viewPastMaps(db, input),
  "history.ahead": ({ db, clock }, input) => viewAhead(db, clock, input),
  "account.history": ({ db }, input) => {
    const { account } = input;
    // One that is gone for good still has a past.
    const known =
      loadAccount(db, account) !== null || loadKeyRecords(db, account).some(({ row }) => row !== null);
    return known ? ok(viewMoves(db, input)) : notFound(`account ${account}`);
  },
};
