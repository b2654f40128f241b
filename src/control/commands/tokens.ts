/** Tokens of the admin surface: made with a digest only (the token itself never comes here), revoked for ever. */
import type { TokenView } from "../../contracts/api/operations.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { fromInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { notFound, refuse } from "../refuse.ts";
import { insertToken, isTokenDigestTaken, loadToken, revokeToken } from "../store/tokens.ts";
import type { Change, Work } from "./work.ts";

const SHA256_HEX = /^[0-9a-f]{64}$/;

/** Records a new token by the SHA-256 of it, in lower-case hex. */
export function createToken(
  work: Work,
  { input, sha256 }: CommandInputs["token.create"],
): Result<Change<TokenView>, Refusal> {
  const { db, nowMs, wallMs, actor } = work;
  if (!SHA256_HEX.test(sha256))
    return refuse("invalid", "the digest of a token is 64 lower-case hex characters");
  if (loadToken(db, input.name) !== null) {
    return refuse(
      "conflict",
      `there is a token ${input.name} already, or was: names are not given out twice, so that the audit stays clear`,
    );
  }
  if (isTokenDigestTaken(db, sha256))
    return refuse("conflict", "this token is there already: make a new one");
  const expires = fromInstantOrNull(input.expires);
  if (expires !== null && expires <= wallMs)
    return refuse("invalid", `the token would expire at ${input.expires}, which is past`);
  const { name, role, products } = input;
  insertToken(db, { name, sha256, role, products, expires, createdAt: nowMs, createdBy: actor.name });
  return ok({
    output: viewOf(db, name),
    told: { target: `token/${name}`, reason: null, detail: { role, products, expires: input.expires } },
  });
}

/** Revokes a token; every request that comes after this with it is refused. */
export function revokeTokenByName(
  work: Work,
  { name, reason }: CommandInputs["token.revoke"],
): Result<Change<TokenView>, Refusal> {
  const token = loadToken(work.db, name);
  if (token === null) return notFound(`token ${name}`);
  if (token.revokedAt !== null) return ok({ output: token, told: null });
  revokeToken(work.db, name, work.nowMs);
  return ok({
    output: viewOf(work.db, name),
    told: { target: `token/${name}`, reason, detail: { role: token.role } },
  });
}

function viewOf(db: Db, name: string): TokenView {
  const token = loadToken(db, name);
  if (token === null) throw new Error(`token ${name} was written and is not there`);
  return token;
}
