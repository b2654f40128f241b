/** A Worker that is nothing but the raw exchange, so that e2e tests reach `connect()` of the real runtime by HTTP. */
import { connect } from "cloudflare:sockets";
import { createRawExchange } from "../../src/adapters/raw-exchange.ts";
import type { ExchangeRequest } from "../../src/contracts/preflight.ts";

/** Bytes travel as arrays of numbers. */
export type ExchangeCall = Omit<ExchangeRequest, "bytes"> & { readonly bytes: readonly number[] };

export default {
  async fetch(request: Request): Promise<Response> {
    const call = await request.json<ExchangeCall>();
    const exchange = createRawExchange({ connect, nowMs: () => Date.now() });
    const result = await exchange({ ...call, bytes: Uint8Array.from(call.bytes) });
    return Response.json({ ...result, received: [...result.received] });
  },
};
