/**
 * Three test projects, by what they run on: `unit` on plain Node (pure code and properties), `integration` inside workerd
 * with the bindings of wrangler.toml, `e2e` on Node against the built Worker, real sockets and real processes.
 * `npm test` builds first, because e2e runs dist/. Values of secrets here are for tests alone.
 */
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const E2E_TEST_TIMEOUT_MS = 60_000;
const E2E_HOOK_TIMEOUT_MS = 120_000;

/** Replaces vars and secrets of wrangler.toml. Tokens are `name:role:token`, keys `kid:secret`. */
const TEST_BINDINGS = {
  ADMIN_HOST: "admin.example.com",
  ADMIN_TOKENS: "test:admin:test-admin-token,viewer:viewer:test-viewer-token",
  OVERRIDE_KEYS: "test:test-override-key-0001",
  ORIGIN_KEY: "test:test-origin-key-0001",
  FLIP_DELAY_SECONDS: "0",
  BREAK_GLASS: "",
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          environment: "node",
          include: ["test/unit/**/*.test.ts", "test/property/**/*.prop.test.ts"],
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: TEST_BINDINGS },
          }),
        ],
        test: { name: "integration", include: ["test/integration/**/*.test.ts"] },
      },
      {
        test: {
          name: "e2e",
          environment: "node",
          include: ["test/e2e/**/*.e2e.test.ts", "test/faults/*.e2e.test.ts"],
          testTimeout: E2E_TEST_TIMEOUT_MS,
          hookTimeout: E2E_HOOK_TIMEOUT_MS,
          // One file at a time, after the others: each starts servers of its own and measures what they do.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
