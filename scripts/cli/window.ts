/**
 * `window`: named maintenance windows. Written from flags (one window) or a file (one or several); the answer shows the
 * next three openings, local and UTC, so that a mistake shows before a night does.
 */
import type { Command } from "commander";
import {
  CalendarNameSchema,
  StoredWindowSchema,
  WindowPutSchema,
  type OpeningView,
  type StoredWindow,
} from "../../src/contracts/api/calendar.ts";
import { WEEKDAYS } from "../../src/contracts/calendar.ts";
import { commaList, oneOf, toInput, toWallClock, toZone, word } from "./arguments.ts";
import { change } from "./change.ts";
import { usageFailure } from "./failure.ts";
import { showWholeList } from "./lists.ts";
import { readJsonFile } from "./json-file.ts";
import { clean, instant, renderFields, renderTable } from "./render.ts";
import {
  addObject,
  addVerb,
  print,
  type ArgumentSpec,
  type OptionSpec,
  type ProgramContext,
  type Session,
} from "./verb.ts";

/** Name of a window or a freeze. */
export const CALENDAR_NAME: ArgumentSpec = {
  name: "<name>",
  about: "its name",
  parse: word(CalendarNameSchema),
};

const FLAGS = ["days", "nth", "from", "to", "zone"] as const;
const PUT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--days <days>",
    about: "weekdays it starts on, mon to sun, apart by commas (default: every day, or as --nth says)",
    parse: commaList(oneOf(...WEEKDAYS)),
  },
  {
    flags: "--nth <weekdays>",
    about: "weekdays of the month it starts on: 1 to 5 or last, as in 2-tue,last-sat (default: every week)",
    parse: commaList(String),
  },
  {
    flags: "--from <HH:MM>",
    about: "wall clock at which it starts (needed without --file)",
    parse: toWallClock,
  },
  {
    flags: "--to <HH:MM>",
    about: "wall clock at which it ends; at or before --from: the next day (needed without --file)",
    parse: toWallClock,
  },
  {
    flags: "--zone <zone>",
    about: "IANA zone, or `account` for each account's own (default: account)",
    parse: toZone("account"),
  },
  {
    flags: "--file <file>",
    about: "JSON instead of flags: one window or a list; - is standard input (default: the flags)",
  },
];

export function addWindow(program: Command, context: ProgramContext): void {
  const object = addObject(program, "window", {
    summary: "maintenance windows: list, show, put, delete",
    alias: "windows",
  });
  addReading(object, context);
  addVerb(
    object,
    {
      name: "put",
      summary: "add a window, or replace one",
      arguments: [CALENDAR_NAME],
      options: PUT_OPTIONS,
      changes: true,
      writes: true,
      notes: ["Any window of a name allows. Going back (rollback, quarantine) waits for none."],
      examples: [
        "window put weekend-nights --days fri,sat --from 22:00 --to 04:00 --zone account",
        "window put patch-night --nth 2-tue --from 01:00 --to 05:00 --zone America/New_York",
        "window put nights --file nights.json --dry-run",
      ],
      run: putWindow,
    },
    context,
  );
  addVerb(
    object,
    {
      name: "delete",
      summary: "delete a window that nothing refers to",
      arguments: [CALENDAR_NAME],
      changes: true,
      reason: true,
      writes: true,
      examples: ['window delete patch-night --reason "replaced by weekend-nights"'],
      run: (session) =>
        change(session, {
          schema: StoredWindowSchema,
          request: {
            method: "DELETE",
            path: pathOf(session),
            query: { reason: session.words.text("reason") },
          },
          render: ({ name }) => `Deleted window ${name}.\n`,
        }),
    },
    context,
  );
}

