/** `default approve`, `withdraw` and `four-eyes`: moves of the default that take two people. */
import type { Command } from "commander";
import {
  DefaultApproveInputSchema,
  DefaultWithdrawInputSchema,
  FourEyesInputSchema,
} from "../../src/contracts/api/four-eyes.ts";
import { DefaultSchema } from "../../src/contracts/api/products.ts";
import { oneOf, toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { renderDefault } from "./default-render.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { addVerb, type ProgramContext, type Session } from "./verb.ts";
import { VERSION_ARGUMENT } from "./version.ts";

export function addFourEyesVerbs(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "approve",
      summary: "approve the move of the default that somebody else asked for; this moves it",
      seeAlso: ["default show", "default withdraw", "default four-eyes", "status"],
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      changes: true,
      writes: true,
      notes: [
        "Everything that a move by hand takes is looked at again, its preflight within the hour too.",
        "Who asked may not approve. Tokens, sessions and identities of one name are one person.",
      ],
      examples: ["default approve kiln 2.9.0"],
      run: (session) =>
        send(session, "POST", "/default/approve", {
          ...toInput(DefaultApproveInputSchema, { version: session.words.text("version") }),
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "withdraw",
      summary: "withdraw the move of the default that waits for a second person",
      seeAlso: ["default show", "default approve"],
      arguments: [PRODUCT_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      examples: ['default withdraw kiln --reason "2.9.1 comes today"'],
      run: (session) =>
        send(session, "POST", "/default/withdraw", {
          ...toInput(DefaultWithdrawInputSchema, { reason: session.words.text("reason") }),
        }),
    },
    context,
  );
  addFourEyes(object, context);
}

function addFourEyes(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "four-eyes",
      summary: "say whether the default of a product moves only with a second person's yes",
      seeAlso: ["default show", "default approve", "rollout approve"],
      arguments: [PRODUCT_ARGUMENT, { name: "<switch>", about: "on or off", parse: oneOf("on", "off") }],
      changes: true,
      reason: true,
      writes: true,
      notes: [
        "It holds for `default promote` and for rollouts, whether their plan asks for approval or not; `default revert` never needs it.",
        "For admins. Switched off, what waits is withdrawn; the audit has both.",
      ],
      examples: ['default four-eyes kiln on --reason "after the outage in October"'],
      run: (session) =>
        send(session, "PUT", "/four-eyes", {
          ...toInput(FourEyesInputSchema, {
            on: session.words.text("switch") === "on",
            reason: session.words.text("reason"),
          }),
        }),
    },
    context,
  );
}

function send(
  session: Session,
  method: "POST" | "PUT",
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const product = encodeURIComponent(session.words.text("product"));
  return change(session, {
    schema: DefaultSchema,
    request: { method, path: `/products/${product}${path}`, body },
    render: renderDefault,
  });
}
