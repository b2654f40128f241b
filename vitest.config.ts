/**
 * Test projects, by what they run on: `unit` on plain Node (pure code and properties), `integration` inside workerd with
 * the bindings of wrangler.toml, `e2e` on Node against the built Worker, real sockets and real processes, and `measured`:
 * those of them that measure times or load and therefore run alone.
 * `npm test` builds first, because the last two run dist/. Values of secrets here are for tests alone.
 */
import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const REAL_PARTS = { environment: "node", testTimeout: 60_000, hookTimeout: 120_000 } as const;

/** End-to-end files whose result is a time, a rate or a count under load: another file beside them would be in it. */
const MEASURED = [
  "test/e2e/haproxy.e2e.test.ts",
  "test/e2e/observation.e2e.test.ts",
  "test/e2e/uploads.e2e.test.ts",
  "test/faults/21-nodes-under-load.e2e.test.ts",
  "test/faults/23-names-that-nobody-has.e2e.test.ts",
  "test/faults/30-wrong-tokens.e2e.test.ts",
];

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
    // Vitest leaves a core free for whoever watches; nobody does.
    maxWorkers: "100%",
    provide: { longForm: process.env["FAULTS_LONG"] === "1" },
    projects: [
      {
        test: {
          name: "unit",
          environment: "node",
          // Nothing here waits for a clock; a test that takes seconds alone takes more beside a browser.
          testTimeout: 20_000,
          include: ["test/unit/**/*.test.ts", "test/property/**/*.prop.test.ts", "test/fuzz/fuzz.test.ts"],
          setupFiles: ["test/support/property-seed.ts", "test/support/salt-seed.ts"],
          // Modules hold no state that could pass from file to file, and loading them again for each costs a third more.
          pool: "threads",
          isolate: false,
        },
      },
      {
        plugins: [
          cloudflareTest({
            // wrangler.toml names what our own build makes of it, which tests from source do not need.
            main: "./src/index.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: TEST_BINDINGS,
              // wrangler.toml has it as an example only.
              analyticsEngineDatasets: { ANALYTICS: { dataset: "firebreak" } },
            },
          }),
        ],
        test: { name: "integration", include: ["test/integration/**/*.test.ts"] },
      },
      {
        test: {
          ...REAL_PARTS,
          name: "e2e",
          include: ["test/e2e/**/*.e2e.test.ts", "test/faults/*.e2e.test.ts"],
          exclude: MEASURED,
          // Side by side, one more than there are cores: each starts servers of its own on ephemeral ports and mostly waits.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...REAL_PARTS,
          name: "measured",
          include: MEASURED,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
