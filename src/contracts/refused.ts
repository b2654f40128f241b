/**
 * Refused attempts on the admin surface, and overrides that edges refused, as the Worker counts them and the control plane
 * puts them into the audit: by kind, source and (where it is known) who. Shapes and the closed list of kinds; no token,
 * cookie or body is ever part of one. Called by admin, dashboard and control.
 */
import type { EpochMs } from "./units.ts";

export const REFUSED_KINDS = [
  /** No credential at all. */
  "no-token",
  /** A bearer token that opens nothing: unknown, malformed, expired or revoked. */
  "token",
  /** A session of the dashboard that is over or never was. */
  "session",
  /** Cloudflare Access tokens, by what is wrong with them. */
  "access-malformed",
  "access-algorithm",
  "access-unknown-key",
  "access-signature",
  "access-audience",
  "access-issuer",
  "access-expired",
  /** Access let somebody in to whom no role is given here. */
  "access-no-role",
  /** Too many failures, or too many requests. */
  "rate-limited",
  /** Known, and may not: by role, or by the products of the token. */
  "forbidden",
  /** A change that a page of another site sent. */
  "foreign-site",
  /** A tester's override that does not count where it came: forged, too late, revoked, or another account's. */
  "override",
  /** A form that was not drawn for this session. */
  "form",
] as const;
export type RefusedKind = (typeof REFUSED_KINDS)[number];

/** Attempts of one kind from one source that were refused alike. */
export interface RefusedAttempts {
  readonly kind: RefusedKind;
  /** Address of the client as far as the deployment believes what says so; `-` when nobody is believed. */
  readonly source: string;
  /** Name and role, where it was known who it is. */
  readonly who: { readonly name: string; readonly role: string } | null;
  /** The last of what was tried: an operation's id, or the path of a form. */
  readonly operation: string;
  readonly count: number;
  readonly lastMs: EpochMs;
}

/** Attempts of one call; what is beyond is counted under `MANY`. */
export const MAX_REFUSED_BATCH = 50;
/** In place of a source when there are too many to tell apart. */
export const MANY = "many";
