/** What the publisher needs of the world. Small, so that tests can kill it at any operation. */
import type { MirrorReport } from "../../contracts/mirror.ts";
import type { ControlClock } from "../clock.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";

/** KV as the publisher uses it. A read comes from the place that wrote; every call counts against the invocation. */
export interface MapsStore {
  get(key: string): Promise<string | null>;
  put(key: string, text: string): Promise<void>;
  delete(key: string): Promise<void>;
}

/** What edges have reported of mirrored requests, by the names of the measurements. Rejects when that is not known. */
export type ReadMirrored = (runs: readonly string[]) => Promise<readonly MirrorReport[]>;

export interface PublisherPorts {
  readonly db: Db;
  readonly store: MapsStore;
  readonly clock: ControlClock;
  readonly config: ControlConfig;
}
