/** `halt`: the switch over everything automatic. Serving goes on unchanged, whatever it says. */
import type { Command } from "commander";
import { HaltInputSchema, HaltSchema, type Halt } from "../../src/contracts/api/operations.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { clean, instant } from "./render.ts";
import { addObject, addVerb, print, type ProgramContext } from "./verb.ts";

export function addHalt(program: Command, context: ProgramContext): void {
  const object = addObject(program, "halt", {
    summary: "stop every forward move and automatic action: on, off, show",
  });
  addVerb(
    object,
    {
      name: "show",
      summary: "whether it is on, since when and why",
      examples: ["halt show"],
      run: async (session) =>
        print(
          session,
          await session.api().send(HaltSchema, { method: "GET", path: "/halt" }),
          (halt) => `${haltText(halt)}\n`,
        ),
    },
    context,
  );
  for (const on of [true, false]) {
    addVerb(
      object,
      {
        name: on ? "on" : "off",
        summary: on ? "stop every forward move and every automatic action at once" : "let moves go on",
        changes: true,
        reason: true,
        writes: "unconditional",
        examples: [
          on ? 'halt on --reason "unexplained 5xx, looking"' : 'halt off --reason "network fault, fixed"',
        ],
        run: (session) =>
          change(session, {
            schema: HaltSchema,
            request: {
              method: "PUT",
              path: "/halt",
              body: toInput(HaltInputSchema, { on, reason: session.words.text("reason") }),
            },
            render: (halt) => `${haltText(halt)}\n`,
          }),
      },
      context,
    );
  }
}

/** The halt as one sentence; `status` begins with it too. */
export function haltText(halt: Halt): string {
  const about = halt.reason === null ? "" : `: ${halt.reason} (${halt.by ?? "unknown"}, ${instant(halt.at)})`;
  return clean(`Halt is ${halt.on ? "ON, nothing moves forward" : "off"}${about}`);
}
