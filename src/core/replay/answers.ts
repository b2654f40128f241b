/** What recorded versions and accounts are registered as, and how versions answer preflight. Pure; called by world. */
import type { Recording } from "../../contracts/api/replay.ts";
import { COVERED_CLASSES, type ProbeResult, type Waiver } from "../../contracts/preflight.ts";
import type { AccountFacts, Facts, PreflightFact } from "../../contracts/rollout-input.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { probesFor } from "../preflight/matrix.ts";
import { verdict } from "../preflight/verdict.ts";
import { failuresOf, type RecordedAccount } from "./traffic.ts";

/** `waived`: failed probes were let past by name; `unheard`: nothing could be tried, and that was let past. */
export type ReplayPreflight = "on" | "waived" | "unheard";

export interface AnsweredMatrix extends PreflightFact {
  readonly results: readonly ProbeResult[];
}

export interface MatrixAsked {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly preflight: ReplayPreflight;
  readonly nowMs: EpochMs;
}

/** A version that fails at least this share of a class fails its probes. */
const FAILS = 0.5;

/** The whole matrix, answered as the recorded version answers. */
export function answerMatrix(
  recording: Recording,
  { product, version, preflight, nowMs }: MatrixAsked,
): AnsweredMatrix {
  const probes = probesFor({
    product,
    version,
    origin: "http://origin.example.net",
    domains: [`${product}.example.com`],
    syntheticAccount: "account-1",
    syntheticByCell: {},
    cells: [],
    presets: [],
    own: [],
    routerHeader: null,
  });
  const results = probes.map((probe): ProbeResult => {
    const covered = COVERED_CLASSES.find((name) => name === probe.class) ?? "known";
    const fails = failuresOf(recording, { product, version, class: covered, account: null }) >= FAILS;
    return {
      id: probe.id,
      title: probe.title,
      class: probe.class,
      cell: null,
      outcome: preflight === "unheard" ? "unreachable" : fails ? "fail" : "pass",
      evidence: { sent: "", received: "", status: fails ? 500 : 200, ms: 1, fault: null, from: "control" },
      sentence: "",
    };
  });
  const waivers: readonly Waiver[] =
    preflight === "on"
      ? []
      : probes.map(({ id }) => ({ probe: id, reason: "as it was then", by: "replay", at: nowMs }));
  const ids = probes.map(({ id }) => id);
  const word = (purpose: "wave" | "default"): PreflightFact["wave"] =>
    verdict({ probes: ids, results, waivers, purpose });
  return { atMs: nowMs, results, wave: word("wave"), default: word("default") };
}

/** Versions as registered when the recording begins. */
export function factsOf({ products, plan }: Recording): Facts {
  return Object.fromEntries(
    Object.entries(products).map(([product, { home, default: standing, reversible }]) => {
      const of = (state: "live" | "candidate") => ({
        state,
        bad: false,
        reversible,
        upgradesFrom: null,
        requires: {},
      });
      const versions = { [home]: of("live"), [standing]: of("live") };
      const target = plan.targets[product];
      return [
        product,
        {
          default: standing,
          standby: null,
          versions: target === undefined ? versions : { ...versions, [target]: of("candidate") },
        },
      ];
    }),
  );
}

/** Accounts as they are when the recording begins: all at home, kept nowhere by anything. */
export function memberFacts(
  { products }: Recording,
  accounts: readonly RecordedAccount[],
): readonly AccountFacts[] {
  const homes = Object.fromEntries(Object.entries(products).map(([product, { home }]) => [product, home]));
  return accounts.map(({ slug, cohort, zone }) => ({
    slug,
    cohort,
    zone,
    window: null,
    cell: null,
    labels: {},
    homes,
    pinned: [],
    quarantined: [],
    deferredUntilMs: null,
    rolledBackMs: null,
  }));
}
