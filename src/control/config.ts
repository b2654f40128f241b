/**
 * What the control plane needs of the deployment's configuration, and the two questions about names it answers:
 * whose base domain a host lies under, and whether it is the admin host's. Plain data; no I/O.
 * Called by commands, import and publisher.
 */
import type { Config } from "../contracts/env.ts";
import type { OriginRule } from "../contracts/origin-rules.ts";
import type { Settling } from "../contracts/settling.ts";
import type { ProductName } from "../contracts/units.ts";

export interface OwnedDomain {
  readonly product: ProductName;
  readonly domain: string;
}

export interface ControlConfig {
  readonly adminHost: string;
  readonly originAllow: readonly OriginRule[];
  /** Base domains compiled into the deployment: they belong to their product even before it is written here. */
  readonly fallbackDomains: readonly OwnedDomain[];
  /** Where cold edges without KV send everybody of a product; products without such an origin are left out. */
  readonly fallbackOrigins?: Readonly<Record<ProductName, string>>;
  /** There is a key to sign hooks with. */
  readonly signsHooks: boolean;
  /** How long new objects spread before a root names them. */
  readonly flipDelayMs: number;
  readonly settling: Settling;
  /** Raw text of the second break-glass source, for `status`. */
  readonly breakGlass: string;
}

/** Takes the control plane's part out of the whole configuration. */
export function toControlConfig(config: Config): ControlConfig {
  return {
    adminHost: config.adminHost,
    originAllow: config.originAllow,
    fallbackDomains: Object.entries(config.fallback).flatMap(([product, { domains }]) =>
      domains.map((domain) => ({ product, domain })),
    ),
    fallbackOrigins: Object.fromEntries(
      Object.entries(config.fallback).flatMap(([product, { origin }]) =>
        origin === null ? [] : [[product, origin]],
      ),
    ),
    signsHooks: config.originKey !== null,
    flipDelayMs: config.flipDelayMs,
    settling: config.settling,
    breakGlass: config.breakGlass,
  };
}

/** True when `host` is `domain` or a name below it. */
export function isUnder(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}
