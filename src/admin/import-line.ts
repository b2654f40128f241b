/**
 * Parses one line of an import or sync: JSON, then the schema. Pure; refuses with a reason a person can act on.
 * It must not repeat the line itself, which may hold anything. Called a million times an import, so what every line pays
 * for is kept small: one parse, one schema, nothing built for a good line but its result.
 */
import { ImportLineSchema, UnreadableLineSchema, type ImportLine } from "../contracts/api/accounts.ts";
import type { NumberedLine, RejectedLine } from "../contracts/import-port.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import { describeLine } from "./issues.ts";
import { FORBIDDEN_NAME, parseJsonText } from "./json-text.ts";
import type { Line } from "./ndjson-lines.ts";

const MAX_SHOWN_CHARS = 100;

const WHY_NOT = {
  "not-json": "is not JSON: send one object a line",
  "forbidden-name": `has a member called ${FORBIDDEN_NAME}: nothing can have that name`,
} as const;

/** The account of a line, or why it is none; `account` is then what it calls itself, when that can be read. */
export function parseImportLine({ line, text, fault }: Line): Result<NumberedLine, RejectedLine> {
  if (text === null) return err({ line, account: null, reason: fault });
  const read = parseJsonText(text);
  if (!read.ok) return err({ line, account: null, reason: WHY_NOT[read.error] });
  const { value } = read;
  const parsed = ImportLineSchema.safeParse(value);
  if (!parsed.success)
    return err(
      rejectLine(line, value) ?? { line, account: nameOf(value), reason: describeLine(parsed.error) },
    );
  const account: ImportLine = parsed.data;
  return ok({ line, account });
}

/** What the sender itself says is wrong with the line; null when it says nothing. */
function rejectLine(line: number, value: unknown): RejectedLine | null {
  const said = UnreadableLineSchema.safeParse(value);
  return said.success ? { line, account: said.data.account ?? null, reason: said.data.unreadable } : null;
}

function nameOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !("account" in value)) return null;
  return typeof value.account === "string" ? value.account.slice(0, MAX_SHOWN_CHARS) : null;
}
