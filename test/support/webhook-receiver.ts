/**
 * A receiver of webhooks as somebody else would write it: it checks the signature of Standard Webhooks with Node's own
 * crypto, takes each id once, and can go down. It knows nothing of ours.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { z } from "zod";

const EventSchema = z.object({
  specversion: z.literal("1.0"),
  id: z.string(),
  type: z.string(),
  subject: z.string(),
});
const TOLERANCE_S = 300;

export interface WebhookReceiver {
  readonly url: string;
  /** Requests that came, taken or not. */
  readonly requests: () => number;
  /** What it did because of them, in order: type and subject. */
  readonly inEffect: () => readonly string[];
  /** Why it did not believe what came; must stay empty. */
  readonly forged: () => readonly string[];
  secret: string;
  isDown: boolean;
  stop(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const seen = new Map<string, string>();
  const forged: string[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    if (receiver.isDown) {
      request.socket.destroy();
      return;
    }
    void readBody(request).then((body) => {
      const wrong = findForgery(request, body, receiver.secret);
      if (wrong !== null) {
        forged.push(wrong);
        response.writeHead(401).end();
        return;
      }
      const { id, type, subject } = EventSchema.parse(JSON.parse(body));
      if (!seen.has(id)) seen.set(id, `${type} ${subject}`);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the receiver has no port");
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${address.port}/firebreak`,
    requests: () => requests,
    inEffect: () => [...seen.values()],
    forged: () => forged,
    secret: "",
    isDown: false,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(z.instanceof(Buffer).parse(part));
  return Buffer.concat(parts).toString("utf8");
}

function findForgery({ headers }: IncomingMessage, body: string, secret: string): string | null {
  const [id, time, signatures] = ["id", "timestamp", "signature"].map((name) =>
    z.string().parse(headers[`webhook-${name}`]),
  );
  if (Math.abs(Date.now() / 1000 - Number(time)) > TOLERANCE_S) return `its time is ${time}`;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${time}.${body}`).digest();
  const holds = (signatures ?? "").split(" ").some((signature) => {
    const [scheme, text = ""] = signature.split(",");
    const given = Buffer.from(text, "base64");
    return scheme === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
  return holds ? null : `no signature of ${id} holds`;
}
