/**
 * The accounts of a directory: read line by line (NDJSON, or CSV through the columns of `accounts import`), checked, and
 * compared with those there are. An account's home is never changed by a file: where it says another one than is recorded
 * that is told and left alone, because accounts change version by a rollout. Memory: one short text an account there is.
 */
import { join } from "node:path";
import {
  ImportLineSchema,
  UnreadableLineSchema,
  type ImportLine,
} from "../../../src/contracts/api/accounts.ts";
import { physicalLines } from "../adoption/physical-lines.ts";
import { csvToLines } from "../csv-accounts.ts";
import { openForReading } from "../file-stream.ts";
import { sortedJson, type FieldChange } from "../render.ts";
import { accountLine } from "./live.ts";
import type { Mistake } from "./read.ts";

/** A line of the file with its number there. */
export interface AccountRow {
  readonly line: number;
  readonly account: ImportLine;
}

/** Yields the accounts of a file; lines that cannot be read go to `mistakes`. @throws Failure when the file cannot be. */
export async function* readAccountRows(
  root: string,
  file: string,
  mistake: (found: Mistake) => void,
): AsyncGenerator<AccountRow> {
  const source = openForReading(join(root, file));
  const stream = file.endsWith(".csv") ? csvToLines(source) : source;
  let line = 0;
  for await (const text of physicalLines(stream)) {
    line += 1;
    if (text.trim() === "") continue;
    const value = parseJson(text);
    const parsed = ImportLineSchema.safeParse(value);
    if (parsed.success) yield { line, account: parsed.data };
    else if (value === undefined) mistake({ file, line, message: "is not JSON" });
    else if (UnreadableLineSchema.safeParse(value).success)
      mistake({ file, line, message: UnreadableLineSchema.parse(value).unreadable });
    else
      for (const { path, message } of parsed.error.issues)
        mistake({ file, line, message: `${path.join(".") || "the account"}: ${message}` });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a line does to the account there is. */
export interface AccountDifference {
  readonly changes: readonly FieldChange[];
  /** Products whose recorded home is another one than the file says; left alone. */
  readonly homesLeft: readonly string[];
  /** What to send: as written, without homes that are not to be changed. */
  readonly send: ImportLine;
}

const FIELDS = ["timeZone", "cohort", "labels", "cell"] as const;

/**
 * Compares a line with the account there is. What a line leaves out stays as it is.
 * @param present as `accountLine` gives it; null: there is none, and everything in the line is new.
 */
export function compareAccount(written: ImportLine, present: ImportLine | null): AccountDifference {
  if (present === null) {
    const { account: _, ...fields } = written;
    return { changes: fieldsOf(fields, {}), homesLeft: [], send: written };
  }
  const { homes = {}, ...rest } = written;
  const before = present.homes ?? {};
  const products = written.products ?? Object.keys(before);
  const homesLeft = Object.keys(homes).filter(
    (product) =>
      before[product] !== undefined && before[product] !== homes[product] && products.includes(product),
  );
  const added = Object.entries(homes).filter(
    ([product]) => before[product] === undefined && products.includes(product),
  );
  const send: ImportLine = added.length === 0 ? rest : { ...rest, homes: Object.fromEntries(added) };
  const after = {
    ...Object.fromEntries(
      FIELDS.flatMap((field) => (written[field] === undefined ? [] : [[field, written[field]]])),
    ),
    ...(written.domains === undefined ? {} : { domains: byHost(written.domains) }),
    ...(written.products === undefined ? {} : { products: written.products.toSorted() }),
  };
  return { changes: fieldsOf(after, { ...present }), homesLeft, send };
}

function byHost(domains: NonNullable<ImportLine["domains"]>): NonNullable<ImportLine["domains"]> {
  return domains.toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

function fieldsOf(
  after: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
): readonly FieldChange[] {
  return Object.entries(after)
    .filter(([field, to]) => to !== undefined && sortedJson(before[field]) !== sortedJson(to))
    .map(([field, to]) => ({ field, from: before[field], to }));
}

/** The accounts there are, each as one text until it is asked for. */
export interface PresentAccounts {
  get(slug: string): ImportLine | "deleted" | null;
}

/** Collects accounts as the instance lists them. */
export async function collectAccounts(
  accounts: AsyncIterable<Parameters<typeof accountLine>[0]>,
): Promise<PresentAccounts> {
  const texts = new Map<string, string | null>();
  for await (const each of accounts)
    texts.set(each.account, each.deleted === null ? JSON.stringify(accountLine(each)) : null);
  return {
    get(slug) {
      const text = texts.get(slug);
      if (text === null) return "deleted";
      return text === undefined ? null : ImportLineSchema.parse(JSON.parse(text));
    },
  };
}
