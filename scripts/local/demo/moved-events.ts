/**
 * What a demo version does with events of moved accounts, as a real one would before it hands sockets and jobs over:
 * verifies the signature over the very bytes that came, notes each event once however often it comes, and answers only
 * then. It can be told to lose an answer, as a receiver that dies after it has noted. Whatever is not signed, or not what
 * the contract says, is refused and not noted. Called by `origin.ts` for `POST /firebreak/events`.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { parseDictionary } from "structured-headers";
import { z } from "zod";
import { LOCAL_ORIGIN_KEY } from "../options.ts";

/** Path of the address that a demo version registers as `events`. */
export const EVENTS_PATH = "/firebreak/events";
const MAX_AGE_SECONDS = 300;

const EventSchema = z.object({
  specversion: z.literal("1.0"),
  id: z.string().min(1),
  type: z.literal("accounts.moved"),
  data: z.object({
    product: z.string(),
    from: z.string(),
    to: z.string(),
    generation: z.int(),
    accounts: z.array(z.string()),
  }),
});

/** An event as far as a receiver needs it. */
export type MovedEvent = z.infer<typeof EventSchema>;

export interface MovedEvents {
  /** @returns the status to answer: 204 when it was noted, now or before; 400 and 403 refuse it. */
  take(request: IncomingMessage): Promise<number>;
  /** Those that were noted, in the order in which they first came. */
  list(): readonly MovedEvent[];
  /** How often something that was signed came, repeats included. */
  received(): number;
  /** The next event is noted and answered 503, as if the receiver had died in between. */
  loseNextAnswer(): void;
}

/** Creates the events of one version: none yet. */
export function createMovedEvents(): MovedEvents {
  const noted = new Map<string, MovedEvent>();
  let received = 0;
  let losesAnswer = false;
  return {
    async take(request) {
      const body = await readBody(request);
      const event = parseEvent(body);
      if (event === null) return 400;
      if (!isSigned(request.headers["firebreak-signature"], { id: event.id, body })) return 403;
      received += 1;
      if (!noted.has(event.id)) noted.set(event.id, event);
      const isLost = losesAnswer;
      losesAnswer = false;
      return isLost ? 503 : 204;
    },
    list: () => [...noted.values()],
    received: () => received,
    loseNextAnswer() {
      losesAnswer = true;
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parseEvent(body: Buffer): MovedEvent | null {
  try {
    return EventSchema.safeParse(JSON.parse(body.toString("utf8"))).data ?? null;
  } catch {
    return null; // no JSON
  }
}

/** As `core/signed-message.ts` says: an HMAC over `id\ntime\nbody`, and a time of the last five minutes. */
function isSigned(
  header: string | string[] | undefined,
  { id, body }: { readonly id: string; readonly body: Buffer },
): boolean {
  if (typeof header !== "string") return false;
  const said = parseDictionary(header);
  const time = Number(said.get("time")?.[0]);
  const signature = said.get("signature")?.[0];
  const isRecent = Math.abs(Date.now() / 1000 - time) <= MAX_AGE_SECONDS;
  if (!(signature instanceof ArrayBuffer) || !isRecent) return false;
  const secret = LOCAL_ORIGIN_KEY.slice(LOCAL_ORIGIN_KEY.indexOf(":") + 1);
  const expected = createHmac("sha256", secret).update(`${id}\n${time}\n`).update(body).digest();
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
