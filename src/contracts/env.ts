/**
 * What the runtime gives (`Env`: everything optional, all text) against what the code uses (`Config`), with the one
 * parser between them. All problems are collected and listed together, so that one deploy shows all of them.
 * Called once per isolate by the composition root. A configuration with problems still answers health checks:
 * the caller serves health and 503 for the rest, and logs the list.
 */
import { parseAccess, type AccessConfig } from "./access-env.ts";
import { isDomainName } from "./domain-name.ts";
import { KV_LAG_MS } from "./move-data.ts";
import { parseOriginAllow, parseOrigin, type OriginRule } from "./origin-rules.ts";
import { err, ok, type Result } from "./result.ts";
import { settlingFor, type Settling } from "./settling.ts";
import type { ProductName } from "./units.ts";

/** Text variables and secrets of wrangler.toml; bindings are passed to the adapters by the composition root. */
export interface TextEnv {
  readonly ENVIRONMENT?: string;
  readonly ADMIN_HOST?: string;
  readonly FALLBACK?: string;
  readonly ORIGIN_ALLOW?: string;
  readonly TRUSTED_PROXY?: string;
  readonly FLIP_DELAY_SECONDS?: string;
  readonly SETTLE_SECONDS?: string;
  readonly BREAK_GLASS?: string;
  readonly ADMIN_TOKENS?: string;
  readonly OVERRIDE_KEYS?: string;
  readonly ORIGIN_KEY?: string;
  readonly ACCESS_TEAM?: string;
  readonly ACCESS_AUD?: string;
}

export interface FallbackProduct {
  readonly domains: readonly string[];
  /** Origin for everybody while KV has never been readable; null: such requests get 503. */
  readonly origin: string | null;
}

/** Who is believed about the client's address and scheme. */
export type TrustedProxy =
  | { readonly kind: "cloudflare" }
  | { readonly kind: "none" }
  /** Load balancers in front of self-hosted nodes, each of which appended one address to X-Forwarded-For. */
  | { readonly kind: "hops"; readonly hops: number };

export type Role = "viewer" | "support" | "deployer" | "operator" | "admin";
export const ROLES: readonly Role[] = ["viewer", "support", "deployer", "operator", "admin"];

/** A token from `ADMIN_TOKENS`, to begin with; later ones live hashed in the control plane. */
export interface BootstrapToken {
  readonly name: string;
  readonly role: Role;
  readonly secret: string;
}

/** Named secret: `kid` travels with what it signs, so that keys can be rotated. */
export interface NamedKey {
  readonly kid: string;
  readonly secret: string;
}

export interface Config {
  /** Which environment of wrangler.toml this is, `production` for its top, `local` for a local run; null: nobody said. */
  readonly environment: string | null;
  readonly adminHost: string;
  readonly fallback: Readonly<Record<ProductName, FallbackProduct>>;
  readonly originAllow: readonly OriginRule[];
  readonly trustedProxy: TrustedProxy;
  readonly flipDelayMs: number;
  /** How old what KV answers may be, and what follows from it for moves that carry data. */
  readonly settling: Settling;
  /** Raw text of the second break-glass source; parsed where the first one is. */
  readonly breakGlass: string;
  readonly adminTokens: readonly BootstrapToken[];
  readonly overrideKeys: readonly NamedKey[];
  readonly originKey: NamedKey | null;
  /** Null: nobody comes in through Cloudflare Access. */
  readonly access: AccessConfig | null;
}

const DEFAULT_FLIP_DELAY_SECONDS = 60;
const MIN_KEY_CHARS = 16;

/**
 * Parses the text variables.
 * @returns the configuration, or every problem found, each a sentence that names the variable and what it should be.
 */
export function parseEnv(env: TextEnv): Result<Config, readonly string[]> {
  const problems: string[] = [];
  const config: Config = {
    environment: parseEnvironment(env.ENVIRONMENT ?? "", problems),
    adminHost: parseAdminHost(env.ADMIN_HOST, problems),
    fallback: parseFallback(env.FALLBACK, problems),
    originAllow: collect(parseOriginAllow(env.ORIGIN_ALLOW ?? ""), problems, []),
    trustedProxy: parseTrustedProxy(env.TRUSTED_PROXY ?? "none", problems),
    flipDelayMs: parseFlipDelay(env.FLIP_DELAY_SECONDS, problems),
    settling: settlingFor(parseSettle(env.SETTLE_SECONDS, problems)),
    breakGlass: env.BREAK_GLASS ?? "",
    adminTokens: parseAdminTokens(env.ADMIN_TOKENS ?? "", problems),
    overrideKeys: parseKeys("OVERRIDE_KEYS", env.OVERRIDE_KEYS ?? "", problems),
    originKey: parseKeys("ORIGIN_KEY", env.ORIGIN_KEY ?? "", problems)[0] ?? null,
    access: parseAccess({ team: env.ACCESS_TEAM ?? "", audiences: env.ACCESS_AUD ?? "" }, problems),
  };
  checkHostsApart(config, problems);
  return problems.length === 0 ? ok(config) : err(problems);
}

function collect<T>(result: Result<T, readonly string[]>, problems: string[], otherwise: T): T {
  if (result.ok) return result.value;
  problems.push(...result.error);
  return otherwise;
}

/** It ends up in command lines that people paste, so it is a plain word. */
function parseEnvironment(text: string, problems: string[]): string | null {
  if (text === "") return null;
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(text))
    problems.push(`ENVIRONMENT "${text}" must be a name as in wrangler.toml, such as production or staging`);
  return text;
}

