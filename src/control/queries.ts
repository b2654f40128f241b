/** Every question the control plane answers, by name. Reads only; nothing here waits for KV except `status`. */
import type { QueryInputs, QueryName, QueryOutputs } from "../contracts/control.ts";
import type { Refusal } from "../contracts/problems.ts";
import { ok, type Result } from "../contracts/result.ts";
import type { PublisherPorts } from "./publisher/ports.ts";
import { notFound } from "./refuse.ts";
import { readStatus } from "./status.ts";
import { listAudit } from "./store/audit.ts";
import { readHalt } from "./store/halt.ts";
import { loadProduct, loadProducts } from "./store/products.ts";
import { listTokens } from "./store/tokens.ts";
import { loadVersion, loadVersions } from "./store/versions.ts";
import { listAccounts, viewAccount } from "./view/accounts.ts";
import { viewProduct, viewVersion } from "./view/products.ts";

type Answer<K extends QueryName> = Result<QueryOutputs[K], Refusal>;
type Query<K extends QueryName> = (
  ports: PublisherPorts,
  input: QueryInputs[K],
) => Answer<K> | Promise<Answer<K>>;

const QUERIES: { readonly [K in QueryName]: Query<K> } = {
  products: ({ db }) => ok(loadProducts(db).map((product) => viewProduct(db, product))),
  product: ({ db }, { product: name }) => {
    const product = loadProduct(db, name);
    return product === null ? notFound(`product ${name}`) : ok(viewProduct(db, product));
  },
  versions: ({ db }, { product }) =>
    loadProduct(db, product) === null
      ? notFound(`product ${product}`)
      : ok(loadVersions(db, product).map((version) => viewVersion(db, version))),
  version: ({ db }, { product, version: name }) => {
    const version = loadVersion(db, product, name);
    return version === null ? notFound(`version ${product} ${name}`) : ok(viewVersion(db, version));
  },
  accounts: ({ db, config, clock }, query) => ok(listAccounts({ db, config, wallMs: clock.nowMs() }, query)),
  account: ({ db, config, clock }, { account: slug }) => {
    const account = viewAccount({ db, config, wallMs: clock.nowMs() }, slug);
    return account === null ? notFound(`account ${slug}`) : ok(account);
  },
  halt: ({ db }) => ok(readHalt(db)),
  audit: ({ db }, query) => ok(listAudit(db, query)),
  tokens: ({ db }) => ok(listTokens(db)),
  status: async (ports, { seen }) => ok(await readStatus(ports, seen)),
};

/** Answers one question. */
export async function answer<K extends QueryName>(
  ports: PublisherPorts,
  name: K,
  input: QueryInputs[K],
): Promise<Answer<K>> {
  const query: Query<K> = QUERIES[name];
  return query(ports, input);
}
