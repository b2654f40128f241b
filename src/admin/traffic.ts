/**
 * Traffic of late out of what the meters counted: shares, rates and times of versions, and one account against its own
 * past. Posture: closed; where the meters cannot be asked the answer is a refusal, because no requests would be a lie.
 */
import type { AccountTraffic, FailedRequests, Traffic } from "../contracts/api/traffic.ts";
import type { KnownCount } from "../contracts/alarms.ts";
import type { FailedAsk } from "../contracts/failed-request.ts";
import { LATENCY_BOUNDS_MS, type PastCount } from "../contracts/observation.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import {
  ACCOUNT_LATELY_MINUTES,
  LATELY_MINUTES,
  type TrafficLately,
  type VersionLately,
} from "../contracts/traffic-port.ts";
import { quantileMs } from "../core/gates/latency.ts";
import { addLatencies } from "../core/observation/sum.ts";
import type { Services } from "./deps.ts";

const P95 = 0.95;

const SILENT: Refusal = {
  problem: "control-unavailable",
  detail: "The meters do not answer, so traffic is not known. Serving goes on; try again.",
};

/** Newest first. */
export async function findFailed(
  meters: Pick<Services["meters"], "failed">,
  ask: FailedAsk,
): Promise<Result<FailedRequests, Refusal>> {
  const asked = await orSilent(() => meters.failed(ask));
  if (!asked.ok) return asked;
  return ok({
    items: asked.value.map((one) => ({ ...one, at: new Date(one.at).toISOString() })),
    cursor: null,
  });
}

type Asked = Pick<Services["meters"], "lately" | "accountLately">;

async function orSilent<T>(asked: () => Promise<T>): Promise<Result<T, Refusal>> {
  try {
    return ok(await asked());
  } catch {
    return err(SILENT);
  }
}

export async function findTraffic(meters: Asked): Promise<Result<Traffic, Refusal>> {
  const asked = await orSilent(() => meters.lately());
  return asked.ok ? ok(trafficOf(asked.value)) : asked;
}

/** Sums over meters. */
export function trafficOf(answers: readonly TrafficLately[]): Traffic {
  const sums = new Map<string, VersionLately>();
  for (const one of answers.flatMap(({ versions }) => versions)) {
    const name = `${one.product} ${one.version}`;
    const before = sums.get(name);
    sums.set(name, before === undefined ? one : addVersions(before, one));
  }
  const versions = [...sums.values()];
  const known = (pick: (answer: TrafficLately) => KnownCount): number | null => {
    const all = answers.map(pick);
    const hits = all.reduce((sum, each) => sum + each.known, 0);
    const asked = all.reduce((sum, each) => sum + each.known + each.unknown, 0);
    return asked === 0 ? null : hits / asked;
  };
  return {
    minutes: LATELY_MINUTES,
    items: versions.map(({ product, version, requests, failures, latency }) => {
      const ofProduct = versions
        .filter((other) => other.product === product)
        .reduce((sum, other) => sum + other.requests, 0);
      const rate = requests === 0 ? 0 : failures / requests;
      const share = ofProduct === 0 ? 0 : requests / ofProduct;
      return {
        product,
        version,
        requests,
        share,
        failures,
        rate,
        p95Ms: quantileMs(latency, LATENCY_BOUNDS_MS, P95),
      };
    }),
    cursor: null,
    known: {
      now: known((answer) => answer.known.lately),
      yesterday: known((answer) => answer.known.yesterday),
    },
  };
}

function addVersions(a: VersionLately, b: VersionLately): VersionLately {
  return {
    ...a,
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
    latency: addLatencies(a.latency, b.latency),
  };
}

/** An account that nobody counted has no items; whether there is such an account is not asked here. */
export async function findAccountTraffic(
  meters: Asked,
  account: string,
): Promise<Result<AccountTraffic, Refusal>> {
  const asked = await orSilent(() => meters.accountLately(account));
  if (!asked.ok) return asked;
  const rated = ({ requests, failures }: PastCount) => ({
    requests,
    failures,
    rate: requests === 0 ? 0 : failures / requests,
  });
  const items = asked.value.map(({ product, version, lately, before }) => ({
    product,
    version,
    lately: rated(lately),
    before: rated(before),
  }));
  return ok({ account, minutes: ACCOUNT_LATELY_MINUTES, items, cursor: null });
}
