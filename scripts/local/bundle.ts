/**
 * Bundles the Workers of the local run and of measurements, as wrangler bundles the deployed one: one ES module each, workerd's conditions,
 * JSX of hono. Not minified, so that stack traces in the log name functions. Called once per start; throws what esbuild
 * reports, which names file and line.
 */
import { build } from "esbuild";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

/** Bundles one of `worker/`; `entry` is its file name. */
export function bundleWorker(entry: string): Promise<string> {
  return bundleEntry(join("scripts", "local", "worker", entry));
}

/** Bundles a Worker of ours; `path` is that of its entry, from the root of the repository. */
export async function bundleEntry(path: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [path],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser", "import"],
    external: ["cloudflare:*"],
    jsx: "automatic",
    jsxImportSource: "hono/jsx",
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${path}`);
  return file.text;
}
