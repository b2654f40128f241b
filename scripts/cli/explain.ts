/** `explain HOST`: what a request for this host gets, and why. An empty host ("") is the request without one. */
import type { Command } from "commander";
import { ExplainSchema, type Explain } from "../../src/contracts/api/operations.ts";
import { renderFields } from "./render.ts";
import { addVerb, print, type ProgramContext } from "./verb.ts";

export function addExplain(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "explain",
      summary: "which version a host gets, and why",
      arguments: [
        { name: "[host]", about: 'Host header as a client sends it; "" is an empty one, left out: none' },
      ],
      options: [
        {
          flags: "--method <method>",
          about: "request method, as in OPTIONS",
          parse: (text) => text.toUpperCase(),
          preset: "GET",
        },
        {
          flags: "--at <instant>",
          about: "only now: `rollout plan` has the times ahead, `audit list` the past",
        },
      ],
      examples: [
        "explain acme.kiln.example.com",
        'explain "" --method OPTIONS',
        "explain acme.kiln.example.com --json",
      ],
      run: async (session) => {
        const { words } = session;
        const query = { host: words.maybe("host"), method: words.text("method"), at: words.maybe("at") };
        print(
          session,
          await session.api().send(ExplainSchema, { method: "GET", path: "/explain", query }),
          renderExplain,
        );
      },
    },
    context,
  );
}

function renderExplain(explain: Explain): string {
  return `${explain.sentence.trim()}\n\n${renderFields([
    ["host", explain.host === "" ? "(none or empty)" : explain.host],
    ["class", explain.class],
    ["product", explain.product],
    ["account", explain.account],
    ["version", explain.version],
    ...(explain.replaced === undefined ? [] : [["in place of", explain.replaced] as const]),
    ["origin", explain.origin],
    ["reason", explain.reason],
    ["generation", explain.generation],
  ])}`;
}
