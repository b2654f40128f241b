/** `token`: named bearer tokens of the admin API. A new one is shown once; nothing else ever prints a token. */
import type { Command } from "commander";
import {
  IssuedTokenSchema,
  TokenInputSchema,
  TokenSchema,
  type TokenView,
} from "../../src/contracts/api/operations.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { showWholeList } from "./lists.ts";
import { instant, renderFields, renderTable, type Cell } from "./render.ts";
import { givenRole, ROLE_OPTIONS } from "./role-options.ts";
import { addObject, addVerb, type ProgramContext } from "./verb.ts";

export function addToken(program: Command, context: ProgramContext): void {
  const object = addObject(program, "token", {
    summary: "tokens of the admin API: create, list, revoke",
    alias: "tokens",
  });
  addVerb(
    object,
    {
      name: "create",
      summary: "create a token; it is printed once and kept hashed",
      arguments: [{ name: "<name>", about: "what it is for, as in ci-deploy" }],
      options: ROLE_OPTIONS,
      changes: true,
      writes: "unconditional",
      examples: ["token create ci-deploy --role deployer --products kiln --expires 2027-01-01T00:00:00Z"],
      run: (session) => {
        const body = toInput(TokenInputSchema, {
          name: session.words.text("name"),
          ...givenRole(session),
        });
        return change(session, {
          schema: IssuedTokenSchema,
          request: { method: "POST", path: "/tokens", body },
          render: (issued) =>
            `${renderToken(issued)}\nKeep it now, it is not shown again:\n${issued.token}\n`,
        });
      },
    },
    context,
  );
  addVerb(
    object,
    {
      name: "list",
      summary: "all tokens, without their secrets",
      examples: ["token list"],
      run: (session) =>
        showWholeList(session, {
          item: TokenSchema,
          request: { path: "/tokens" },
          noun: ["token", "tokens"],
          render: renderTokens,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "revoke",
      summary: "revoke a token at once",
      arguments: [{ name: "<name>", about: "name of the token" }],
      changes: true,
      reason: true,
      writes: "unconditional",
      examples: ['token revoke ci-deploy --reason "leaked in a build log"'],
      run: (session) => {
        const { words } = session;
        const path = `/tokens/${encodeURIComponent(words.text("name"))}`;
        return change(session, {
          schema: TokenSchema,
          request: { method: "DELETE", path, query: { reason: words.text("reason") } },
          render: renderToken,
        });
      },
    },
    context,
  );
}

function fields(token: TokenView): readonly (readonly [string, Cell])[] {
  return [
    ["name", token.name],
    ["role", token.role],
    ["products", token.products === null ? "all" : token.products.join(", ")],
    ["expires", token.expires === null ? "never" : instant(token.expires)],
    ["created", `${instant(token.createdAt)} by ${token.createdBy}`],
    ["revoked", instant(token.revokedAt)],
  ];
}

function renderToken(token: TokenView): string {
  return renderFields(fields(token));
}

function renderTokens(tokens: readonly TokenView[]): string {
  return renderTable(
    ["name", "role", "products", "expires", "created", "revoked"],
    tokens.map((token) => fields(token).map(([, value]) => value)),
  );
}
