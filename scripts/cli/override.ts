/** `override`: signed tokens with which a tester sees one account on another version for a while. */
import type { Command } from "commander";
import {
  OverrideInputSchema,
  OverrideSchema,
  RevokeInputSchema,
  RevokedSchema,
} from "../../src/contracts/api/operations.ts";
import { ACCOUNT_ARGUMENT } from "./account.ts";
import { toInput, wholeBetween } from "./arguments.ts";
import { change } from "./change.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { instant, renderFields } from "./render.ts";
import { addObject, addVerb, type ProgramContext } from "./verb.ts";
import { VERSION_ARGUMENT } from "./version.ts";

export function addOverride(program: Command, context: ProgramContext): void {
  const object = addObject(program, "override", {
    summary: "tester tokens: issue, revoke",
    alias: "overrides",
  });
  addVerb(
    object,
    {
      name: "issue",
      summary: "issue a token that shows one account on another version; it is printed once",
      arguments: [PRODUCT_ARGUMENT, ACCOUNT_ARGUMENT, VERSION_ARGUMENT],
      options: [
        {
          flags: "--minutes <number>",
          about: "how long it is good, 1 to 60",
          parse: wholeBetween(1, 60),
          preset: 30,
        },
      ],
      changes: true,
      reason: true,
      writes: "unconditional",
      examples: ['override issue kiln acme 2.9.0 --minutes 15 --reason "check search before the move"'],
      run: ({ words, ...rest }) => {
        const body = toInput(OverrideInputSchema, {
          product: words.text("product"),
          account: words.text("account"),
          version: words.text("version"),
          minutes: words.number("minutes"),
          reason: words.text("reason"),
        });
        return change(
          { words, ...rest },
          {
            schema: OverrideSchema,
            request: { method: "POST", path: "/overrides", body },
            render: ({ token, header, cookie, expires }) =>
              renderFields([
                ["header", header],
                ["cookie", cookie],
                ["token", token],
                ["good until", instant(expires)],
              ]),
          },
        );
      },
    },
    context,
  );
  addVerb(
    object,
    {
      name: "revoke",
      summary: "revoke every token issued so far",
      changes: true,
      reason: true,
      writes: "unconditional",
      examples: ['override revoke --reason "a token was pasted into a ticket"'],
      run: (session) =>
        change(session, {
          schema: RevokedSchema,
          request: {
            method: "POST",
            path: "/overrides/revoke",
            body: toInput(RevokeInputSchema, { reason: session.words.text("reason") }),
          },
          render: ({ before }) =>
            `Every override issued before ${instant(before)} is revoked; edges know within about a minute.\n`,
        }),
    },
    context,
  );
}
