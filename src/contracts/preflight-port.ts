/**
 * What crosses RPC about preflight: what is asked of the control plane and what it answers, where the shapes of the wire
 * (contracts/api) and of storage differ. Plain data; the port itself is in control.ts.
 */
import type { StoredSettings } from "./api/preflight-runs.ts";
import type { PreflightPurpose, PreflightSettings, PreflightVerdict, Probe } from "./preflight.ts";
import type { EpochMs, ProductName, VersionName } from "./units.ts";

/** Settings as they are kept; ranges of own probes are numbers here and texts on the wire. */
export type KeptSettings = Omit<StoredSettings, "settings"> & { readonly settings: PreflightSettings };

/** What is to be probed, and what for. */
export interface PreflightAsked {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly purpose: PreflightPurpose;
}

/** A run that was kept: its number, and what it said with the waivers of that time. */
export interface PreflightDone {
  readonly run: number;
  readonly at: EpochMs;
  readonly wave: PreflightVerdict["verdict"];
  readonly default: PreflightVerdict["verdict"];
}

/** The matrix as it would be sent, to the version's origin or (`via`) to an address in its place. */
export interface PreflightProbes {
  readonly origin: string;
  readonly via: string | null;
  readonly probes: readonly Probe[];
}
