/** How esbuild is to read and write what runs on workerd, deployed or local: what wrangler itself would ask of it. */
import type { BuildOptions } from "esbuild";

export const WORKER_FORMAT = {
  bundle: true,
  format: "esm",
  target: "es2024",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["workerd", "worker", "browser", "import"],
  external: ["cloudflare:*"],
  jsx: "automatic",
  jsxImportSource: "hono/jsx",
} satisfies BuildOptions;
