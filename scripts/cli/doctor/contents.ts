/**
 * What is wrong with what a deployment holds: its maps, its products and the versions that answer unknown accounts, what was
 * counted and what was sent. Pure, as findings.ts, which asks it and looks at the deployment itself.
 */
import type { Status } from "../../../src/contracts/api/status.ts";
import type { PreflightView } from "../../../src/contracts/api/preflight-runs.ts";
import { clean, count } from "../render.ts";
import type { Verification } from "../maps-verify.ts";
import { DAY, finding, seconds, type Finding } from "./finding.ts";

/** How the default of a product was tried; null: it could not be asked. */
export interface DefaultTried {
  readonly product: string;
  readonly preflight: PreflightView | null;
}

const PREFLIGHT_OLD_MS = 30 * DAY;

export function ofMaps(maps: Verification | null, status: Status): Finding {
  if (maps === null)
    return finding(
      "maps",
      "unknown",
      `The maps of ${count(status.accounts, "account")} were not read.`,
      "maps dump --out maps.ndjson && maps verify maps.ndjson",
    );
  if (maps.ok)
    return finding("maps", "well", "An edge would take the published maps, and every row of them decides.");
  const first = maps.findings[0];
  return finding(
    "maps",
    "wrong",
    `An edge would refuse the published maps, or could not answer from them: ${clean(first === undefined ? "unreadable" : `${first.key}: ${first.detail}`)}.`,
    "maps dump --out maps.ndjson && maps verify maps.ndjson",
  );
}

export function ofProducts({ products }: Status): readonly Finding[] {
  if (products.length === 0)
    return [finding("products", "look", "There is no product yet.", "product put NAME --domain DOMAIN")];
  return products
    .filter((each) => each.default === null || each.stable === null)
    .map(({ name }) =>
      finding(
        `product ${name}`,
        "wrong",
        `${name} has no version: unknown accounts get 503.`,
        `version register ${name} VERSION --origin ORIGIN`,
      ),
    );
}

export function ofDefault({ product, preflight }: DefaultTried, { now }: Status): Finding {
  const check = `default of ${product}`;
  if (preflight === null)
    return finding(
      check,
      "unknown",
      `It could not be asked how the default of ${product} was tried.`,
      `default show ${product}`,
    );
  const name = `${product} ${preflight.version}`;
  const next = `preflight ${name} --for default`;
  if (preflight.at === null)
    return finding(
      check,
      "look",
      `${name} answers unknown accounts and has never been tried with what load balancers send.`,
      next,
    );
  const ageMs = Date.parse(now) - Date.parse(preflight.at);
  const { verdict, sentence } = preflight.default;
  if (verdict === "fail")
    return finding(
      check,
      "wrong",
      `${name} answers unknown accounts and fails its preflight: ${clean(sentence)}`,
      `preflight show ${name} --for default`,
    );
  if (verdict === "inconclusive")
    return finding(check, "look", `${name} answers unknown accounts: ${clean(sentence)}`, next);
  if (ageMs > PREFLIGHT_OLD_MS)
    return finding(check, "look", `${name} passed for the default, but ${seconds(ageMs)} ago.`, next);
  return finding(check, "well", `${name} passed for the default ${seconds(ageMs)} ago.`);
}

export function ofCounting({ counting }: Status): Finding {
  if (counting === null)
    return finding(
      "counting",
      "look",
      "Requests are not counted: the METER binding is missing or does not answer, so gates cannot see.",
      "npx wrangler deploy",
    );
  if (counting.droppedRequestsLastHour > 0)
    return finding(
      "counting",
      "look",
      `${count(counting.droppedRequestsLastHour, "request")} of the last hour ${counting.droppedRequestsLastHour === 1 ? "was" : "were"} counted and lost on the way.`,
      "status",
    );
  return finding("counting", "well", "Requests are counted, and none were lost in the last hour.");
}

export function ofDead(dead: number | null): Finding {
  if (dead === null)
    return finding(
      "events",
      "unknown",
      "It could not be asked whether versions took their events.",
      "events list",
    );
  if (dead > 0)
    return finding(
      "events",
      "wrong",
      `${count(dead, "event")} about moved accounts never arrived.`,
      "events dead",
    );
  return finding("events", "well", "Every event about moved accounts has arrived or is on its way.");
}
