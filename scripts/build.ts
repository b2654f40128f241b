/**
 * `npm run build`: bundles the Worker as it would be deployed, production to dist/ and staging to dist/staging/, and
 * prints the size of each. Deploys nothing. Stops at the first bundle that fails, with wrangler's own exit code; a bundle
 * that has outgrown its limit fails too, because what makes it grow by that much is a package that came along whole.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const GZIP_LEVEL = 9;
const BYTES_PER_KB = 1000;
/** Compressed. Start-up time grows with it; all of zod, which one import of its `z` brings along, is 60 kB. */
const MAX_GZIP_KB = 375;

interface Bundle {
  readonly label: string;
  /** Value of `--env`; the empty string is the top level of wrangler.toml. */
  readonly environment: string;
  readonly outdir: string;
}

/** Production first: dist/ is emptied before it, and staging lies inside. */
const BUNDLES: readonly Bundle[] = [
  { label: "production", environment: "", outdir: "dist" },
  { label: "staging", environment: "staging", outdir: join("dist", "staging") },
];

/** Runs wrangler on the Node that runs this script and returns its exit code; 1 when a signal ended it. */
function bundle({ environment, outdir }: Bundle): number {
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  const flags = ["deploy", "--dry-run", "--outdir", outdir, `--env=${environment}`];
  const run = spawnSync(process.execPath, [wrangler, ...flags], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
  if (run.error !== undefined) throw new Error("wrangler could not be started", { cause: run.error });
  return run.status ?? 1;
}

interface Size {
  readonly modules: number;
  readonly rawBytes: number;
  readonly gzipBytes: number;
}

/** The whole upload: the entry and every part, also those that are imported only when they are needed. */
function measure({ outdir }: Bundle): Size {
  const names = readdirSync(join(ROOT, outdir)).filter((name) => name.endsWith(".mjs"));
  const modules = names.map((name) => readFileSync(join(ROOT, outdir, name)));
  const sumOf = (bytes: (module: Buffer) => number): number =>
    modules.reduce((sum, module) => sum + bytes(module), 0);
  return {
    modules: modules.length,
    rawBytes: sumOf((module) => module.byteLength),
    gzipBytes: sumOf((module) => gzipSync(module, { level: GZIP_LEVEL }).byteLength),
  };
}

/** One line: label, raw kB and gzip kB (1 kB = 1000 bytes) of all modules together. */
function sizeLine({ label, outdir }: Bundle, { modules, rawBytes, gzipBytes }: Size): string {
  const kb = (bytes: number): string => `${(bytes / BYTES_PER_KB).toFixed(1)} kB`;
  return `${label}: ${kb(rawBytes)} raw, ${kb(gzipBytes)} gzip (${modules} modules in ${outdir}/)`;
}

/** @returns false when a bundle is too large. */
function reportSizes(): boolean {
  const sizes = BUNDLES.map((each) => ({ each, size: measure(each) }));
  process.stdout.write(`\n${sizes.map(({ each, size }) => sizeLine(each, size)).join("\n")}\n`);
  const isSmall = sizes.every(({ size }) => size.gzipBytes <= MAX_GZIP_KB * BYTES_PER_KB);
  if (!isSmall)
    process.stderr.write(
      `build: more than ${MAX_GZIP_KB} kB compressed. Look for a package that is bundled whole, or raise MAX_GZIP_KB in scripts/build.ts with the reason.\n`,
    );
  return isSmall;
}

function main(): number {
  rmSync(join(ROOT, "dist"), { recursive: true, force: true });
  for (const each of BUNDLES) {
    const code = bundle(each);
    if (code !== 0) return code;
  }
  return reportSizes() ? 0 : 1;
}

process.exitCode = main();