function addReading(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "list",
      summary: "all windows and when each opens next",
      examples: ["window list"],
      run: (session) =>
        showWholeList(session, {
          item: StoredWindowSchema,
          request: { path: "/windows" },
          noun: ["window", "windows"],
          render: renderWindows,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "show",
      summary: "one window and its next three openings",
      arguments: [CALENDAR_NAME],
      examples: ["window show weekend-nights"],
      run: async (session) =>
        print(
          session,
          await session.api().send(StoredWindowSchema, { method: "GET", path: pathOf(session) }),
          renderWindow,
        ),
    },
    context,
  );
}

async function putWindow(session: Session): Promise<void> {
  const { words } = session;
  const file = words.maybe("file");
  const given = FLAGS.filter((flag) => words.value(flag) !== undefined);
  if (file !== undefined && given.length > 0)
    throw usageFailure(`--file and --${given[0]} exclude each other.`, "Put everything into the file.");
  const windows = file === undefined ? fromFlags(session) : await readJsonFile(session.terminal, file);
  const body = toInput(WindowPutSchema, isWrapped(windows) ? windows : { windows });
  const found = await session.api().find(StoredWindowSchema, { method: "GET", path: pathOf(session) });
  await change(session, {
    schema: StoredWindowSchema,
    request: { method: "PUT", path: pathOf(session), body },
    current: found === null ? null : { fields: found.value, revision: found.value.revision },
    render: renderWindow,
  });
}

/** A file may also hold what `--json` prints. */
function isWrapped(value: unknown): value is { readonly windows: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "windows" in value;
}

function fromFlags({ words }: Session): unknown {
  const [from, to] = [words.maybe("from"), words.maybe("to")];
  if (from === undefined || to === undefined)
    throw usageFailure("A window needs --from and --to, or --file.");
  const nth = words.texts("nth");
  return {
    ...(words.texts("days") === undefined ? {} : { days: words.texts("days") }),
    ...(nth === undefined ? {} : { nth: nth.map(toNth) }),
    from,
    to,
    zone: words.maybe("zone") ?? "account",
  };
}

/** `2-tue` or `last-sat`. The schema says what is wrong with its parts. */
function toNth(text: string): unknown {
  const at = text.indexOf("-");
  if (at < 1) throw usageFailure(`--nth ${text}: write it as 2-tue or last-sat.`);
  const week = text.slice(0, at);
  return { week: /^\d+$/.test(week) ? Number(week) : week, weekday: text.slice(at + 1) };
}

function pathOf({ words }: Session): string {
  return `/windows/${encodeURIComponent(words.text("name"))}`;
}

type One = StoredWindow["windows"][number];

function windowText({ days, nth, from, to, zone }: One): string {
  const on = [
    ...(days === undefined ? [] : [days.join(", ")]),
    ...(nth ?? []).map(({ week, weekday }) => `${week} ${weekday} of the month`),
  ];
  const whose = zone === "account" ? "each account's own time" : zone;
  return `${on.length === 0 ? "every day" : on.join(", ")} ${from}-${to}, ${whose}`;
}

function renderWindows(windows: readonly StoredWindow[]): string {
  return renderTable(
    ["window", "when", "opens next", "zone", "revision"],
    windows.map(({ name, windows: all, next, revision }) => [
      name,
      all.map(windowText).join("; "),
      next[0]?.start.local ?? null,
      next[0]?.zone ?? null,
      revision,
    ]),
  );
}

function renderWindow(window: StoredWindow): string {
  const { name, windows, next, by, at, revision } = window;
  const fields = renderFields([
    ["window", name],
    ["when", windows.map(windowText)],
    ["written", clean(`${by}, ${instant(at)}`)],
    ["revision", revision],
  ]);
  return `${fields}\n${renderOpenings(next)}`;
}

function renderOpenings(next: readonly OpeningView[]): string {
  if (next.length === 0) return "It does not open any more: write it again.\n";
  return renderTable(
    ["opens next", "until", "zone", "UTC", "until UTC"],
    next.map(({ start, end, zone }) => [start.local, end.local, zone, start.utc, end.utc]),
  );
}
