/**
 * Dollars per million requests on Cloudflare's price list, paid plan, beyond what is included, from what was measured and
 * assumptions that are stated beside the result. Origins, logs and the control plane's own object are not in it.
 * https://developers.cloudflare.com/workers/platform/pricing/
 */

/** Dollars for a million of each. */
const PRICE = { requests: 0.3, cpuMs: 0.02, kvReads: 0.5, objectRequests: 0.15 } as const;

const MILLION = 1_000_000;
const SECONDS_A_MINUTE = 60;
/** Every 10 to 15 s an isolate reports to a meter, and its counts to about one more. */
const REPORTS_A_MINUTE = 4.8;
const CALLS_A_REPORT = 2;

export interface Priced {
  /** Of the router on this machine. */
  readonly cpuUsPerRequest: number;
  readonly kvOpsPerIsolateMinute: number;
  /** How busy an isolate is; with few requests each, there are more isolates. */
  readonly requestsPerIsolateSecond: number;
}

export interface Price {
  readonly requests: number;
  readonly cpu: number;
  readonly kv: number;
  readonly meters: number;
  readonly total: number;
}

/** Dollars for a million requests, by what they are for. */
export function priceOf({ cpuUsPerRequest, kvOpsPerIsolateMinute, requestsPerIsolateSecond }: Priced): Price {
  const isolateMinutes = MILLION / requestsPerIsolateSecond / SECONDS_A_MINUTE;
  const cpu = (cpuUsPerRequest / 1000) * PRICE.cpuMs;
  // `root` and the break-glass document are read together, and each key is billed.
  const kv = ((isolateMinutes * kvOpsPerIsolateMinute * 2) / MILLION) * PRICE.kvReads;
  const meters = ((isolateMinutes * REPORTS_A_MINUTE * CALLS_A_REPORT) / MILLION) * PRICE.objectRequests;
  return { requests: PRICE.requests, cpu, kv, meters, total: PRICE.requests + cpu + kv + meters };
}

/** The price for an isolate with much and with little to do, as lines for people. */
export function priceLines(measured: Omit<Priced, "requestsPerIsolateSecond">): readonly string[] {
  const dollars = (value: number): string => `$${value.toFixed(4)}`;
  return [100, 10, 1].map((requestsPerIsolateSecond) => {
    const { total, requests, cpu, kv, meters } = priceOf({ ...measured, requestsPerIsolateSecond });
    return `a million requests at ${requestsPerIsolateSecond} a second and isolate: ${dollars(total)} (requests ${dollars(requests)}, processor ${dollars(cpu)}, KV ${dollars(kv)}, meters ${dollars(meters)})`;
  });
}
