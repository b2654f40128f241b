/**
 * Bundles the Worker as it is deployed: an entry with what every isolate needs, and parts that it imports when somebody
 * asks for them (the admin surface, which brings zod along). Wrangler by itself makes one file, in which esbuild has to wrap
 * nearly every module in a function of its own: V8 then reads what runs at the start twice. As modules of their own the
 * parts are evaluated by nobody until they are imported. Called by wrangler, which runs scripts/build-worker.ts first.
 * Throws what esbuild reports, which names file and line.
 */
import { join } from "node:path";
import { build } from "esbuild";
import { WORKER_FORMAT } from "./worker-format.ts";

const ROOT = join(import.meta.dirname, "..", "..");

const EXTENSION = ".mjs";
/** `main` of wrangler.toml; its rule for modules finds all others by how they end. */
export const ENTRY = `index${EXTENSION}`;

/** Writes the entry and its parts into `outdir`, which should be empty: names of parts change with what is in them. */
export async function bundleForDeployment(outdir: string): Promise<void> {
  await build({
    ...WORKER_FORMAT,
    absWorkingDir: ROOT,
    entryPoints: [join("src", "index.ts")],
    outdir,
    outExtension: { ".js": EXTENSION },
    chunkNames: "part-[hash]",
    splitting: true,
    // Names of minified functions tell nobody anything, and keeping them takes a call for each: 8 % of the script.
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
}
