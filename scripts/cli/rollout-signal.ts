/** `rollout signal` and `rollout signals`: words from outside about a rollout, and what it has heard. */
import type { Command } from "commander";
import { SignalInputSchema, SignalSchema, type SignalView } from "../../src/contracts/api/gates.ts";
import { RolloutSchema } from "../../src/contracts/api/rollouts.ts";
import { oneOf, toInput, toProduct, wholeFrom } from "./arguments.ts";
import { change } from "./change.ts";
import { showWholeList } from "./lists.ts";
import { instant, renderTable } from "./render.ts";
import { rolloutAdvice } from "./rollout-advice.ts";
import { rolloutLine } from "./rollout-render.ts";
import { pathOf, ROLLOUT_ID } from "./rollout-words.ts";
import { addVerb, type ProgramContext } from "./verb.ts";

export function addRolloutSignals(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "signal",
      summary: "tell a rollout how its targets do, from outside",
      seeAlso: ["rollout signals", "rollout show"],
      arguments: [
        ROLLOUT_ID,
        {
          name: "<verdict>",
          about: "fail, pass or inconclusive",
          parse: oneOf("fail", "pass", "inconclusive"),
        },
      ],
      options: [
        { flags: "--source <name>", about: "who says so, as the plan's mustHave names it", required: true },
        { flags: "--ttl <seconds>", about: "how long it counts (default: 3600)", parse: wholeFrom(1) },
        { flags: "--product <product>", about: "about this target only (default: all)", parse: toProduct },
      ],
      changes: true,
      reason: true,
      writes: true,
      notes: ["fail acts at once, as the plan says; the next word of the same source takes its place."],
      examples: [
        'rollout signal 2026-11-autumn fail --source support-tickets --reason "twice as many" --ttl 3600',
        'rollout signal 2026-11-autumn pass --source nightly-tests --reason "all green"',
      ],
      run: (session) => {
        const { words } = session;
        const body = toInput(SignalInputSchema, {
          verdict: words.text("verdict"),
          source: words.maybe("source"),
          reason: words.text("reason"),
          ttlSeconds: words.number("ttl"),
          product: words.maybe("product"),
        });
        return change(session, {
          schema: RolloutSchema,
          request: { method: "POST", path: pathOf(session, "/signals"), body },
          render: (after) => `${rolloutLine(after)}\nWhat to do: ${rolloutAdvice(after)}\n`,
        });
      },
    },
    context,
  );
  addVerb(
    object,
    {
      name: "signals",
      summary: "what a rollout has heard from outside",
      seeAlso: ["rollout signal", "rollout show"],
      arguments: [ROLLOUT_ID],
      examples: ["rollout signals 2026-11-autumn"],
      run: (session) =>
        showWholeList(session, {
          item: SignalSchema,
          request: { path: pathOf(session, "/signals") },
          noun: ["signal", "signals"],
          render: renderSignals,
        }),
    },
    context,
  );
}

function renderSignals(signals: readonly SignalView[]): string {
  return renderTable(
    ["source", "product", "verdict", "reason", "by", "at", "expires"],
    signals.map(({ source, product, verdict, reason, by, at, expires, expired }) => [
      source,
      product ?? "all",
      verdict,
      reason,
      by,
      instant(at),
      expired ? `${instant(expires)} (over)` : instant(expires),
    ]),
  );
}
