/**
 * The exchange and the run of preflight from this machine, over Node's own sockets: what `firebreak preflight … --from
 * here` uses where the control plane reaches no raw socket. Same bytes, same reader, same judgement; results say `here`.
 * TLS is verified whatever NODE_TLS_REJECT_UNAUTHORIZED says; a private CA goes into NODE_EXTRA_CA_CERTS. Never rejects.
 * It must not send anything by itself that the matrix does not hold. Node docs: net, tls.
 */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import {
  PROBE_CAP_BYTES,
  PROBE_TIMEOUT_MS,
  type ExchangeFault,
  type ExchangePort,
  type ExchangeRequest,
  type Probe,
  type ProbeResult,
  type RawExchange,
} from "../../src/contracts/preflight.ts";
import { isHeadRequest, judge } from "../../src/core/preflight/judge.ts";
import { createResponseReader } from "../../src/core/preflight/response-reader.ts";

type Finished = Pick<RawExchange, "end" | "fault" | "detail">;
/** How far a connection has come, which decides what an error of the socket means. */
type Stage = "connecting" | "handshake" | "connected";

const AT_ONCE = 4;
const MAX_DETAIL_CHARS = 300;

/** Sends bytes and reads one answer. Every way it can end is in the value. */
export const exchangeFromHere: ExchangePort = async (request) => {
  const started = performance.now();
  const reader = createResponseReader({ isHead: isHeadRequest(request.bytes), capBytes: request.capBytes });
  const finished = await new Promise<Finished>((resolve) => talk(request, { reader, finish: resolve }));
  return { ...finished, received: reader.received().slice(), ms: performance.now() - started };
};

function talk(
  request: ExchangeRequest,
  {
    reader,
    finish,
  }: { readonly reader: ReturnType<typeof createResponseReader>; readonly finish: (how: Finished) => void },
): void {
  let stage: Stage = "connecting";
  const socket = open(request);
  const end = (how: Finished): void => {
    clearTimeout(timer);
    socket.destroy();
    finish(how);
  };
  const timer = setTimeout(() => end(timedOut(stage)), request.timeoutMs);
  const send = (): void => {
    stage = "connected";
    socket.write(request.bytes);
  };
  socket.once("connect", () => {
    if (request.tls) stage = "handshake";
    else send();
  });
  socket.once("secureConnect", send);
  socket.on("error", (error: NodeJS.ErrnoException) => end(broken(stage, error)));
  socket.on("data", (piece: Buffer) => {
    if (reader.push(piece)) end({ end: reader.ended() ?? "complete", fault: null, detail: "" });
  });
  // `close` follows `error` and our own destroy too; the promise has settled by then and takes no second value.
  socket.once("close", () =>
    end(stage === "connected" ? { end: "closed", fault: null, detail: "" } : closedEarly(stage)),
  );
}

function open({ host, port, tls, serverName }: ExchangeRequest): Socket {
  if (!tls) return connectPlain({ host, port });
  // SNI takes names only (RFC 6066 §3); an address is checked against the certificate all the same.
  const named = isIP(serverName) === 0 ? { servername: serverName } : {};
  return connectTls({ host, port, rejectUnauthorized: true, ...named });
}

function timedOut(stage: Stage): Finished {
  const detail = "time was up";
  if (stage === "connected") return { end: "timeout", fault: null, detail };
  return { end: "not-connected", fault: stage === "handshake" ? "tls" : "connect-timeout", detail };
}

function closedEarly(stage: Stage): Finished {
  const fault = stage === "handshake" ? "tls" : "connect-failed";
  return { end: "not-connected", fault, detail: "the connection closed" };
}

function broken(stage: Stage, error: NodeJS.ErrnoException): Finished {
  const detail = error.message.slice(0, MAX_DETAIL_CHARS);
  if (stage === "connected") return { end: "reset", fault: null, detail };
  return { end: "not-connected", fault: stage === "handshake" ? "tls" : connectFault(error.code), detail };
}

function connectFault(code: string | undefined): ExchangeFault {
  switch (code) {
    case "ECONNREFUSED":
      return "refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "dns";
    case "ETIMEDOUT":
      return "connect-timeout";
    default:
      return "connect-failed";
  }
}

/**
 * Runs a whole matrix from here.
 * @param onResult called for each as it comes, for a progress bar.
 * @returns results in the order of the probes.
 */
export async function runFromHere(
  probes: readonly Probe[],
  onResult: (result: ProbeResult) => void = () => undefined,
): Promise<ProbeResult[]> {
  const results = new Map<string, ProbeResult>();
  const queue = probes.values();
  const work = async (): Promise<void> => {
    for (const probe of queue) {
      const result = await runProbe(probe);
      results.set(probe.id, result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return probes.flatMap(({ id }) => results.get(id) ?? []);
}

async function runProbe(probe: Probe): Promise<ProbeResult> {
  const { target, bytes } = probe;
  if (target.kind === "unreachable") return judge(probe, null, "here");
  const { host, port, tls } = target;
  const limits = { timeoutMs: PROBE_TIMEOUT_MS, capBytes: PROBE_CAP_BYTES };
  return judge(
    probe,
    await exchangeFromHere({ host, port, tls, serverName: host, bytes, ...limits }),
    "here",
  );
}
