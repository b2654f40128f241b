/**
 * Reading lists: whole ones, and pages with a cursor. Called by every `list` verb.
 * `--all` follows the cursors; without it one page is shown and the way to the next is said on standard error.
 */
import { z } from "zod";
import { wholeBetween } from "./arguments.ts";
import type { Address, Parser } from "./client.ts";
import { count } from "./render.ts";
import type { OptionSpec, Session } from "./verb.ts";
import { printJson } from "./verb.ts";

export const PAGE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--limit <number>",
    about: "how many at most on one page, 1 to 1000",
    parse: wholeBetween(1, 1000),
    preset: 100,
  },
  {
    flags: "--cursor <cursor>",
    about: "go on after the page that gave this cursor (default: from the first)",
  },
  { flags: "--all", about: "every page" },
];

const LARGEST_PAGE = 1000;

/** A page as lists answer; `items` and their raw JSON run in step. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly rawItems: readonly unknown[];
  readonly cursor: string | null;
}

const RawPageSchema = z.object({ items: z.array(z.unknown()), cursor: z.string().nullable().default(null) });

/** Reads one page. A list without pages answers the same with a null cursor. */
export async function readPage<T>(session: Session, item: Parser<T>, request: Address): Promise<Page<T>> {
  const schema: Parser<{ items: T[]; cursor: string | null }> = {
    safeParse: (value) =>
      z
        .object({ items: z.array(itemSchema(item)), cursor: z.string().nullable().default(null) })
        .safeParse(value),
  };
  const answer = await session.api().send(schema, { method: "GET", ...request });
  return { ...answer.value, rawItems: RawPageSchema.parse(answer.raw).items };
}

/** A schema around any parser, with its own issues. */
function itemSchema<T>(item: Parser<T>) {
  return z.unknown().transform((value, context): T => {
    const parsed = item.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues)
      context.addIssue({ code: "custom", message, path: [...path] });
    return z.NEVER;
  });
}

/** Every page, one after the other. */
export async function* readPages<T>(
  session: Session,
  item: Parser<T>,
  request: Address,
): AsyncGenerator<Page<T>> {
  let cursor: string | null | undefined;
  do {
    const query = { ...request.query, limit: LARGEST_PAGE, cursor: cursor ?? undefined };
    const page: Page<T> = await readPage(session, item, { path: request.path, query });
    yield page;
    cursor = page.cursor;
  } while (cursor !== null);
}

/** What a list shows: its rows, and what it counts. */
export interface ListView<T> {
  readonly item: Parser<T>;
  readonly request: Address;
  readonly noun: readonly [one: string, many: string];
  render(items: readonly T[]): string;
}

/** Shows one page, or with `--all` every page. For programs always `{ items, cursor }`. */
export async function showList<T>(session: Session, view: ListView<T>): Promise<void> {
  const { words } = session;
  const query = { ...view.request.query, limit: words.number("limit"), cursor: words.maybe("cursor") };
  if (!words.on("all")) {
    showPage(session, view, await readPage(session, view.item, { path: view.request.path, query }));
    return;
  }
  const items: T[] = [];
  const rawItems: unknown[] = [];
  for await (const page of readPages(session, view.item, view.request)) {
    items.push(...page.items);
    rawItems.push(...page.rawItems);
  }
  showPage(session, view, { items, rawItems, cursor: null });
}

/** Shows a list that has no pages. */
export async function showWholeList<T>(session: Session, view: ListView<T>): Promise<void> {
  showPage(session, view, await readPage(session, view.item, view.request));
}

function showPage<T>(session: Session, view: ListView<T>, page: Page<T>): void {
  if (session.json) {
    printJson(session, { items: page.rawItems, cursor: page.cursor });
    return;
  }
  const { out, err } = session.terminal;
  if (page.items.length === 0) err.write(`No ${view.noun[1]}.\n`);
  else out.write(view.render(page.items));
  if (page.cursor !== null) {
    err.write(
      `${count(page.items.length, ...view.noun)} shown; more with --cursor ${page.cursor} or --all.\n`,
    );
  }
}
