/**
 * `preflight settings`: how the versions of a product are probed. Without options it shows them; with options it changes
 * those that are named and leaves the others.
 */
import type { Command } from "commander";
import { z } from "zod";
import { CellSchema } from "../../src/contracts/api/common.ts";
import { OwnProbeSchema, PreflightSettingsSchema, PresetSchema } from "../../src/contracts/api/preflight.ts";
import { StoredSettingsSchema } from "../../src/contracts/api/preflight-runs.ts";
import { commaList, oneOf, repeated, splitPair, toInput, toSlug, word } from "./arguments.ts";
import { change } from "./change.ts";
import { readJsonFile } from "./json-file.ts";
import { renderSettings } from "./preflight-render.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { addVerb, printJson, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const SETTINGS_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--presets <presets>",
    about: `load balancers in front, apart by commas: ${PresetSchema.options.join(", ")}`,
    parse: commaList(oneOf(...PresetSchema.options)),
  },
  {
    flags: "--synthetic <account>",
    about: "an account of your own that versions may be asked about; `none` for none",
    parse: (text) => (text === "none" ? text : toSlug(text)),
  },
  {
    flags: "--synthetic-in <cell=account>",
    about: "the same for one cell, repeatable; replaces the list",
    parse: repeated((text: string) => splitPair(text, "CELL=ACCOUNT, as in eu1=probe-eu")),
  },
  {
    flags: "--cells <cells>",
    about: "cells to probe, apart by commas; `all` for those that accounts are in",
    parse: commaList(word(CellSchema)),
  },
  { flags: "--own <file>", about: "JSON list of own probes; replaces the list (- is standard input)" },
];
const OwnListSchema = z.array(OwnProbeSchema);

/** Adds `preflight settings`. */
export function addPreflightSettings(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "settings",
      summary: "how the versions of a product are probed; with options: change it",
      unsaid: "as it is",
      arguments: [PRODUCT_ARGUMENT],
      options: SETTINGS_OPTIONS,
      changes: true,
      writes: true,
      notes: ["What is not named stays as it is. A change makes runs made before count no more."],
      examples: [
        "preflight settings kiln",
        "preflight settings kiln --presets haproxy,alb --synthetic firebreak-probe",
        "preflight settings kiln --own probes.json --dry-run",
      ],
      run: settings,
    },
    context,
  );
}

async function settings(session: Session): Promise<void> {
  const { words } = session;
  const path = `/products/${encodeURIComponent(words.text("product"))}/preflight`;
  const found = await session.api().send(StoredSettingsSchema, { method: "GET", path });
  const named = await namedSettings(session);
  if (Object.keys(named).length === 0) {
    if (session.json) printJson(session, found.raw);
    else session.terminal.out.write(renderSettings(found.value));
    return;
  }
  // The raw answer, not the parsed one: ranges of own probes are texts on the wire.
  const present = RawSettingsSchema.parse(found.raw).settings;
  const body = { ...present, ...named };
  toInput(PreflightSettingsSchema, body);
  await change(session, {
    schema: StoredSettingsSchema,
    request: { method: "PUT", path, body },
    current: { fields: present, revision: found.value.revision },
    render: renderSettings,
  });
}

const RawSettingsSchema = z.object({ settings: z.record(z.string(), z.unknown()) });

async function namedSettings({ words, terminal }: Session): Promise<Record<string, unknown>> {
  const [presets, synthetic, cells] = [
    words.texts("presets"),
    words.maybe("synthetic"),
    words.texts("cells"),
  ];
  const byCell = words.value("syntheticIn");
  const own = words.maybe("own");
  const probes = own === undefined ? undefined : await readJsonFile(terminal, own);
  if (probes !== undefined) toInput(OwnListSchema, probes);
  return {
    ...(presets === undefined ? {} : { presets }),
    ...(synthetic === undefined ? {} : { syntheticAccount: synthetic === "none" ? null : synthetic }),
    ...(Array.isArray(byCell) ? { syntheticByCell: Object.fromEntries(byCell.filter(isPair)) } : {}),
    ...(cells === undefined ? {} : { cells: cells.length === 1 && cells[0] === "all" ? [] : cells }),
    ...(probes === undefined ? {} : { own: probes }),
  };
}

function isPair(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2;
}
