/** What the control plane offers about who may use the admin surface: tokens, sessions, and grants to people of Access. */
import type { AccessGrant, AccessGrantInput } from "./api/access.ts";
import type { TokenInput, TokenView } from "./api/operations.ts";

interface OfIdentity {
  /** As `parseAccessIdentity` gives it. */
  readonly identity: string;
}

export interface AccessCommandInputs {
  "token.create": { readonly input: TokenInput; readonly sha256: string };
  "token.revoke": { readonly name: string; readonly reason: string };
  /** Both are SHA-256 in hex: of the session's secret, and of the token that was shown for it. */
  "session.create": { readonly sha256: string; readonly token: string };
  "session.end": { readonly sha256: string };
  "access.grant": OfIdentity & { readonly input: AccessGrantInput };
  "access.revoke": OfIdentity & { readonly reason: string };
}

export interface AccessCommandOutputs {
  "token.create": TokenView;
  "token.revoke": TokenView;
  "session.create": { readonly expires: string };
  "session.end": { readonly ended: boolean };
  "access.grant": AccessGrant;
  /** As it was. */
  "access.revoke": AccessGrant;
}

export interface AccessQueryInputs {
  tokens: Record<never, never>;
  "access.grants": Record<never, never>;
}

export interface AccessQueryOutputs {
  tokens: readonly TokenView[];
  "access.grants": readonly AccessGrant[];
}
