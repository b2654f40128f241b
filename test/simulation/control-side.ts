/**
 * The control plane's side of a history: lives of the real control plane, one after the other, over one database. Every
 * answer it waits for is a gate at which it may be kept waiting, be told of a failure or die; who dies leaves the
 * database as the disk has it, KV, and the alarm. What it was about to write when it died may be lost with it, as
 * long as nobody outside has heard of it.
 */
import type { HookAnswer, HookCall } from "../../src/contracts/move-data.ts";
import { KV_LAG_MS } from "../../src/contracts/move-data.ts";
import { ROOT_KEY } from "../../src/contracts/maps.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import type { SeenIsolate } from "../../src/contracts/telemetry.ts";
import type { Control } from "../../src/control/control.ts";
import { createFakeKv, createWorld, type World } from "../support/control-world.ts";
import { HookOrigin, type Fortune } from "../support/data-hooks.ts";
import { pick, type Random } from "../support/random.ts";
import { healthy } from "../support/rollout-world.ts";
import type { TestClock } from "../support/test-clock.ts";
import type { Beginning } from "./beginnings.ts";
import type { Seams } from "./seams.ts";
import type { SpreadingKv } from "./spreading-kv.ts";
import type { Tale } from "./tale.ts";

export interface ControlSideParts {
  readonly beginning: Beginning;
  readonly kv: SpreadingKv;
  readonly clock: TestClock;
  readonly random: Random;
  readonly tale: Tale;
  readonly seams: Seams;
  /** What edges have reported; null: nothing is known of them. */
  readonly seen: () => readonly SeenIsolate[] | null;
  /** It goes on, by the time that it is now. */
  readonly onTurn: () => void;
  /** A root has just reached KV. */
  readonly onRoot: () => void;
}

interface Life {
  /** Falls at the gate it dies at; what an answer had reached before goes on to its next gate. */
  isAlive: boolean;
  /** It died before its last writes were on disk. */
  losesWrites: boolean;
  /** Gates until it dies; null: it lives. */
  gates: number | null;
}

/** How KV treats who writes to it. */
export type WriteIllness = "fails" | "applies and fails" | null;

const FORTUNES: readonly Fortune[] = [
  "ok",
  "ok",
  "ok",
  "ok",
  "later",
  "fail",
  "half",
  "lost",
  "unheard",
  "twice",
];
const WAITS_MS = [0, 0, 0, 0, 0, 0, 0, 400, 2000, 9000] as const;
const never = (): Promise<never> => new Promise(() => undefined);
const BROKEN = new TextEncoder().encode("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");

export class ControlSide {
  readonly origin = new HookOrigin();
  readonly faults: string[] = [];
  /** Hosts of versions that answer probes with failures. */
  readonly sick = new Set<string>();
  illness: WriteIllness = null;
  /** Nothing goes wrong any more. */
  isCured = false;
  wakeAt: number | null = null;
  private readonly parts: ControlSideParts;
  private life: Life = { isAlive: true, losesWrites: false, gates: null };
  private world: World;
  private swapped: Control;

  constructor(parts: ControlSideParts) {
    this.parts = parts;
    this.world = this.begin();
    this.swapped = parts.seams.control(this.world.control, parts.beginning.db);
    this.wakeAt = parts.beginning.wakeAt;
  }

  get control(): Control {
    return this.swapped;
  }