function parseAdminHost(text: string | undefined, problems: string[]): string {
  if (text === undefined || text === "")
    problems.push("ADMIN_HOST is missing: set it to the host name of the admin surface");
  else if (!isHostName(text))
    problems.push(`ADMIN_HOST "${text}" is not a lower-case host name without port, or is an IP address`);
  else return text;
  return "";
}

/** A name that requests can be for; one that reads as an IPv4 address is of another class, so it never could. */
function isHostName(text: string): boolean {
  return isDomainName(text) && !/^\d+(?:\.\d+){3}$/.test(text);
}

function parseFallback(text: string | undefined, problems: string[]): Record<ProductName, FallbackProduct> {
  const products: Record<ProductName, FallbackProduct> = {};
  const value = parseJsonObject("FALLBACK", text ?? "", problems);
  if (value === null) return products;
  for (const [product, entry] of Object.entries(value)) {
    const parsed = parseFallbackProduct(product, entry, problems);
    if (parsed !== null) products[product] = parsed;
  }
  if (Object.keys(value).length === 0)
    problems.push("FALLBACK names no product: at least one with its domains is needed");
  return products;
}

function parseJsonObject(name: string, text: string, problems: string[]): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // The message below serves both cases.
  }
  problems.push(`${name} must be a JSON object such as {"kiln":{"domains":["kiln.example.com"]}}`);
  return null;
}

function parseFallbackProduct(product: string, entry: unknown, problems: string[]): FallbackProduct | null {
  if (!isRecord(entry) || !Array.isArray(entry["domains"]) || entry["domains"].length === 0) {
    problems.push(`FALLBACK.${product} needs "domains", a list of at least one base domain`);
    return null;
  }
  const domains: string[] = [];
  for (const domain of entry["domains"] as unknown[]) {
    if (typeof domain === "string" && isHostName(domain)) domains.push(domain);
    else
      problems.push(`FALLBACK.${product}.domains: ${JSON.stringify(domain)} is not a lower-case domain name`);
  }
  const origin = entry["origin"] ?? null;
  if (origin !== null && (typeof origin !== "string" || !parseOrigin(origin).ok)) {
    problems.push(
      `FALLBACK.${product}.origin ${JSON.stringify(origin)} is not an origin such as https://host[:port]`,
    );
    return null;
  }
  return { domains, origin };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseTrustedProxy(text: string, problems: string[]): TrustedProxy {
  if (text === "cloudflare" || text === "none") return { kind: text };
  if (/^[1-9]$/.test(text)) return { kind: "hops", hops: Number(text) };
  problems.push(
    `TRUSTED_PROXY "${text}" must be cloudflare, none, or the number (1-9) of load balancers in front`,
  );
  return { kind: "none" };
}

function parseFlipDelay(text: string | undefined, problems: string[]): number {
  if (text === undefined || text === "") return DEFAULT_FLIP_DELAY_SECONDS * 1000;
  if (/^\d{1,4}$/.test(text)) return Number(text) * 1000;
  problems.push(`FLIP_DELAY_SECONDS "${text}" must be whole seconds, 0-9999`);
  return DEFAULT_FLIP_DELAY_SECONDS * 1000;
}

function parseSettle(text: string | undefined, problems: string[]): number {
  if (text === undefined || text === "") return KV_LAG_MS;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text) * 1000;
  problems.push(`SETTLE_SECONDS "${text}" must be whole seconds, 1-9999`);
  return KV_LAG_MS;
}

function parseAdminTokens(text: string, problems: string[]): BootstrapToken[] {
  const tokens: BootstrapToken[] = [];
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== "")) {
    const [name, role, ...rest] = entry.split(":");
    const secret = rest.join(":");
    if (name !== undefined && name !== "" && isRole(role) && secret !== "")
      tokens.push({ name, role, secret });
    // The entry itself is a secret, so the message counts instead of quoting.
    else
      problems.push(
        `ADMIN_TOKENS entry ${tokens.length + 1} must be NAME:ROLE:TOKEN with a role of ${ROLES.join(", ")}`,
      );
  }
  return tokens;
}

function isRole(text: string | undefined): text is Role {
  return ROLES.some((role) => role === text);
}

function parseKeys(variable: string, text: string, problems: string[]): NamedKey[] {
  const keys: NamedKey[] = [];
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== "")) {
    const colon = entry.indexOf(":");
    const secret = entry.slice(colon + 1);
    if (colon > 0 && secret.length >= MIN_KEY_CHARS) keys.push({ kid: entry.slice(0, colon), secret });
    else
      problems.push(
        `${variable} entry ${keys.length + 1} must be KID:SECRET with a secret of ${MIN_KEY_CHARS} characters or more`,
      );
  }
  return keys;
}

/** The admin surface exists on its own host only, and one domain belongs to one product. */
function checkHostsApart(config: Config, problems: string[]): void {
  const owners = new Map<string, string>();
  for (const [product, { domains }] of Object.entries(config.fallback)) {
    for (const domain of domains) {
      const owner = owners.get(domain);
      if (owner !== undefined) problems.push(`FALLBACK: ${domain} belongs to both ${owner} and ${product}`);
      owners.set(domain, product);
      if (config.adminHost === domain || config.adminHost.endsWith(`.${domain}`)) {
        problems.push(
          `ADMIN_HOST ${config.adminHost} lies under ${domain} of ${product}; the admin host needs a name of its own`,
        );
      }
    }
  }
}
