/**
 * A complete receiver of migration hooks for one version: `prepare`, `verify`, `undo`. To be copied into your product and
 * changed at the three functions of `work`. Keeps what it has done in memory; yours belongs into the account's database.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

type Work = Readonly<Record<"prepare" | "verify" | "undo", (account: string) => Promise<void>>>;
interface Call {
  readonly key: string;
  readonly fence: number;
  readonly rollout: string;
  readonly step: keyof Work;
  readonly accounts: readonly string[];
}

export function createHookServer({ secret, work }: { secret: string; work: Work }): Server {
  const done = new Set<string>(); // keys of calls that are done: the same key again does nothing
  const seen = new Map<string, { fence: number; undone: boolean }>(); // the newest batch of each account
  async function one({ step, rollout, fence }: Call, account: string): Promise<void> {
    const last = seen.get(`${rollout} ${account}`) ?? { fence: 0, undone: false };
    const late = fence < last.fence || (fence === last.fence && last.undone);
    if (late && step === "undo") return; // nothing of that batch is left
    if (late) throw new Error("a later batch, or an undo, came first");
    seen.set(`${rollout} ${account}`, { fence, undone: step === "undo" });
    await work[step](account); // must be safe to repeat: it may have stopped half way
  }
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (status: number, body: object): void =>
      void response.writeHead(status).end(JSON.stringify(body));
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const header = String(request.headers["firebreak-hook"]);
    const [, time = "", given = ""] = /^time=(\d+), signature=:([^:]+):/.exec(header) ?? [];
    const signed = `${request.method}\n${request.url}\n${time}\n${text}`;
    const wanted = createHmac("sha256", secret).update(signed).digest();
    const signature = Buffer.from(given, "base64");
    const fresh = Math.abs(Date.now() - Number(time)) < 300_000;
    if (!fresh || signature.length !== wanted.length || !timingSafeEqual(signature, wanted))
      return answer(401, { answer: "failed", why: "not signed with ORIGIN_KEY, or five minutes old" });
    const call = JSON.parse(text) as Call; // signed, so it is what Firebreak wrote
    try {
      if (!done.has(call.key)) for (const account of call.accounts) await one(call, account);
      if (call.step !== "verify") done.add(call.key);
      answer(200, { answer: "done" }); // or { "answer": "later", "afterSeconds": 5 } while it takes long
    } catch (error) {
      answer(200, { answer: "failed", why: error instanceof Error ? error.message : "unknown" });
    }
  }
  return createServer((request, response) => void handle(request, response));
}
