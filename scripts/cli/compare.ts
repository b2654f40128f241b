/**
 * `compare FILE --with haproxy-map`: decides every name of today's map and acts on nothing; what differs is listed. Online
 * by the published maps, offline by a dump. Exit 1 when a name would get something else, or could not be compared.
 */
import type { Command } from "commander";
import { compareMap, type Disagreement, type MapComparison } from "./adoption/compare-map.ts";
import { MAP_OPTIONS, neededProduct, readBackends } from "./adoption/options.ts";
import { physicalLines } from "./adoption/physical-lines.ts";
import { oneOf, wholeFrom } from "./arguments.ts";
import { EXIT_FAILED, usageFailure } from "./failure.ts";
import { openForReading, readableSize } from "./file-stream.ts";
import { sideOf } from "./maps-diff.ts";
import { openGivenOrPublished } from "./maps-good.ts";
import { clean, count, renderFields, renderTable } from "./render.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

const SHOWN_UNREADABLE = 20;

export function addCompare(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "compare",
      summary: "decide every name of today's map, act on nothing, list what differs",
      seeAlso: ["accounts import", "explain", "maps diff"],
      arguments: [{ name: "<file>", about: "map file of today's fleet" }],
      options: [
        {
          flags: "--with <kind>",
          about: "what the file is",
          parse: oneOf("haproxy-map"),
          preset: "haproxy-map",
        },
        ...MAP_OPTIONS,
        {
          flags: "--default-backend <name>",
          about:
            "where today's fleet sends names that its map does not have (default: those are counted only)",
        },
        { flags: "--maps <file>", about: "decide by this dump, offline (default: the published maps)" },
        {
          flags: "--limit <number>",
          about: "how many names to list (--json lists all)",
          parse: wholeFrom(0),
          preset: 20,
        },
      ],
      exits: ["all names agree", "some differ, or could not be compared"],
      examples: [
        "compare hosts.map --with haproxy-map --product kiln --backend be_kiln_2_8_0=2.8.0",
        "compare hosts.map --product kiln --backend be_kiln_2_8_0=2.8.0 --maps maps.ndjson --json",
      ],
      run: compare,
    },
    context,
  );
}

async function compare(session: Session): Promise<number> {
  const { words, terminal } = session;
  const product = neededProduct(session);
  const backends = readBackends(session);
  const defaultBackend = words.maybe("defaultBackend") ?? null;
  if (backends.size === 0)
    throw usageFailure(
      "--backend says which version a backend of the map is, as in --backend be_kiln_2_8_0=2.8.0.",
    );
  if (defaultBackend !== null && !backends.has(defaultBackend))
    throw usageFailure(
      `--default-backend ${defaultBackend} needs a --backend that says which version it is.`,
    );
  const file = words.text("file");
  await readableSize(file);
  const { maps } = await openGivenOrPublished(session);
  const published = maps.root.products[product];
  if (published === undefined) throw usageFailure(`The maps have no product ${product}.`);
  const comparison = await compareMap(physicalLines(openForReading(file)), {
    product,
    backends,
    defaultBackend,
    domains: words.texts("baseDomain") ?? published.domains,
    side: sideOf(maps, terminal.nowMs()),
  });
  const { generation } = maps.root;
  if (session.json) printJson(session, { product, generation, ...comparison });
  else terminal.out.write(renderComparison(comparison, { generation, limit: words.number("limit") ?? 0 }));
  const isComplete = comparison.unreadable.length === 0 && Object.keys(comparison.unmapped).length === 0;
  return comparison.disagreements.length === 0 && isComplete ? 0 : EXIT_FAILED;
}

/** For people; exported for its test. */
export function renderComparison(
  { compared, agree, disagreements, unreadable, unmapped, absent }: MapComparison,
  { generation, limit }: { readonly generation: number; readonly limit: number },
): string {
  const parts: string[] = [];
  if (disagreements.length > 0) {
    const rows = disagreements.slice(0, limit).map(toRow);
    parts.push(renderTable(["line", "name", "today", "Firebreak", "by"], rows));
    const more = disagreements.length - rows.length;
    if (more > 0) parts.push(`… and ${more.toLocaleString("en-US")} more (--limit, or --json for all)\n`);
  }
  if (unreadable.length > 0) {
    const rows = unreadable
      .slice(0, SHOWN_UNREADABLE)
      .map(({ line, key, reason }) => [line, clean(key), reason]);
    parts.push(`Not compared:\n${renderTable(["line", "name", "reason"], rows)}`);
    const more = unreadable.length - rows.length;
    if (more > 0) parts.push(`… and ${more.toLocaleString("en-US")} more (--json for all)\n`);
  }
  for (const [backend, names] of Object.entries(unmapped))
    parts.push(
      `${count(names, "name is", "names are")} on ${clean(backend)}, which no --backend gives a version.\n`,
    );
  parts.push(
    renderFields([
      ["generation", String(generation)],
      ["names compared", compared],
      ["agree", agree],
      ["differ", disagreements.length],
      ["not compared", unreadable.length + Object.values(unmapped).reduce((sum, names) => sum + names, 0)],
      ["accounts not in the map", absent],
    ]),
  );
  return parts.join("\n");
}

function toRow({ line, host, theirs, ours, reason }: Disagreement): (string | number | null)[] {
  return [line, clean(host), theirs, ours, reason];
}
