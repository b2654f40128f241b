/** What the publisher needs of the world. Small, so that tests can kill it at any operation. */
import type { ControlClock } from "../clock.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";

/** KV as the publisher uses it. A read comes from the place that wrote; every call counts against the invocation. */
export interface MapsStore {
  get(key: string): Promise<string | null>;
  put(key: string, text: string): Promise<void>;
  delete(key: string): Promise<void>;
}

export interface PublisherPorts {
  readonly db: Db;
  readonly store: MapsStore;
  readonly clock: ControlClock;
  readonly config: ControlConfig;
}
