/**
 * Where the router may forward to. An origin is checked when it is registered, when it is published and when it is
 * read, always by this file, so that neither a mistake nor a forged map turns the router into an open proxy.
 * No user information, no path, no IP address other than loopback where a rule says so.
 */
import { isDomainName } from "./domain-name.ts";
import { err, ok, type Result } from "./result.ts";

export type Origin =
  | { readonly kind: "http"; readonly scheme: "http" | "https"; readonly host: string; readonly port: number }
  | { readonly kind: "binding"; readonly name: string };

/** One rule of `ORIGIN_ALLOW`: scheme, host (exact, or every name below a suffix) and port (null: any). */
export interface OriginRule {
  readonly scheme: "http" | "https" | "binding";
  readonly host: string;
  readonly below: boolean;
  readonly port: number | null;
}

const ORIGIN = /^(https?):\/\/([a-z0-9.{}-]+)(?::([1-9]\d{0,4}))?$/;
const BINDING = /^binding:([A-Z][A-Z0-9_]{0,63})$/;
const RULE = /^(https?):\/\/(\*\.)?([a-z0-9.-]+)(?::([1-9]\d{0,4}|\*))?$/;
const CELL = "{cell}";
/** Stands in for `{cell}` while the rest of the name is checked. */
const SAMPLE_CELL = "cell";
const MAX_PORT = 65_535;

function defaultPort(scheme: "http" | "https"): number {
  return scheme === "https" ? 443 : 80;
}

/**
 * Parses an origin as operators write it: `https://host[:port]`, `http://host[:port]` or `binding:NAME`.
 * `{cell}` may stand for a whole label or part of one.
 */
export function parseOrigin(text: string): Result<Origin, string> {
  const binding = BINDING.exec(text);
  if (binding?.[1] !== undefined) return ok({ kind: "binding", name: binding[1] });
  const match = ORIGIN.exec(text);
  const scheme = match?.[1];
  const host = match?.[2];
  if ((scheme !== "http" && scheme !== "https") || host === undefined) {
    return err(
      `"${text}" must be https://host[:port], http://host[:port] or binding:NAME, without path or user`,
    );
  }
  const port = match?.[3] === undefined ? defaultPort(scheme) : Number(match[3]);
  if (port > MAX_PORT) return err(`"${text}" has a port above ${MAX_PORT}`);
  if (!isDomainName(host.replaceAll(CELL, SAMPLE_CELL))) return err(`"${text}" has no valid host name`);
  return ok({ kind: "http", scheme, host, port });
}

/** Puts the account's cell into an origin. Returns null when the origin needs a cell and the account has none. */
export function originForCell(origin: string, cell: string | null): string | null {
  if (!origin.includes(CELL)) return origin;
  return cell === null ? null : origin.replaceAll(CELL, cell);
}

/**
 * Parses `ORIGIN_ALLOW`: patterns apart by spaces or commas, such as `https://*.origins.example.net`,
 * `http://127.0.0.1:*` or `binding:*`. A pattern without port means the scheme's own port.
 */
export function parseOriginAllow(text: string): Result<readonly OriginRule[], readonly string[]> {
  const rules: OriginRule[] = [];
  const problems: string[] = [];
  for (const pattern of text.split(/[\s,]+/).filter((part) => part !== "")) {
    const rule = parseRule(pattern);
    if (rule === null)
      problems.push(
        `ORIGIN_ALLOW: "${pattern}" must be like https://*.origins.example.net, http://127.0.0.1:* or binding:*`,
      );
    else rules.push(rule);
  }
  return problems.length === 0 ? ok(rules) : err(problems);
}

function parseRule(pattern: string): OriginRule | null {
  if (pattern === "binding:*") return { scheme: "binding", host: "", below: true, port: null };
  const match = RULE.exec(pattern);
  const scheme = match?.[1];
  const host = match?.[3];
  if ((scheme !== "http" && scheme !== "https") || host === undefined || !isDomainName(host)) return null;
  const port = match?.[4] === "*" ? null : match?.[4] === undefined ? defaultPort(scheme) : Number(match[4]);
  return { scheme, host, below: match?.[2] !== undefined, port };
}

export interface OwnHosts {
  readonly adminHost: string;
  readonly domains: readonly string[];
}

/**
 * Says whether the router may forward to an origin.
 * @returns null when it may, else one sentence for the operator.
 */
export function refuseOrigin(text: string, allow: readonly OriginRule[], own: OwnHosts): string | null {
  const parsed = parseOrigin(text);
  if (!parsed.ok) return parsed.error;
  const origin = parsed.value;
  if (origin.kind === "binding") {
    return allow.some((rule) => rule.scheme === "binding")
      ? null
      : `"${text}": ORIGIN_ALLOW does not allow binding:*`;
  }
  const { host } = origin;
  if (
    host === own.adminHost ||
    own.domains.some((domain) => host === domain || host.endsWith(`.${domain}`))
  ) {
    return `"${text}" lies under the router's own hosts: requests would run in a circle`;
  }
  const allowed = allow.some((rule) => ruleAllows(rule, origin));
  return allowed
    ? null
    : `"${text}" matches nothing in ORIGIN_ALLOW: add its scheme, host and port there and deploy`;
}

function ruleAllows(rule: OriginRule, origin: Extract<Origin, { kind: "http" }>): boolean {
  if (rule.scheme !== origin.scheme || (rule.port !== null && rule.port !== origin.port)) return false;
  // A cell may fill only labels below an allowed suffix, so the suffix itself must be free of it.
  if (rule.below) return origin.host.endsWith(`.${rule.host}`) && origin.host.length > rule.host.length + 1;
  return origin.host === rule.host;
}
