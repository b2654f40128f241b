/**
 * The custom build of wrangler.toml: `wrangler deploy`, `versions upload` and `dev` run it before they look for `main`.
 * Empties build/ and bundles the Worker into it; exit code 1, with what esbuild says, when that fails.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleForDeployment } from "./deployment/bundle.ts";

const OUTDIR = join(import.meta.dirname, "..", "build");

rmSync(OUTDIR, { recursive: true, force: true });
await bundleForDeployment(OUTDIR);
