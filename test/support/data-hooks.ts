/**
 * An origin with hooks, for tests: data of each account per product, changed by calls as the contract says (`HookBody`),
 * and a network that answers well, badly, late, twice or never, as it is told. It notices work that is done twice.
 */
import type { HookAnswer, HookBody, HookCall } from "../../src/contracts/move-data.ts";

/** What becomes of one call. `half`: the work fails in the middle of it. */
export type Fortune = "ok" | "later" | "fail" | "half" | "lost" | "unheard" | "slow" | "twice";

interface Datum {
  is: "old" | "new" | "half";
  fence: number;
  undone: boolean;
  /** Fence of the work that made it new. */
  madeBy: number;
}

/** The origins of every product, as one. */
export class HookOrigin {
  private readonly data = new Map<string, Datum>();
  private readonly done = new Set<string>();
  readonly faults: string[] = [];
  calls = 0;
  prepared = 0;
  undone = 0;

  /** Whether any hook was ever called for it. */
  knows(product: string, account: string): boolean {
    return this.data.has(`${product}/${account}`);
  }

  of(product: string, account: string): Datum {
    const key = `${product}/${account}`;
    const known = this.data.get(key) ?? { is: "old", fence: 0, undone: false, madeBy: 0 };
    this.data.set(key, known);
    return known;
  }

  /** Does what a call asks, once for each key. */
  take(body: HookBody, fortune: Fortune): HookAnswer {
    this.calls += 1;
    if (fortune === "later") return { kind: "later", atMs: 0 };
    if (this.done.has(body.key)) return { kind: "done" };
    const answers = body.accounts.map((account) => this.one(body, account, fortune));
    const bad = answers.find(({ kind }) => kind !== "done");
    if (bad === undefined && body.step !== "verify") this.done.add(body.key);
    return bad ?? { kind: "done" };
  }

  private one({ product, step, fence }: HookBody, account: string, fortune: Fortune): HookAnswer {
    const datum = this.of(product, account);
    if (fence < datum.fence)
      return step === "undo" ? { kind: "done" } : { kind: "failed", why: "a later batch has it" };
    if (fence > datum.fence) Object.assign(datum, { fence, undone: false });
    switch (step) {
      case "prepare":
        return this.prepare(datum, { name: `${product}/${account}`, fortune });
      case "verify":
        return datum.is === "new" && fortune !== "fail"
          ? { kind: "done" }
          : { kind: "failed", why: "not whole" };
      case "undo":
        return this.undo(datum, fortune);
    }
  }

  private prepare(datum: Datum, { name, fortune }: { name: string; fortune: Fortune }): HookAnswer {
    if (datum.undone) return { kind: "failed", why: "undone before" };
    if (fortune === "fail") return { kind: "failed", why: "no room" };
    // The same work again after it stopped half way is the same work; over data that is new it is work done twice.
    if (datum.is === "new" && datum.madeBy !== datum.fence) this.faults.push(`${name} was migrated twice`);
    if (datum.is === "half" && datum.madeBy !== datum.fence)
      this.faults.push(`${name} was migrated before it was undone`);
    this.prepared += 1;
    datum.madeBy = datum.fence;
    datum.is = fortune === "half" ? "half" : "new";
    return fortune === "half" ? { kind: "failed", why: "half way" } : { kind: "done" };
  }

  private undo(datum: Datum, fortune: Fortune): HookAnswer {
    datum.undone = true;
    if (fortune === "fail") return { kind: "failed", why: "locked" };
    if (fortune === "half") {
      if (datum.is !== "old") datum.is = "half";
      return { kind: "failed", why: "half way" };
    }
    if (datum.is !== "old") this.undone += 1;
    datum.is = "old";
    return { kind: "done" };
  }
}

interface Message {
  readonly call: HookCall;
  readonly batch: number;
  readonly atMs: number;
  readonly fortune: Fortune;
  /** Null: nobody hears the answer. */
  readonly answered: boolean;
}

/** Calls on their way. What is not heard of may still arrive. */
export class HookNetwork {
  private messages: Message[] = [];
  readonly origin = new HookOrigin();

  send(call: HookCall, of: { batch: number; nowMs: number; fortune: Fortune }): void {
    const { batch, nowMs, fortune } = of;
    const message = { call, batch, atMs: nowMs, fortune, answered: fortune !== "unheard" };
    if (fortune === "lost") return;
    if (fortune === "twice") this.messages.push({ ...message, atMs: nowMs + 90_000, answered: false });
    this.messages.push(fortune === "slow" ? { ...message, atMs: nowMs + 200_000, answered: false } : message);
  }

  /** Nobody waits for answers any more; what was sent arrives all the same. */
  crash(): void {
    this.messages = this.messages.map((message) => ({ ...message, answered: false }));
  }

  /** Delivers what is due. @returns answers that somebody waits for. */
  deliver(nowMs: number): readonly { call: HookCall; batch: number; answer: HookAnswer }[] {
    const due = this.messages.filter(({ atMs }) => atMs <= nowMs);
    this.messages = this.messages.filter(({ atMs }) => atMs > nowMs);
    return due.flatMap(({ call, batch, fortune, answered }) => {
      const answer = this.origin.take(call.body, fortune);
      return answered
        ? [{ call, batch, answer: answer.kind === "later" ? { ...answer, atMs: nowMs + 20_000 } : answer }]
        : [];
    });
  }
}
