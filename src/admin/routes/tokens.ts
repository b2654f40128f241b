/**
 * Tokens of the API: issued once, kept as hashes, revoked without a deploy.
 * The token itself is made here and shown in one answer; the control plane and the log never see it.
 */
import {
  IssuedTokenSchema,
  TokenInputSchema,
  TokenListSchema,
  TokenParamsSchema,
  TokenSchema,
  type IssuedToken,
  type TokenInput,
} from "../../contracts/api/operations.ts";
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import { parseAccessIdentity } from "../../contracts/access-identity.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import { hashToken } from "../authenticate.ts";
import { makeSecret } from "../secret.ts";
import { defineOperation, NO_BODY, NOTHING, type Call, type Operation } from "../operation.ts";

const TAG = "tokens";
const ALL = "/api/v1/tokens";
const TOKEN_PREFIX = "fb_";

const nameTaken = (name: string, why: string): Refusal => ({
  problem: "conflict",
  detail: `${name}: ${why}. Give this one another, so that the audit stays clear.`,
});

/** Names of the configuration are no secret to who may revoke: `create` tells them as well. */
const outOfReach = (name: string): Refusal => ({
  problem: "conflict",
  detail: `${name} is one of the secret ADMIN_TOKENS, not of the tokens that were made here. Take it out of the secret to end it.`,
});

async function create(input: TokenInput, { services, write }: Call): Promise<Result<IssuedToken, Refusal>> {
  // The audit, Idempotency-Keys and a second pair of eyes know people by name, and these names are known only here.
  const { name } = input;
  if (services.config.adminTokens.some((each) => each.name === name))
    return err(nameTaken(name, "ADMIN_TOKENS has a token of that name"));
  if (parseAccessIdentity(name) !== null)
    return err(nameTaken(name, "it is how Cloudflare Access calls a service token"));
  const token = makeSecret(TOKEN_PREFIX);
  // A repeated key would be answered with the first token's record and a secret that opens nothing, so it is not passed on:
  // a repeat is refused by the name, which is taken.
  const context = { ...write, idempotencyKey: null };
  const created = await services.control.execute(
    "token.create",
    { input, sha256: await hashToken(token) },
    context,
  );
  return created.ok ? ok({ ...created.value, token }) : created;
}

export const TOKEN_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "tokens.list",
    method: "get",
    path: ALL,
    tag: TAG,
    summary: "List tokens",
    description:
      "Without the tokens themselves, which nobody has. Bootstrap tokens of ADMIN_TOKENS are not listed.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The tokens, revoked ones too", schema: TokenListSchema },
    run: async (_input, { services }) => {
      const found = await services.control.query("tokens", {});
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "tokens.create",
    method: "post",
    path: ALL,
    tag: TAG,
    summary: "Issue a token",
    description:
      "The answer is the only time the token is shown. Idempotency-Key does not count here: a repeat is refused by its name.",
    params: NOTHING,
    query: NOTHING,
    body: TokenInputSchema,
    example: {
      name: "deploy-pipeline",
      role: "deployer",
      products: ["kiln"],
      expires: "2027-11-28T00:00:00Z",
    },
    unconditional: true,
    answer: { status: 201, description: "The token, once", schema: IssuedTokenSchema },
    run: ({ body }, call) => create(body, call),
  }),
  defineOperation({
    id: "tokens.revoke",
    method: "delete",
    path: `${ALL}/{name}`,
    tag: TAG,
    summary: "Revoke a token",
    description: "From the next request on, everywhere.",
    params: TokenParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    unconditional: true,
    answer: { status: 200, description: "The token as it is now", schema: TokenSchema },
    run: async ({ params, query }, { services, write }) => {
      const revoked = await services.control.execute("token.revoke", { ...params, ...query }, write);
      if (revoked.ok || revoked.error.problem !== "not-found") return revoked;
      const isConfigured = services.config.adminTokens.some(({ name }) => name === params.name);
      return isConfigured ? err(outOfReach(params.name)) : revoked;
    },
  }),
];
