/** `access`: what people and services that come in through Cloudflare Access may do. */
import type { Command } from "commander";
import {
  AccessGrantInputSchema,
  AccessGrantSchema,
  AccessIdentitySchema,
  type AccessGrant,
} from "../../src/contracts/api/access.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { showWholeList } from "./lists.ts";
import { instant, renderFields, renderTable, type Cell } from "./render.ts";
import { givenRole, ROLE_OPTIONS } from "./role-options.ts";
import { addObject, addVerb, type ProgramContext, type Session } from "./verb.ts";

const IDENTITY_ARGUMENT = {
  name: "<identity>",
  about: "e-mail address, or client id of a service token",
} as const;

export function addAccess(program: Command, context: ProgramContext): void {
  const object = addObject(program, "access", {
    summary: "grants to people of Cloudflare Access: grant, list, revoke",
  });
  addGrant(object, context);
  addVerb(
    object,
    {
      name: "list",
      summary: "what is granted to whom",
      examples: ["access list"],
      run: (session) =>
        showWholeList(session, {
          item: AccessGrantSchema,
          request: { path: "/access" },
          noun: ["grant", "grants"],
          render: renderGrants,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "revoke",
      summary: "take away what was granted, at once",
      arguments: [IDENTITY_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      examples: ['access revoke alice@example.com --reason "left the company"'],
      run: (session) =>
        change(session, {
          schema: AccessGrantSchema,
          request: {
            method: "DELETE",
            path: pathOf(session),
            query: { reason: session.words.text("reason") },
          },
          render: (grant) => `${renderGrant(grant)}Taken away.\n`,
        }),
    },
    context,
  );
}

function addGrant(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "grant",
      summary: "grant a role to an identity, in place of what it had",
      arguments: [IDENTITY_ARGUMENT],
      options: ROLE_OPTIONS,
      changes: true,
      writes: true,
      notes: [
        "Cloudflare Access says who somebody is, this says what they may do; it counts where ACCESS_TEAM and ACCESS_AUD are set.",
      ],
      examples: ["access grant alice@example.com --role operator --products kiln"],
      run: (session) => {
        const body = toInput(AccessGrantInputSchema, givenRole(session));
        return change(session, {
          schema: AccessGrantSchema,
          request: { method: "PUT", path: pathOf(session), body },
          render: renderGrant,
        });
      },
    },
    context,
  );
}

function pathOf({ words }: Session): string {
  return `/access/${encodeURIComponent(toInput(AccessIdentitySchema, words.text("identity")))}`;
}

function fields(grant: AccessGrant): readonly (readonly [string, Cell])[] {
  return [
    ["identity", grant.identity],
    ["role", grant.role],
    ["products", grant.products === null ? "all" : grant.products.join(", ")],
    ["expires", grant.expires === null ? "never" : instant(grant.expires)],
    ["granted", `${instant(grant.grantedAt)} by ${grant.grantedBy}`],
  ];
}

function renderGrant(grant: AccessGrant): string {
  return renderFields(fields(grant));
}

function renderGrants(grants: readonly AccessGrant[]): string {
  return renderTable(
    ["identity", "role", "products", "expires", "granted"],
    grants.map((grant) => fields(grant).map(([, value]) => value)),
  );
}
