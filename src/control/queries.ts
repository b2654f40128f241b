/** Every question the control plane answers, by name. Reads only; nothing here waits for KV except `status`. */
import type { QueryInputs, QueryName, QueryOutputs } from "../contracts/control.ts";
import type { Refusal } from "../contracts/problems.ts";
import { ok, type Result } from "../contracts/result.ts";
import type { WebhookPorts } from "../contracts/webhook-port.ts";
import type { PublisherPorts } from "./publisher/ports.ts";
import { viewAlarms } from "./alarms/look.ts";
import { commandTime } from "./clock.ts";
import { HANDOVER_QUERIES } from "./handover/queries.ts";
import { HISTORY_QUERIES } from "./history/queries.ts";
import type { PreflightPorts } from "./preflight/run.ts";
import { loadSubject, matrixOf } from "./preflight/subject.ts";
import { notFound, refuse } from "./refuse.ts";
import { REPLACEMENT_QUERIES } from "./replacements/queries.ts";
import { ROLLOUT_QUERIES } from "./rollouts/queries.ts";
import { readStatus } from "./status.ts";
import { listGrants } from "./store/access-grants.ts";
import { listAudit } from "./store/audit.ts";
import { loadFreeze, loadFreezes } from "./store/freezes.ts";
import { readHalt } from "./store/halt.ts";
import { loadSettings } from "./store/preflight-settings.ts";
import { loadProduct, loadProducts } from "./store/products.ts";
import { listTokens } from "./store/tokens.ts";
import { loadVersion, loadVersions } from "./store/versions.ts";
import { loadWindow, loadWindows } from "./store/windows.ts";
import { WEBHOOK_QUERIES } from "./webhooks/queries.ts";
import { viewNow } from "./view/account-now.ts";
import { listAccounts, viewAccount } from "./view/accounts.ts";
import { previewAt, viewFreeze, viewWindow } from "./view/calendar.ts";
import { viewPreflight, viewSettings } from "./view/preflight.ts";
import { viewProduct, viewVersion } from "./view/products.ts";

type Answer<K extends QueryName> = Result<QueryOutputs[K], Refusal>;
/** What questions are answered from. */
export interface QueryPorts extends PublisherPorts {
  readonly preflight: PreflightPorts;
  readonly webhooks: WebhookPorts;
}

type Query<K extends QueryName> = (
  ports: QueryPorts,
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
    return account === null ? notFound(`account ${slug}`) : ok({ ...account, now: viewNow(db, clock, slug) });
  },
  halt: ({ db }) => ok(readHalt(db)),
  audit: ({ db }, query) => ok(listAudit(db, query)),
  tokens: ({ db }) => ok(listTokens(db)),
  "access.grants": ({ db }) => ok(listGrants(db)),
  status: async (ports, { seen }) => ok(await readStatus(ports, seen)),
  alarms: (ports) => ok(viewAlarms(ports)),
  windows: ({ db, clock }) => {
    const preview = previewAt(db, commandTime(db, clock));
    return ok(loadWindows(db).map((window) => viewWindow(window, preview)));
  },
  window: ({ db, clock }, { name }) => {
    const window = loadWindow(db, name);
    return window === null
      ? notFound(`window ${name}`)
      : ok(viewWindow(window, previewAt(db, commandTime(db, clock))));
  },
  freezes: ({ db, clock }) => {
    const preview = previewAt(db, commandTime(db, clock));
    return ok(loadFreezes(db).map((freeze) => viewFreeze(freeze, preview)));
  },
  freeze: ({ db, clock }, { name }) => {
    const freeze = loadFreeze(db, name);
    return freeze === null
      ? notFound(`freeze ${name}`)
      : ok(viewFreeze(freeze, previewAt(db, commandTime(db, clock))));
  },
  "preflight.settings": ({ db }, { product }) =>
    loadProduct(db, product) === null
      ? notFound(`product ${product}`)
      : ok(viewSettings(loadSettings(db, product))),
  preflight: ({ db }, of) => {
    const subject = loadSubject(db, of);
    return subject.ok ? ok(viewPreflight(db, subject.value)) : subject;
  },
  "preflight.probes": (ports, { via, ...of }) => listProbes(ports, of, via),
  ...ROLLOUT_QUERIES,
  ...REPLACEMENT_QUERIES,
  ...HISTORY_QUERIES,
  ...HANDOVER_QUERIES,
  ...WEBHOOK_QUERIES,
};

/** The matrix as it would be sent now, signatures included: for a command line that sends it itself. */
function listProbes(
  { db, clock, preflight: { routerHeader } }: QueryPorts,
  of: QueryInputs["preflight"],
  via: string | null,
): Answer<"preflight.probes"> {
  const subject = loadSubject(db, of);
  if (!subject.ok) return subject;
  const { origin } = subject.value.version;
  if (via !== null && via.includes("{cell}") !== origin.includes("{cell}")) {
    return refuse(
      "invalid",
      `${via} and ${origin} must both hold {cell} or neither: probes are sent once per cell`,
    );
  }
  const nowMs = clock.nowMs();
  const probes = matrixOf(subject.value, {
    via,
    routerHeader: routerHeader === null ? null : (claim) => routerHeader(claim, nowMs),
  });
  return ok({ origin, via, probes });
}

/** Answers one question. */
export async function answer<K extends QueryName>(
  ports: QueryPorts,
  name: K,
  input: QueryInputs[K],
): Promise<Answer<K>> {
  const query: Query<K> = QUERIES[name];
  return query(ports, input);
}