  /** Starts something that nobody waits for: it may be kept waiting, and it may die in it. */
  async run(what: (control: Control) => Promise<unknown>): Promise<void> {
    const { life } = this;
    what(this.control).catch((error: unknown) => {
      if (life.isAlive)
        this.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
    await this.parts.clock.settle();
    this.confirm();
  }

  /** What was done is on disk and may be told. */
  confirm(): void {
    if (this.life.isAlive) this.parts.beginning.db.confirm();
  }

  /** It dies at one of its next gates. */
  dieAfter(gates: number): void {
    this.life.gates ??= gates;
  }

  get isDead(): boolean {
    return !this.life.isAlive;
  }

  /** A control plane that died, or is thrown out, is started again over what it left. */
  restart(): void {
    this.parts.tale.count("control plane restarted");
    this.bury();
    this.life.isAlive = false;
    this.world = this.begin();
    this.swapped = this.parts.seams.control(this.world.control, this.parts.beginning.db);
    // An alarm that it died in comes again; one that was set is still set.
    this.wakeAt ??= this.parts.clock.nowMs();
  }

  private die(life: Life): void {
    const { random, tale } = this.parts;
    life.isAlive = false;
    tale.count("control plane died");
    life.losesWrites = random() < 0.5;
    tale.say(() => `the control plane dies${life.losesWrites ? " before its last writes are on disk" : ""}`);
  }

  /** What is left of who died is the database as the disk has it. To be called when nothing goes on by itself. */
  bury(): void {
    if (!this.life.losesWrites) return;
    this.life.losesWrites = false;
    this.parts.beginning.db.lose();
    this.parts.tale.count("writes lost with a death");
  }

  /** On the way out: whoever dies here has not sent it. */
  private async leave(life: Life): Promise<void> {
    const { clock, random } = this.parts;
    if (!life.isAlive) await never();
    if (life.gates !== null && life.gates-- <= 0 && !this.isCured) {
      this.die(life);
      await never();
    }
    this.confirm();
    const waitMs = this.isCured ? 0 : pick(random, WAITS_MS);
    if (waitMs > 0) await clock.sleep(waitMs);
    if (!life.isAlive) await never();
    this.parts.onTurn();
  }

  /** On the way back: whoever dies here has sent it and does not hear the answer. */
  private async hear(life: Life): Promise<void> {
    if (life.isAlive && life.gates !== null && life.gates-- <= 0 && !this.isCured) this.die(life);
    await (life.isAlive ? Promise.resolve() : never());
  }

  private begin(): World {
    const { beginning, kv, clock, seams, seen } = this.parts;
    const life: Life = { isAlive: true, losesWrites: false, gates: null };
    this.life = life;
    const { db } = beginning;
    return createWorld({
      db: seams.db(db),
      clock: { now: 0, nowMs: () => clock.nowMs(), sleep: () => this.hear(life) },
      kv: Object.assign(createFakeKv(kv.values), this.store(life)),
      config: { settling: seams.settling(settlingFor(KV_LAG_MS)) },
      preflight: {
        exchange: async (request) => {
          await this.leave(life);
          const answer = await healthy(request);
          await this.hear(life);
          return this.sick.has(request.host) ? { ...answer, received: BROKEN } : answer;
        },
        routerHeader: null,
      },
      sendHook: async (call) => {
        await this.leave(life);
        const answer = this.hook(call);
        await this.hear(life);
        return answer;
      },
      seenIsolates: async () => {
        await this.leave(life);
        await this.hear(life);
        return seen();
      },
      wake: (at) => {
        if (life.isAlive) this.wakeAt = at;
      },
    });
  }

  private store(life: Life): Pick<World["kv"], "get" | "put" | "delete"> {
    const { kv, tale } = this.parts;
    const change = async (apply: () => void): Promise<void> => {
      await this.leave(life);
      const { illness } = this;
      if (illness !== null) tale.count("writes to KV that failed");
      if (illness !== "fails") apply();
      await this.hear(life);
      if (illness !== null) throw new Error("KV PUT failed: 500 Internal Server Error");
    };
    return {
      get: async (key) => {
        await this.leave(life);
        if (this.illness === "fails") throw new Error("KV GET failed: 500 Internal Server Error");
        const text = kv.values.get(key) ?? null;
        await this.hear(life);
        return text;
      },
      put: (key, text) =>
        change(() => {
          kv.put(key, text);
          if (key === ROOT_KEY) this.parts.onRoot();
        }),
      delete: (key) => change(() => kv.delete(key)),
    };
  }

  private hook(call: HookCall): HookAnswer {
    const { random, clock, tale } = this.parts;
    const fortune = this.isCured ? "ok" : pick(random, FORTUNES);
    tale.count("hooks called");
    if (fortune === "lost") return { kind: "silent", why: "did not answer" };
    const answer = this.origin.take(call.body, fortune);
    if (fortune === "twice") this.origin.take(call.body, "ok");
    if (fortune === "unheard") return { kind: "silent", why: "did not answer in time" };
    return answer.kind === "later" ? { ...answer, atMs: clock.nowMs() + 10_000 } : answer;
  }
}
