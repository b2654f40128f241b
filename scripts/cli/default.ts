/** `default`: the version for requests that name no known account. It moves by its own step alone, never by an edit. */
import type { Command } from "commander";
import { DefaultInputSchema, DefaultSchema } from "../../src/contracts/api/products.ts";
import { DefaultRevertInputSchema } from "../../src/contracts/api/reasons.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { addFourEyesVerbs } from "./default-four-eyes.ts";
import { renderDefault } from "./default-render.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { addObject, addVerb, print, type ProgramContext, type Session } from "./verb.ts";
import { VERSION_ARGUMENT } from "./version.ts";

export function addDefault(program: Command, context: ProgramContext): void {
  const object = addObject(program, "default", {
    summary: "the version of unknown accounts: show, promote, approve, revert",
  });
  addVerb(
    object,
    {
      name: "show",
      summary: "the default version (unknown accounts) of a product, and its standby",
      arguments: [PRODUCT_ARGUMENT],
      examples: ["default show kiln"],
      run: async (session) =>
        print(
          session,
          await session.api().send(DefaultSchema, { method: "GET", path: pathOf(session) }),
          renderDefault,
        ),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "promote",
      summary: "move the default to another version; the one before stays as standby",
      seeAlso: ["preflight run", "default show", "default revert"],
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      options: [
        { flags: "--force", about: "although its preflight did not pass, or was not run within the hour" },
      ],
      changes: true,
      reason: true,
      writes: true,
      notes: [
        "It takes a preflight of the version that passed for the default within the hour (`preflight PRODUCT VERSION --for default`), or --force.",
        "Where four eyes hold it asks for the move, and another person approves it within a day.",
        "No known account is touched. This is the step that once took every server out: do it last, in working hours.",
      ],
      examples: ['default promote kiln 2.9.0 --reason "all waves baked"'],
      run: (session) => {
        const { words } = session;
        const body = toInput(DefaultInputSchema, {
          version: words.text("version"),
          reason: words.text("reason"),
          force: words.on("force"),
        });
        return change(session, {
          schema: DefaultSchema,
          request: { method: "POST", path: pathOf(session), body },
          render: renderDefault,
        });
      },
    },
    context,
  );
  addFourEyesVerbs(object, context);
  addRevert(object, context);
}

function addRevert(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "revert",
      summary: "put the default back on its standby, without a preflight",
      seeAlso: ["default show", "default promote", "version mark-bad"],
      arguments: [PRODUCT_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      notes: [
        "There is no standby afterwards: what failed does not stand by, and a second call is refused.",
        "A rollout that was watching this default pauses and says so.",
      ],
      examples: ['default revert kiln --reason "unknown accounts get 500"'],
      run: (session) =>
        change(session, {
          schema: DefaultSchema,
          request: {
            method: "POST",
            path: `${pathOf(session)}/revert`,
            body: toInput(DefaultRevertInputSchema, { reason: session.words.text("reason") }),
          },
          render: renderDefault,
        }),
    },
    context,
  );
}

function pathOf({ words }: Session): string {
  return `/products/${encodeURIComponent(words.text("product"))}/default`;
}
