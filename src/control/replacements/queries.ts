/** The questions about replacements by name, for `queries`. Reads only. */
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { ReplacementQueryInputs, ReplacementQueryOutputs } from "../../contracts/replacement-port.ts";
import { commandTime } from "../clock.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { notFound } from "../refuse.ts";
import { countHomes } from "../store/home-sets.ts";
import { loadProduct } from "../store/products.ts";
import { loadReplacement, loadReplacements } from "../store/replacements.ts";
import { countPlaced, planOf, problemsOf, warningsOf } from "./check.ts";
import { viewReplacement } from "./view.ts";

type Query<K extends keyof ReplacementQueryInputs> = (
  ports: PublisherPorts,
  input: ReplacementQueryInputs[K],
) => Result<ReplacementQueryOutputs[K], Refusal>;

export const REPLACEMENT_QUERIES: { readonly [K in keyof ReplacementQueryInputs]: Query<K> } = {
  replacements: ({ db }, { product }) =>
    loadProduct(db, product) === null
      ? notFound(`product ${product}`)
      : ok(loadReplacements(db, product).map((record) => viewReplacement(db, record))),
  replacement: ({ db }, of) => {
    const record = loadReplacement(db, of);
    return record === null
      ? notFound(`replacement of ${of.product} ${of.from}`)
      : ok(viewReplacement(db, record));
  },
  "replacement.plan": ({ db, clock }, { input, ...of }) => {
    if (loadProduct(db, of.product) === null) return notFound(`product ${of.product}`);
    const plan = planOf(of, input);
    return ok({
      ...of,
      to: plan.to,
      problems: [...problemsOf(db, plan)],
      warnings: [...warningsOf(db, plan, commandTime(db, clock))],
      accounts: countHomes(db, of.product).get(of.from)?.accounts ?? 0,
      pins: countPlaced(db, "pins", of),
      quarantines: countPlaced(db, "quarantines", of),
    });
  },
};
