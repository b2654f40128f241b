/**
 * `explain HOST`: what a request for this host gets, got or is expected to get, and why. An empty host ("") is the request
 * without one.
 */
import type { Command } from "commander";
import type { ExplainedTime } from "../../src/contracts/api/history.ts";
import { ExplainSchema, type Explain } from "../../src/contracts/api/operations.ts";
import { toInstant } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { clean, instant, renderFields } from "./render.ts";
import { toRolloutId } from "./rollout-words.ts";
import { addVerb, print, type ProgramContext, type Session } from "./verb.ts";

export function addExplain(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "explain",
      summary: "which version a host gets, got or is expected to get, and why",
      seeAlso: ["accounts show", "accounts history", "rollout show", "status"],
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
          about: "another time: what was published then, or what is expected (default: now)",
          parse: (text) => (text === "now" ? text : toInstant(text)),
        },
        {
          flags: "--rollout <id>",
          about: "for times ahead: look at this rollout, also a draft (default: the running ones)",
          parse: toRolloutId,
        },
      ],
      notes: [
        "The past is told from the maps that were published, and refused where it is not recorded.",
        "Times ahead are what the rollout's forecast expects, with what may change it.",
      ],
      examples: [
        "explain acme.kiln.example.com",
        'explain "" --method OPTIONS',
        "explain acme.kiln.example.com --json",
        "explain acme.kiln.example.com --at 2026-11-28T22:14:00+01:00",
        "explain acme.kiln.example.com --at 2026-12-24T00:00:00Z --rollout 2026-12-winter",
      ],
      run: explain,
    },
    context,
  );
}

async function explain(session: Session): Promise<void> {
  const { words } = session;
  const at = words.maybe("at");
  const rollout = words.maybe("rollout");
  if (rollout !== undefined && (at === undefined || at === "now"))
    throw usageFailure("--rollout needs --at with a time ahead.");
  const query = { host: words.maybe("host"), method: words.text("method"), at, rollout };
  const answer = await session.api().send(ExplainSchema, { method: "GET", path: "/explain", query });
  print(session, answer, renderExplain);
}

/** The sentence, and its facts as a table; exported for its test. */
export function renderExplain(explained: Explain): string {
  const { at } = explained;
  const fields = renderFields([
    ["host", explained.host === "" ? "(none or empty)" : explained.host],
    ["class", explained.class],
    ["product", explained.product],
    ["account", explained.account],
    ["version", explained.version],
    ["origin", explained.origin],
    ["reason", explained.reason],
    ["generation", at === undefined ? servedNow(explained) : explained.generation],
    ...(at === undefined ? [] : timeFields(at)),
  ]);
  return `${clean(explained.sentence).trim()}\n\n${fields}`;
}

/** A change made seconds ago may not be in them, and whoever made it asks just then. */
function servedNow({ generation }: Explain): string {
  return `${generation}, which this node answers by; it looks for a newer one every 30 s, \`status\` names the newest`;
}

const SOURCES: Readonly<Record<ExplainedTime["source"], string>> = {
  "kept-maps": "the maps of that time, as they are kept in KV",
  history: "what the control plane has recorded of the maps",
  forecast: "the forecast of the rollout engine",
};

const CERTAINTIES: Readonly<Record<ExplainedTime["certainty"], string>> = {
  certain: "certain",
  spreading: "a change was spreading: not every edge answered alike",
  expected: "expected, if all goes as planned",
};

/** What is said besides of another time, for the same table. */
function timeFields(
  at: ExplainedTime,
): readonly (readonly [name: string, value: string | null | readonly string[]])[] {
  const { move } = at;
  return [
    ["time", instant(at.time)],
    ["known from", SOURCES[at.source]],
    ["certainty", CERTAINTIES[at.certainty]],
    ...(at.from === null ? [] : [["in force since", instant(at.from)] as const]),
    ...(at.others.length === 0
      ? []
      : [["or else", at.others.map(({ version, reason }) => `${version ?? "none"} by ${reason}`)] as const]),
    ...(move === null
      ? []
      : [
          [
            "next move",
            `${move.product} ${move.to} from ${move.at.local} (${instant(move.at.utc) ?? ""}), ${
              move.wave === null ? "the default" : `wave "${move.wave}"`
            } of ${move.rollout}`,
          ] as const,
        ]),
    ["notes", at.notes],
  ];
}
