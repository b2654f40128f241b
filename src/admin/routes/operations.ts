/**
 * What operators switch and sign: halt, testers' overrides, and the audit of everything.
 * An override is entered in the audit by the control plane first and signed afterwards, so none exists that nobody knows
 * of; it may be in the audit and never have been used.
 */
import { issueOverride } from "../../adapters/override-token.ts";
import {
  AuditPageSchema,
  AuditQuerySchema,
  HaltInputSchema,
  HaltSchema,
  OverrideInputSchema,
  OverrideSchema,
  RevokedSchema,
  RevokeInputSchema,
  type Override,
  type OverrideInput,
} from "../../contracts/api/operations.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Call, type Operation } from "../operation.ts";

const TAG = "operations";
const SECONDS_PER_MINUTE = 60;
/** As the edge reads them (edge/override.ts). */
const OVERRIDE_HEADER = "Firebreak-Override";
const OVERRIDE_COOKIE = "__Host-firebreak-override";

const NO_KEYS: Refusal = {
  problem: "not-configured",
  detail:
    "This deployment has no key to sign overrides with: set the secret OVERRIDE_KEYS (`kid:secret`) and deploy.",
};

async function issue(input: OverrideInput, { services, write }: Call): Promise<Result<Override, Refusal>> {
  const { config, control, clock } = services;
  if (config.overrideKeys.length === 0) return err(NO_KEYS);
  // A repeat makes another token, so it is told again, and checked again: the version may be marked bad since.
  const asked = { input, signedAt: clock.nowMs() };
  const allowed = await control.execute("override.issued", asked, { ...write, idempotencyKey: null });
  if (!allowed.ok) return allowed;
  const { product, account, version, minutes } = input;
  const claims = {
    product,
    account,
    version,
    seconds: minutes * SECONDS_PER_MINUTE,
    jti: crypto.randomUUID(),
  };
  const issued = await issueOverride(config.overrideKeys, claims, allowed.value.issuedAt ?? asked.signedAt);
  if (!issued.ok) return err(NO_KEYS);
  const { token, expires } = issued.value;
  return ok({
    token,
    header: `${OVERRIDE_HEADER}: ${token}`,
    cookie: `${OVERRIDE_COOKIE}=${token}; Max-Age=${claims.seconds}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    expires: new Date(expires).toISOString(),
  });
}

export const OPERATOR_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "halt.get",
    method: "get",
    path: "/api/v1/halt",
    tag: TAG,
    summary: "Is everything automatic halted?",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The switch, and who set it", schema: HaltSchema },
    run: (_input, { services }) => services.control.query("halt", {}),
  }),
  defineOperation({
    id: "halt.set",
    method: "put",
    path: "/api/v1/halt",
    tag: TAG,
    summary: "Halt everything automatic, or let it go on",
    description: "Stops every forward move and every automatic action at once. Serving goes on unchanged.",
    params: NOTHING,
    query: NOTHING,
    body: HaltInputSchema,
    example: { on: true, reason: "Errors in two regions, looking" },
    unconditional: true,
    answer: { status: 200, description: "The switch as it is now", schema: HaltSchema },
    run: ({ body }, { services, write }) => services.control.execute("halt.set", { input: body }, write),
  }),
  defineOperation({
    id: "overrides.issue",
    method: "post",
    path: "/api/v1/overrides",
    tag: TAG,
    summary: "Issue a tester's override",
    description:
      "A signed token that puts one account's requests that carry it on one version, for at most an hour. Send it as header or cookie.",
    params: NOTHING,
    query: NOTHING,
    body: OverrideInputSchema,
    example: {
      product: "kiln",
      account: "acme",
      version: "2.9.0",
      minutes: 30,
      reason: "Trying the candidate before the wave",
    },
    unconditional: true,
    answer: { status: 201, description: "The token, and how to send it", schema: OverrideSchema },
    productOf: ({ product }) => product,
    run: ({ body }, call) => issue(body, call),
  }),
  defineOperation({
    id: "overrides.revoke",
    method: "post",
    path: "/api/v1/overrides/revoke",
    tag: TAG,
    summary: "Revoke all overrides issued so far",
    params: NOTHING,
    query: NOTHING,
    body: RevokeInputSchema,
    example: { reason: "A token was pasted into a ticket" },
    unconditional: true,
    answer: { status: 200, description: "From when on overrides count", schema: RevokedSchema },
    run: async ({ body }, { services, write }) => {
      const done = await services.control.execute("override.revoke-all", body, write);
      return done.ok ? ok({ before: new Date(done.value.before).toISOString() }) : done;
    },
  }),
  defineOperation({
    id: "audit.list",
    method: "get",
    path: "/api/v1/audit",
    tag: TAG,
    summary: "Who changed what, and why",
    description: "Newest first. The entries are a chain of hashes.",
    params: NOTHING,
    query: AuditQuerySchema,
    body: NO_BODY,
    answer: {
      status: 200,
      description: "A page of entries, and where the next one starts",
      schema: AuditPageSchema,
    },
    run: ({ query }, { services }) => {
      const { cursor = null, limit, target = null, actor = null } = query;
      return services.control.query("audit", { cursor, limit, target, actor });
    },
  }),
];
