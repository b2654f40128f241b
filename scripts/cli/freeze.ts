/** `freeze`: times in which nothing in a scope moves forward. The answer shows when one holds, local and UTC. */
import type { Command } from "commander";
import {
  FreezeInputSchema,
  StoredFreezeSchema,
  type StoredFreeze,
} from "../../src/contracts/api/calendar.ts";
import { CellSchema } from "../../src/contracts/api/common.ts";
import {
  commaList,
  repeated,
  splitPair,
  toInput,
  toLocalDate,
  toProduct,
  toZone,
  word,
} from "./arguments.ts";
import { change } from "./change.ts";
import { showWholeList } from "./lists.ts";
import { clean, instant, pairs, renderFields, renderTable } from "./render.ts";
import { addObject, addVerb, print, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";
import { CALENDAR_NAME } from "./window.ts";

const PUT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--from <date>",
    about: "local date or date-time without offset",
    parse: toLocalDate,
    required: true,
  },
  {
    flags: "--to <date>",
    about: "local date (frozen to its end) or date-time (frozen until then)",
    parse: toLocalDate,
    required: true,
  },
  {
    flags: "--zone <zone>",
    about: "IANA zone, or `account` for each account's own",
    parse: toZone("account"),
    preset: "account",
  },
  {
    flags: "--products <products>",
    about: "only moves of these, apart by commas (default: all)",
    parse: commaList(toProduct),
  },
  {
    flags: "--label <key=value>",
    about: "only accounts that carry it, repeatable: all of them (default: all accounts)",
    parse: repeated((text: string) => splitPair(text, "KEY=VALUE, as in tier=gold")),
  },
  {
    flags: "--cells <cells>",
    about: "only accounts in these, apart by commas (default: all)",
    parse: commaList(word(CellSchema)),
  },
];

export function addFreeze(program: Command, context: ProgramContext): void {
  const object = addObject(program, "freeze", {
    summary: "times without forward moves: list, show, put, delete",
    alias: "freezes",
  });
  addReading(object, context);
  addVerb(
    object,
    {
      name: "put",
      summary: "add a freeze, or replace one; running rollouts keep to it from their next tick",
      arguments: [CALENDAR_NAME],
      options: PUT_OPTIONS,
      changes: true,
      reason: true,
      writes: true,
      notes: ["Any freeze forbids, whatever a window allows. Going back is always possible."],
      examples: [
        'freeze put year-end --from 2026-12-20 --to 2027-01-03 --reason "year-end close"',
        'freeze put launch --from 2026-12-01T08:00 --to 2026-12-01T20:00 --zone Europe/Berlin --products kiln --label tier=gold --reason "launch day"',
      ],
      run: putFreeze,
    },
    context,
  );
  addVerb(
    object,
    {
      name: "delete",
      summary: "delete a freeze; what it held back may move again",
      arguments: [CALENDAR_NAME],
      changes: true,
      reason: true,
      writes: true,
      examples: ['freeze delete launch --reason "launch is over"'],
      run: (session) =>
        change(session, {
          schema: StoredFreezeSchema,
          request: {
            method: "DELETE",
            path: pathOf(session),
            query: { reason: session.words.text("reason") },
          },
          render: ({ name }) => `Deleted freeze ${name}.\n`,
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
      summary: "all freezes, those that are over too",
      examples: ["freeze list"],
      run: (session) =>
        showWholeList(session, {
          item: StoredFreezeSchema,
          request: { path: "/freezes" },
          noun: ["freeze", "freezes"],
          render: renderFreezes,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "show",
      summary: "one freeze and when it holds",
      arguments: [CALENDAR_NAME],
      examples: ["freeze show year-end"],
      run: async (session) =>
        print(
          session,
          await session.api().send(StoredFreezeSchema, { method: "GET", path: pathOf(session) }),
          renderFreeze,
        ),
    },
    context,
  );
}

async function putFreeze(session: Session): Promise<void> {
  const { words } = session;
  const [products, labels, cells] = [words.texts("products"), words.value("label"), words.texts("cells")];
  const body = toInput(FreezeInputSchema, {
    from: words.text("from"),
    to: words.text("to"),
    zone: words.text("zone"),
    scope: {
      ...(products === undefined ? {} : { products }),
      ...(Array.isArray(labels) ? { labels: Object.fromEntries(labels.filter(isPair)) } : {}),
      ...(cells === undefined ? {} : { cells }),
    },
    reason: words.text("reason"),
  });
  const found = await session.api().find(StoredFreezeSchema, { method: "GET", path: pathOf(session) });
  await change(session, {
    schema: StoredFreezeSchema,
    request: { method: "PUT", path: pathOf(session), body },
    current: found === null ? null : { fields: found.value, revision: found.value.revision },
    render: renderFreeze,
  });
}

function isPair(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2;
}

function pathOf({ words }: Session): string {
  return `/freezes/${encodeURIComponent(words.text("name"))}`;
}

function scopeText({ scope: { products, labels, cells } }: StoredFreeze): string {
  const parts = [
    ...(products === undefined ? [] : [products.join(", ")]),
    ...(labels === undefined ? [] : [pairs(labels)]),
    ...(cells === undefined ? [] : [`cells ${cells.join(", ")}`]),
  ];
  return parts.length === 0 ? "everything" : parts.join("; ");
}

function renderFreezes(freezes: readonly StoredFreeze[]): string {
  return renderTable(
    ["freeze", "state", "from", "to", "zone", "covers", "reason"],
    freezes.map((freeze) => [
      freeze.name,
      freeze.span?.state ?? "zone is not known",
      freeze.from,
      freeze.to,
      freeze.zone,
      scopeText(freeze),
      freeze.reason,
    ]),
  );
}

function renderFreeze(freeze: StoredFreeze): string {
  const { span } = freeze;
  return renderFields([
    ["freeze", freeze.name],
    ["from, to", `${freeze.from}, ${freeze.to} (${freeze.zone})`],
    ["covers", scopeText(freeze)],
    ["reason", freeze.reason],
    ["state", span?.state ?? "its zone is not known any more: write it again"],
    [
      "holds",
      span === null
        ? []
        : [
            `${span.start.local} to ${span.end.local} (${span.zone})`,
            `${span.start.utc} to ${span.end.utc} (UTC)`,
          ],
    ],
    ["written", clean(`${freeze.by}, ${instant(freeze.at)}`)],
    ["revision", freeze.revision],
  ]);
}
