/** `rollout impact ID`: whom a rollout hurt, as a table, CSV or JSON. Reads only. */
import type { Command } from "commander";
import { HurtAccountSchema, ImpactSchema, type HurtAccountView } from "../../src/contracts/api/gates.ts";
import { wholeFrom } from "./arguments.ts";
import { showWholeList } from "./lists.ts";
import { instant, renderTable } from "./render.ts";
import { pathOf, ROLLOUT_ID } from "./rollout-words.ts";
import { addVerb, type ProgramContext } from "./verb.ts";

const COLUMNS = ["account", "product", "minutes", "failures", "requests", "putBackAt", "putBackBy"] as const;

export function addRolloutImpact(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "impact",
      summary: "the accounts that its targets failed: how long, and when they were put back",
      seeAlso: ["rollout show", "accounts history", "audit list"],
      arguments: [ROLLOUT_ID],
      options: [
        { flags: "--csv", about: "comma-separated, with a head line" },
        { flags: "--limit <accounts>", about: "the worst so many (default: 1000)", parse: wholeFrom(1) },
      ],
      notes: ["Minutes are the share of failures times the time. Counts of accounts are kept for 14 days."],
      examples: ["rollout impact 2026-11-autumn", "rollout impact 2026-11-autumn --csv > hurt.csv"],
      run: async (session) => {
        const { words, terminal } = session;
        const query = { limit: words.number("limit") };
        if (words.on("csv")) {
          const path = pathOf(session, "/impact");
          const { value } = await session.api().send(ImpactSchema, { method: "GET", path, query });
          terminal.out.write(impactCsv(value.items));
          return;
        }
        await showWholeList(session, {
          item: HurtAccountSchema,
          request: { path: pathOf(session, "/impact"), query },
          noun: ["account", "accounts"],
          render: renderImpact,
        });
      },
    },
    context,
  );
}

function renderImpact(items: readonly HurtAccountView[]): string {
  return renderTable(
    ["account", "product", "minutes", "failures", "requests", "put back", "by"],
    items.map(({ account, product, minutes, failures, requests, putBackAt, putBackBy }) => [
      account,
      product,
      minutes,
      failures,
      requests,
      putBackAt === null ? "no" : instant(putBackAt),
      putBackBy,
    ]),
  );
}

/** No field can hold a comma, a quote or a line's end: slugs, names, numbers and instants. Exported for its test. */
export function impactCsv(items: readonly HurtAccountView[]): string {
  const lines = items.map((item) => COLUMNS.map((name) => item[name] ?? "").join(","));
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}
