/**
 * `npm run build:cli`: the command line as one file that runs on any Node from 20 on, with nothing installed beside it:
 * `node dist/firebreak.mjs status`. It says `firebreak` where that of the project says `npm run -s firebreak --`.
 * `npm run build` empties dist/, so it is made after that. Prints where it is and how large; exit code 1 when it fails.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { RUN } from "./cli/command-line.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OLDEST_NODE = "node20";
const EXECUTABLE = 0o755;

/** Packages in the old module format ask for Node's own modules by `require`, which a module does not have. */
const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
/** What came after Node 20: URL.parse with 22, Map.groupBy with 21. */
const NEWER = `URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);
Map.groupBy ??= (items, keyOf) => {
  const groups = new Map();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++);
    if (groups.has(key)) groups.get(key).push(item);
    else groups.set(key, [item]);
  }
  return groups;
};`;

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, "scripts", "firebreak.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    target: OLDEST_NODE,
    write: false,
    minifySyntax: true,
    legalComments: "inline",
    logLevel: "error",
    banner: { js: `#!/usr/bin/env node\n${REQUIRE}\n${NEWER}` },
  });
  const text = outputFiles[0]?.text ?? "";
  return text.replaceAll(RUN, "firebreak ");
}

const outfile = resolve(process.argv[2] ?? join(ROOT, "dist", "firebreak.mjs"));
const text = await bundle();
mkdirSync(dirname(outfile), { recursive: true });
writeFileSync(outfile, text);
chmodSync(outfile, EXECUTABLE);
process.stdout.write(`${outfile}: ${Math.round(text.length / 1000).toLocaleString("en-US")} kB\n`);
