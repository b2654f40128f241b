/**
 * What the directory's file of accounts would change: only lines that differ are kept, each with its number in the file,
 * so that what was shown is what is sent and a refusal names a line that people can open. Removes nobody.
 */
import type { ImportLine } from "../../../src/contracts/api/accounts.ts";
import { compareAccount, readAccountRows, type AccountRow, type PresentAccounts } from "./accounts.ts";
import { checkAccount, type World } from "./check.ts";
import type { PlanItem } from "./plan.ts";
import type { Mistake } from "./read.ts";

export interface AccountsPlan {
  readonly file: string;
  /** What to send, with the line it stands on in the file. */
  readonly lines: readonly { readonly line: number; readonly text: string }[];
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  /** The first few, for people. */
  readonly shown: readonly PlanItem[];
  readonly slugs: ReadonlySet<string>;
  readonly mistakes: readonly Mistake[];
  readonly notes: readonly string[];
}

const MAX_SHOWN = 20;
/** More are counted by nobody: the first ones say what is wrong with the file. */
const MAX_MISTAKES = 1000;

/** Reads and compares the whole file. @throws Failure when it cannot be read. */
export async function planAccounts(
  place: { readonly root: string; readonly file: string },
  present: PresentAccounts,
  world: World,
): Promise<AccountsPlan> {
  const { root, file } = place;
  const mistakes: Mistake[] = [];
  const mistake = (found: Mistake): void => void (mistakes.length < MAX_MISTAKES && mistakes.push(found));
  const lines: { line: number; text: string }[] = [];
  const shown: PlanItem[] = [];
  const lineOf = new Map<string, number>();
  const sums = { added: 0, changed: 0, unchanged: 0, homesLeft: 0 };
  for await (const row of readAccountRows(root, file, mistake)) {
    const { line, account } = row;
    const before = present.get(account.account);
    const wrong = wrongWith(row, { before, world, other: lineOf.get(account.account) });
    for (const message of wrong) mistake({ file, line, message });
    lineOf.set(account.account, line);
    if (wrong.length > 0 || before === "deleted") continue;
    const { changes, homesLeft, send } = compareAccount(account, before);
    sums.homesLeft += homesLeft.length > 0 ? 1 : 0;
    if (before !== null && changes.length === 0) sums.unchanged += 1;
    else {
      sums[before === null ? "added" : "changed"] += 1;
      lines.push({ line, text: JSON.stringify(send) });
      const mark = before === null ? "+" : "~";
      if (shown.length < MAX_SHOWN)
        shown.push({ mark, key: `account/${account.account}`, changes, accounts: 0 });
    }
  }
  const { homesLeft, ...counts } = sums;
  return {
    file,
    lines,
    shown,
    mistakes,
    ...counts,
    slugs: new Set(lineOf.keys()),
    notes: homesNote(homesLeft),
  };
}

function homesNote(homesLeft: number): readonly string[] {
  if (homesLeft === 0) return [];
  const who = homesLeft === 1 ? "1 account is" : `${homesLeft.toLocaleString("en-US")} accounts are`;
  return [`${who} on another version than the file says: left alone. Accounts change version by a rollout.`];
}

interface Beside {
  readonly before: ImportLine | "deleted" | null;
  readonly world: World;
  /** Line that names the same account. */
  readonly other: number | undefined;
}

function wrongWith({ account }: AccountRow, { before, world, other }: Beside): readonly string[] {
  if (other !== undefined) return [`${account.account} is on line ${other} already: keep one of them`];
  if (before === "deleted")
    return [`${account.account} was deleted and its name is kept for 90 days: take the line out`];
  const { homes = {}, products = Object.keys(homes) } = account;
  const had = before?.homes ?? {};
  const added = products.filter((product) => had[product] === undefined);
  return checkAccount(account, Object.fromEntries(added.map((each) => [each, homes[each] ?? null])), world);
}
