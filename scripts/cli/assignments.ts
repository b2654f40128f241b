/** `assignments`: which accounts changed version since a generation, as origins ask it. Reads only. */
import type { Command } from "commander";
import { AssignmentSchema, type AssignmentRow } from "../../src/contracts/api/handover.ts";
import { toProduct, toVersion, wholeFrom } from "./arguments.ts";
import { PAGE_OPTIONS, showList } from "./lists.ts";
import { renderTable } from "./render.ts";
import { addVerb, type ProgramContext } from "./verb.ts";

export function addAssignments(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "assignments",
      summary: "accounts that changed version since a generation",
      seeAlso: ["accounts history", "events list"],
      options: [
        {
          flags: "--since <generation>",
          about: "compare with these maps",
          parse: wholeFrom(0),
          required: true,
        },
        { flags: "--product <product>", about: "only of this product (default: all)", parse: toProduct },
        {
          flags: "--version <version>",
          about: "only who left or reached it (default: any)",
          parse: toVersion,
        },
        ...PAGE_OPTIONS,
      ],
      notes: ["The net difference: an account that moved and came back is not listed."],
      examples: ["assignments --since 1204", "assignments --since 1204 --product kiln --all --json"],
      run: (session) =>
        showList(session, {
          item: AssignmentSchema,
          request: {
            path: "/assignments",
            query: {
              since: session.words.number("since"),
              product: session.words.maybe("product"),
              version: session.words.maybe("version"),
            },
          },
          noun: ["account", "accounts"],
          render: renderAssignments,
        }),
    },
    context,
  );
}

/** Assignments as a table. */
export function renderAssignments(rows: readonly AssignmentRow[]): string {
  return renderTable(
    ["account", "product", "from", "to", "generation"],
    rows.map(({ account, product, from, to, generation }) => [account, product, from, to, generation]),
  );
}
