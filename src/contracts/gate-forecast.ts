/**
 * What `gate test` is told and answers: with this traffic, which difference would be seen, after how many requests and
 * accounts. Plain data; computed in `core/gates/forecast` with the formulas of the gate itself. Design §5.2.
 */

/** What `gate test` is told about traffic. */
export interface TrafficForecast {
  readonly movedAccounts: number;
  readonly notMovedAccounts: number;
  /** Requests of one account in a minute, on average. */
  readonly requestsPerAccountMinute: number;
  /** Share of requests that fail today. */
  readonly errorRate: number;
  /** Standard deviation of accounts' own rates over their mean, beyond what their past tells; 0: all alike. */
  readonly rateSpread: number;
  /** Standard deviation of accounts' sizes over their mean, after the cap. */
  readonly sizeSpread: number;
}

/** What would be seen after so much time. */
export interface GateReach {
  readonly minutes: number;
  readonly movedRequests: number;
  readonly notMovedRequests: number;
  /** Smallest true increase, percentage points, that would have failed by then with the asked power; null: none. */
  readonly failsFromPercent: number | null;
  /** Whether a version without any increase would have passed by then with the asked power. */
  readonly passes: boolean;
}
