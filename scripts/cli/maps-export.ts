/**
 * `maps export --format haproxy|nginx`: the exit door. What every account gets now, as map files and a configuration that a
 * plain load balancer routes by, from a dump or from the published maps. What is lost by it is said at the top of the
 * configuration and on standard error. Reads only; writes files of the operator's own.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { oneOf } from "./arguments.ts";
import { writeExport, type ConfigOptions } from "./leaving/export-files.ts";
import { writeHaproxy } from "./leaving/haproxy-config.ts";
import { NGINX_LIMITS, writeNginx } from "./leaving/nginx-config.ts";
import { createRoutingTable, type RoutingTable } from "./leaving/routing-table.ts";
import { sideOf } from "./maps-diff.ts";
import { openGivenOrPublished } from "./maps-good.ts";
import { count, renderTable } from "./render.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

export function addMapsExport(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "export",
      summary: "the exit door: map files and a configuration for HAProxy or nginx",
      options: [
        {
          flags: "--format <kind>",
          about: "haproxy or nginx",
          parse: oneOf("haproxy", "nginx"),
          required: true,
        },
        { flags: "--out-dir <folder>", about: "where the files go", preset: "." },
        {
          flags: "--maps <file>",
          about: "export this dump, offline (default: the published maps)",
        },
        {
          flags: "--listen <address>",
          about: "where the load balancer is to listen",
          parse: toListen,
          preset: "*:8080",
        },
        {
          flags: "--installed-at <folder>",
          about: "where it will find the files (default: where they are written)",
          parse: toInstalledAt,
        },
      ],
      notes: [
        "Accounts stay where they are at that generation: running rollouts, pins, holds, quarantine and replacements are part of\nit, and nothing moves afterwards. The header comment and standard error say what is lost.",
      ],
      examples: [
        "maps export --format haproxy --out-dir leaving",
        "maps export --format nginx --out-dir leaving --maps maps.ndjson --installed-at /etc/nginx/firebreak",
      ],
      run: exportMaps,
    },
    context,
  );
}

function toListen(text: string): string {
  if (/^(?:\*|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be like *:8080 or 127.0.0.1:8080.");
}

/** It stands in both configurations without quotes. */
function toInstalledAt(text: string): string {
  if (/^\/[A-Za-z0-9._/-]*$/.test(text)) return text.replace(/\/$/, "");
  throw new InvalidArgumentError("It must be like /etc/haproxy: a full path of letters, digits and . _ - /.");
}

async function exportMaps(session: Session): Promise<void> {
  const { words, terminal } = session;
  const folder = resolve(words.text("outDir"));
  const installedAt = words.maybe("installedAt") ?? toInstalledAt(folder);
  const isNginx = words.text("format") === "nginx";
  const { maps } = await openGivenOrPublished(session);
  const table = createRoutingTable(sideOf(maps, terminal.nowMs()));
  const limits = [...table.limits, ...(isNginx ? NGINX_LIMITS : [])];
  const options: ConfigOptions = {
    listen: words.text("listen"),
    folder: installedAt,
    head: headOf(table, limits),
  };
  const exported = isNginx ? writeNginx(table, options) : writeHaproxy(table, options);
  const files = await writeExport(folder, exported);
  const { generation } = table;
  if (session.json) {
    printJson(session, {
      generation,
      names: table.hosts.size,
      backends: table.backends.length,
      files,
      limits,
    });
    return;
  }
  terminal.err.write(
    `What is lost by routing with this:\n${limits.map((limit) => `  - ${limit}\n`).join("")}\n`,
  );
  const names = countTargets(table);
  terminal.out.write(
    `${renderTable(["target", "names"], names)}\nWrote generation ${generation} with ${count(table.hosts.size, "name")}:\n` +
      files.map((file) => `  ${file}\n`).join("") +
      `Check it: ${exported.check}\n`,
  );
}

function countTargets({ hosts }: RoutingTable): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const target of hosts.values()) counts.set(target, (counts.get(target) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a);
}

function headOf({ generation, publishedAt }: RoutingTable, limits: readonly string[]): readonly string[] {
  return [
    `Firebreak's maps, generation ${generation}, published ${publishedAt}: every account on the version it had then.`,
    "What this cannot do:",
    ...limits.map((limit) => `- ${limit}`),
    "",
  ];
}
