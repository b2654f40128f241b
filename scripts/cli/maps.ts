/**
 * `maps dump|verify|diff|load`: the published maps outside of KV. `dump` asks the API; the others work offline on files,
 * for the hour in which neither the API nor the control plane answers.
 */
import { dirname } from "node:path";
import type { Command } from "commander";
import { oneOf, wholeFrom } from "./arguments.ts";
import { saveLines } from "./backup.ts";
import { RUN } from "./command-line.ts";
import { cliFailure, EXIT_FAILED } from "./failure.ts";
import { STANDARD } from "./file-stream.ts";
import { readDump } from "./maps-dump.ts";
import { addMapsExport } from "./maps-export.ts";
import { badMaps, openGood } from "./maps-good.ts";
import {
  countMoved,
  isSubstantial,
  movedBetween,
  rootDifferences,
  sideOf,
  type Moved,
  type RootDifference,
} from "./maps-diff.ts";
import { differenceText } from "./maps-diff-words.ts";
import { loadCommands, loadFiles, planLoad, writeLoad, type LoadTarget } from "./maps-load.ts";
import { verifyMaps, type MapsSummary } from "./maps-verify.ts";
import { count, renderFields, renderTable } from "./render.ts";
import {
  addObject,
  addVerb,
  printJson,
  type ArgumentSpec,
  type ProgramContext,
  type Session,
} from "./verb.ts";

const DUMP_ARGUMENT: ArgumentSpec = { name: "<file>", about: "dump: NDJSON or JSON array of { key, value }" };

export function addMaps(program: Command, context: ProgramContext): void {
  const object = addObject(program, "maps", { summary: "published maps: dump, verify, diff, export, load" });
  addDump(object, context);
  addVerify(object, context);
  addDiff(object, context);
  addMapsExport(object, context);
  addLoad(object, context);
}

function addDump(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "dump",
      summary: "write the published maps as NDJSON of { key, value }",
      options: [
        { flags: "--out <file>", about: "where to (default: standard output)", preset: STANDARD },
        {
          flags: "--generation <number>",
          about: "an older root that is still kept (default: the published one)",
          parse: wholeFrom(1),
        },
      ],
      streams: true,
      examples: ["maps dump --out maps.ndjson", "maps dump --generation 4711 --out before.ndjson"],
      run: async (session) => {
        const file = session.words.text("out");
        const query = { generation: session.words.number("generation") };
        const answer = await session.api().stream({ method: "GET", path: "/maps", query });
        const entries = await saveLines(session, { answer, file, label: "Dump" });
        if (file === STANDARD) return;
        if (session.json) printJson(session, { file, entries });
        else
          session.terminal.out.write(
            `Wrote ${count(entries, "entry", "entries")} to ${file}. Check it with \`${RUN}maps verify ${file}\`.\n`,
          );
      },
    },
    context,
  );
}

function addVerify(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "verify",
      summary: "check a dump as an edge would: hashes, limits, counts, every row decides; offline",
      arguments: [DUMP_ARGUMENT],
      offline: true,
      examples: ["maps verify maps.ndjson"],
      run: async (session) => {
        const result = verifyMaps(await readDump(session.words.text("file")));
        if (session.json) printJson(session, result);
        else if (result.summary !== null) session.terminal.out.write(renderSummary(result.summary));
        if (!result.ok) throw badMaps(session.words.text("file"), result);
      },
    },
    context,
  );
}

function renderSummary(summary: MapsSummary): string {
  const homes = Object.entries(summary.products).flatMap(([product, { homes: byVersion }]) =>
    Object.entries(byVersion).map(([version, accounts]) => [product, version, accounts] as const),
  );
  const fields = renderFields([
    ["generation", String(summary.generation)],
    ["published", summary.publishedAt],
    ["accounts", summary.accounts],
    ["custom domains", summary.domains],
    ["tombstones", summary.tombstones],
    ["shards", summary.shards],
    ["bytes", summary.bytes],
    ["entries not named", summary.unnamed],
    ...Object.entries(summary.products).map(
      ([name, product]) =>
        [name, `stable ${product.stable}, default (unknown accounts) ${product.default}`] as const,
    ),
  ]);
  return homes.length === 0 ? fields : `${fields}\n${renderTable(["product", "home", "accounts"], homes)}`;
}

function addDiff(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "diff",
      summary: "what would be different if B were served instead of A; offline",
      arguments: [
        { name: "<a>", about: "dump of the maps as they are" },
        { name: "<b>", about: "dump of the maps as they would be" },
      ],
      options: [
        { flags: "--exit-code", about: "exit 1 when they differ in more than generation and time" },
        {
          flags: "--limit <number>",
          about: "how many accounts to list (--json lists all)",
          parse: wholeFrom(0),
          preset: 20,
        },
      ],
      offline: true,
      examples: [
        "maps diff before.ndjson after.ndjson",
        "maps diff before.ndjson after.ndjson --exit-code --json",
      ],
      run: diffMaps,
    },
    context,
  );
}

