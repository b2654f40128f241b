/**
 * Types `env` of `cloudflare:workers` for tests: the bindings of wrangler.toml and the test values of vitest.config.ts.
 * Owns no behaviour. The Worker never reads this type: it parses its environment in src/contracts/env.ts, from unknown.
 * Keep the names in step with wrangler.toml.
 */
declare namespace Cloudflare {
  interface Env {
    MAPS: KVNamespace;
    CONTROL: DurableObjectNamespace;
    METER: DurableObjectNamespace;
    ADMIN_FAILURES: RateLimit;
    ANALYTICS: AnalyticsEngineDataset;
    ENVIRONMENT: string;
    ADMIN_HOST: string;
    FALLBACK: string;
    ORIGIN_ALLOW: string;
    TRUSTED_PROXY: string;
    FLIP_DELAY_SECONDS: string;
    BREAK_GLASS: string;
    ADMIN_TOKENS: string;
    OVERRIDE_KEYS: string;
    ORIGIN_KEY: string;
  }

  interface GlobalProps {
    /** Makes `exports.default.fetch(...)` of `cloudflare:workers` callable in integration tests. */
    mainModule: { default: ExportedHandler<Env> };
  }
}
