/** `accounts history ACCOUNT`: which version answered an account since when, and why it changed. Reads only. */
import type { Command } from "commander";
import { AccountMoveSchema, type MoveRow } from "../../src/contracts/api/history.ts";
import type { MoveCause } from "../../src/contracts/history-port.ts";
import { ACCOUNT_ARGUMENT, accountPath } from "./account.ts";
import { toProduct } from "./arguments.ts";
import { PAGE_OPTIONS, showList } from "./lists.ts";
import { instant, renderTable } from "./render.ts";
import { addVerb, type ProgramContext } from "./verb.ts";

/** How each cause reads in a table. */
const WHY: Readonly<Record<MoveCause, string>> = {
  recorded: "here when the record begins",
  created: "became known",
  removed: "forgotten, its slug is free",
  product: "got or lost the product",
  rollout: "moved",
  "rolled-back": "moved back",
  pin: "pinned",
  unpin: "pin ended",
  quarantine: "quarantine",
  unquarantine: "quarantine ended",
  replacement: "hotfix in place of its version",
  "break-glass": "break-glass",
  home: "home written",
  fleet: "today's fleet answers",
  active: "Firebreak answers, not today's fleet",
};

export function addAccountHistory(accounts: Command, context: ProgramContext): void {
  addVerb(
    accounts,
    {
      name: "history",
      summary: "the moves of an account: from which version to which, when, why and by whom",
      arguments: [ACCOUNT_ARGUMENT],
      options: [
        { flags: "--product <product>", about: "only of this product (default: all)", parse: toProduct },
        ...PAGE_OPTIONS,
      ],
      notes: [
        "A move counts from its publication; edges learn of it within about a minute, idle ones within three.",
        "Holds are no moves; see `audit list --target account/ACCOUNT`.",
      ],
      examples: ["accounts history acme", "accounts history acme --product kiln --json"],
      run: (session) =>
        showList(session, {
          item: AccountMoveSchema,
          request: {
            path: `${accountPath(session)}/history`,
            query: { product: session.words.maybe("product") },
          },
          noun: ["move", "moves"],
          render: renderMoves,
        }),
    },
    context,
  );
}

/** Moves as a table; exported for its test. */
export function renderMoves(moves: readonly MoveRow[]): string {
  return renderTable(
    ["when", "product", "from", "to", "why", "by", "reason", "generation"],
    moves.map(({ at, product, from, to, why, rollout, by, reason, generation }) => [
      instant(at),
      product,
      from,
      to,
      rollout === null ? WHY[why] : `${WHY[why]} by ${rollout}`,
      by,
      reason,
      generation,
    ]),
  );
}