async function diffMaps(session: Session): Promise<number> {
  const { words, terminal } = session;
  const a = sideOf((await openGood(words.text("a"))).maps, terminal.nowMs());
  const b = sideOf((await openGood(words.text("b"))).maps, terminal.nowMs());
  const root = rootDifferences(a, b);
  const moves = [...movedBetween(a, b)];
  const differ = moves.length > 0 || root.some(isSubstantial);
  if (session.json) printJson(session, { differ, root, counts: countMoved(moves), moves });
  else terminal.out.write(renderDifferences({ root, moves, limit: words.number("limit") ?? 0 }));
  return differ && words.on("exitCode") ? EXIT_FAILED : 0;
}

interface Differences {
  readonly root: readonly RootDifference[];
  readonly moves: readonly Moved[];
  readonly limit: number;
}

function renderDifferences({ root, moves, limit }: Differences): string {
  const parts = [
    root.length === 0
      ? "The roots are equal.\n"
      : `Root:\n${renderTable(
          ["field", "A", "B"],
          root.map(({ field, from, to }) => [field, differenceText(from, to), differenceText(to, from)]),
        )}`,
  ];
  if (moves.length === 0) return [...parts, "No account gets anything else.\n"].join("\n");
  const counts = countMoved(moves).map((each) => [
    each.product,
    each.from,
    each.to,
    each.accounts,
    each.domains,
  ]);
  parts.push(
    `Who gets something else:\n${renderTable(["product", "from", "to", "accounts", "domains"], counts)}`,
  );
  const shown = moves.slice(0, limit).map(({ key, product, from, to }) => [key, product, from, to]);
  if (shown.length > 0) parts.push(renderTable(["account or domain", "product", "from", "to"], shown));
  if (moves.length > shown.length)
    parts.push(
      `… and ${(moves.length - shown.length).toLocaleString("en-US")} more (--limit, or --json for all)\n`,
    );
  return parts.join("\n");
}

function addLoad(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "load",
      summary: "turn a dump into the files and commands that put it into KV by hand; offline",
      arguments: [DUMP_ARGUMENT],
      options: [
        {
          flags: "--generation <number>",
          about: "give the maps this generation: above every one that edges hold (`status`)",
          parse: wholeFrom(1),
        },
        { flags: "--out-dir <folder>", about: "where the files go (default: beside the dump)" },
        { flags: "--with-break-glass", about: "also put back the dump's break-glass document" },
        {
          flags: "--env <name>",
          about: "environment of wrangler.toml: production or staging",
          parse: oneOf("production", "staging"),
          preset: "production",
        },
        {
          flags: "--namespace-id <id>",
          about: "KV namespace, where wrangler.toml names none for MAPS (default: as it says)",
          parse: toNamespaceId,
        },
      ],
      changes: true,
      offline: true,
      notes: [
        "Only for the hour in which the control plane cannot publish: it knows nothing of this, and its next publish goes on\nfrom its own state. When it answers, use `restore`.",
      ],
      examples: [
        "maps load maps.ndjson --generation 4800",
        "maps load maps.ndjson --generation 4800 --dry-run",
      ],
      run: loadMaps,
    },
    context,
  );
}

const toNamespaceId = (text: string): string => {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw cliFailure("usage", {
    title: "That is not how it is called",
    detail: "--namespace-id is 32 hexadecimal digits, from `npx wrangler kv namespace list`.",
  });
};

async function loadMaps(session: Session): Promise<void> {
  const { words, terminal } = session;
  const source = words.text("file");
  const { maps, dump } = await openGood(source);
  const verified = verifyMaps(dump);
  if (!verified.ok) throw badMaps(source, verified);
  const folder = words.maybe("outDir") ?? dirname(source);
  const plan = planLoad(dump, maps, {
    generation: words.number("generation") ?? null,
    withBreakGlass: words.on("withBreakGlass"),
  });
  const target: LoadTarget = {
    folder,
    source,
    environment: words.text("env") === "staging" ? "staging" : "",
    namespaceId: words.maybe("namespaceId") ?? null,
  };
  const files = loadFiles(plan, target);
  const commands = loadCommands(files, target);
  if (!session.dryRun) await writeLoad(plan, files, folder);
  if (session.json) {
    printJson(session, { dryRun: session.dryRun, generation: plan.generation, files, commands });
    return;
  }
  const objects = plan.objects.reduce((sum, part) => sum + part.length, 0);
  terminal.out.write(
    `${session.dryRun ? "Would write" : "Wrote"} ${count(objects, "object")} and the root of generation ${plan.generation}:\n` +
      [...files.objects, files.root].map((file) => `  ${file}\n`).join("") +
      `\nRun these, in this order. The wait lets the objects spread before the root names them:\n` +
      commands.map((command) => `  ${command}\n`).join("") +
      `\nEdges refuse these maps when they hold a generation above ${plan.generation}: \`${RUN}status\` shows it, --generation sets a higher one.\n` +
      (session.dryRun ? "\nDry run: nothing was written.\n" : ""),
  );
}
