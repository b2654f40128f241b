/**
 * What the admin API is given: ports, and nothing it makes itself. The composition root fills `AdminDeps`; the routes
 * see `Services`, where the control plane is wrapped so that it answers or refuses but never throws.
 * Shapes only.
 */
import type { VerifyAccess } from "../adapters/access-token.ts";
import type { Clock } from "../adapters/clock.ts";
import type { IsTooMany } from "../adapters/location-limit.ts";
import type { MapsKv } from "../adapters/kv.ts";
import type { Logger } from "../adapters/logger.ts";
import type { MapsReader } from "../adapters/maps-reader/types.ts";
import type { Status } from "../contracts/api/status.ts";
import type { ControlPort } from "../contracts/control.ts";
import type { Config } from "../contracts/env.ts";
import type { FailedAsk, KeptFailure } from "../contracts/failed-request.ts";
import type { FleetComparison } from "../contracts/fleet.ts";
import type { HurtAccount, HurtAsk, MeterTotals } from "../contracts/observation.ts";
import type { SeenIsolate } from "../contracts/telemetry.ts";
import type { AccountLately, TrafficLately } from "../contracts/traffic-port.ts";
import type { AccountSlug } from "../contracts/units.ts";
import type { ControlClient } from "./control-client.ts";
import type { RefusalNotes } from "./refusal-notes.ts";

/** The meters as far as the admin API asks them: what edges reported lately, and what was ever counted. May throw. */
export interface MeterPort {
  seen(): Promise<readonly SeenIsolate[]>;
  totals(): Promise<readonly MeterTotals[]>;
  hurt(ask: HurtAsk): Promise<readonly HurtAccount[]>;
  lately(): Promise<readonly TrafficLately[]>;
  accountLately(account: AccountSlug): Promise<readonly AccountLately[]>;
  failed(ask: FailedAsk): Promise<readonly KeptFailure[]>;
  /** One comparison with today's fleet, over all meters. */
  fleet(run: string): Promise<FleetComparison>;
}

export interface AdminDeps {
  readonly config: Config;
  readonly control: ControlPort;
  readonly meters: MeterPort;
  /** The same reader that the edge of this isolate decides with, so that `explain` cannot disagree with it. */
  readonly maps: MapsReader;
  readonly kv: Pick<MapsKv, "get" | "getMany">;
  /** Null: nobody comes in through Cloudflare Access. */
  readonly access: VerifyAccess | null;
  /** Whether a failed authentication of a client was one too many in this location. */
  readonly isTooMany: IsTooMany;
  /** Which version of the Worker this is; null where the platform does not say. */
  readonly router: Status["router"];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where refused attempts are noted, for the audit. */
  readonly notes: RefusalNotes;
  /** The id that the edge counts and logs this request under. */
  readonly requestId: (request: Request) => string;
}

/** `AdminDeps` as the routes see them. */
export interface Services extends Omit<AdminDeps, "control"> {
  readonly control: ControlClient;
}

/** The part of the platform's execution context that is used. */
export interface AdminContext {
  readonly waitUntil: (promise: Promise<unknown>) => void;
}
