/**
 * What load balancers send to a server to see whether it is up, and what each of them counts as up. Data alone: the
 * matrix turns it into probes. A line here is a claim about somebody else's product, so each names its source; where a
 * product lets people change the check, this is what it does when nobody did.
 */
import type { PresetName, StatusRange } from "../../contracts/preflight.ts";

export interface Preset {
  readonly title: string;
  /** Statuses that keep a server in. */
  readonly healthy: readonly StatusRange[];
}

const ONLY_200: readonly StatusRange[] = [[200, 200]];
const TWO_OR_THREE_HUNDRED: readonly StatusRange[] = [[200, 399]];

export const PRESET_DATA: Readonly<Record<PresetName, Preset>> = {
  // HAProxy configuration manual, `option httpchk`: without arguments OPTIONS / HTTP/1.0; "2xx and 3xx are valid".
  haproxy: { title: "HAProxy, bare option httpchk", healthy: TWO_OR_THREE_HUNDRED },
  // AWS Classic Load Balancers guide, "Configure health checks": anything but 200 within the time-out is unhealthy.
  "elb-classic": { title: "Classic ELB", healthy: ONLY_200 },
  // AWS Application Load Balancers guide, "Target group health checks": Matcher, default 200.
  alb: { title: "AWS ALB", healthy: ONLY_200 },
  // AWS Network Load Balancers guide, "Health checks for target groups": HTTP checks, default 200-399.
  nlb: { title: "AWS NLB", healthy: TWO_OR_THREE_HUNDRED },
  // Google Cloud, "Health checks overview", success criteria: 200 (OK) only, and no redirect is followed.
  gclb: { title: "Google Cloud Load Balancing", healthy: ONLY_200 },
  // Kubernetes, "Configure liveness, readiness and startup probes": at least 200 and below 400.
  kubelet: { title: "kubelet", healthy: TWO_OR_THREE_HUNDRED },
  // Cloudflare API, load balancer monitors, `expected_codes`: a code or a range; 2xx is what its own form fills in.
  "cloudflare-lb": { title: "Cloudflare Load Balancing", healthy: [[200, 299]] },
};

/** Narrows what is fine by itself to what all of the chosen load balancers call healthy. */
export function tighten(
  base: readonly StatusRange[],
  presets: readonly PresetName[],
): readonly StatusRange[] {
  return presets.reduce((ranges, preset) => intersect(ranges, PRESET_DATA[preset].healthy), base);
}

function intersect(left: readonly StatusRange[], right: readonly StatusRange[]): readonly StatusRange[] {
  return left.flatMap(([from, to]) =>
    right
      .map(([low, high]): StatusRange => [Math.max(from, low), Math.min(to, high)])
      .filter(([low, high]) => low <= high),
  );
}
