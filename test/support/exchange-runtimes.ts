/**
 * The two implementations of the raw exchange behind one port, for tests that must hold for both: Node's sockets, and
 * `connect()` of workerd in a Miniflare of its own. Trusted certificates are the caller's business, as in production.
 */
import { join } from "node:path";
import { build } from "esbuild";
import { exchangeFromHere } from "../../scripts/cli/preflight-here.ts";
import type { ExchangePort, RawExchange } from "../../src/contracts/preflight.ts";

export interface ExchangeRuntime {
  readonly name: "node" | "workerd";
  readonly exchange: ExchangePort;
  stop(): Promise<void>;
}

type Wire = Omit<RawExchange, "received"> & { readonly received: readonly number[] };

export function nodeRuntime(): ExchangeRuntime {
  return { name: "node", exchange: exchangeFromHere, stop: async () => undefined };
}

/** @param trustedFile PEM file of a CA that workerd is to trust, null: its own roots alone. */
export async function workerdRuntime(trustedFile: string | null): Promise<ExchangeRuntime> {
  // Miniflare reads this once, when it is loaded.
  if (trustedFile !== null) process.env["NODE_EXTRA_CA_CERTS"] = trustedFile;
  const { Miniflare, convertV4MiniflareOptions } = await import("miniflare");
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, "exchange-worker.ts")],
    bundle: true,
    format: "esm",
    write: false,
    external: ["cloudflare:*"],
  });
  const script = bundle.outputFiles[0]?.text ?? "";
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ modules: true, script, compatibilityDate: "2026-10-01" }),
  );
  await miniflare.ready;
  return {
    name: "workerd",
    async exchange(request) {
      const body = JSON.stringify({ ...request, bytes: [...request.bytes] });
      const response = await miniflare.dispatchFetch("http://exchange.invalid/", { method: "POST", body });
      const { received, ...rest } = (await response.json()) as Wire;
      return { ...rest, received: Uint8Array.from(received) };
    },
    stop: () => miniflare.dispose(),
  };
}
