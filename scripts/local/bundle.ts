/**
 * Bundles the Workers of the local run and of measurements, read and written as the deployed one but each as one module.
 * Not minified, so that stack traces in the log name functions. Called once per start; throws what esbuild reports, which
 * names file and line.
 */
import { build } from "esbuild";
import { join } from "node:path";
import { WORKER_FORMAT } from "../deployment/worker-format.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Bundles one of `worker/`; `entry` is its file name. */
export function bundleWorker(entry: string): Promise<string> {
  return bundleEntry(join("scripts", "local", "worker", entry));
}

/** Bundles a Worker of ours; `path` is that of its entry, from the root of the repository. */
export async function bundleEntry(path: string): Promise<string> {
  const { outputFiles } = await build({
    ...WORKER_FORMAT,
    absWorkingDir: ROOT,
    entryPoints: [path],
    write: false,
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${path}`);
  return file.text;
}
