/**
 * Two operators and cron at one control plane, in an order that a seed decides: who reads, who writes, which tick comes
 * while another still asks KV, which version's probes answer when, when the alarm fires. Everything that waits (a tick's
 * look at KV, a probe's answer) is a gate that the schedule opens, so that a seed is the same race every time.
 *
 * Beside the race a history is written: its operations in the order in which they took effect. `replay` carries them out
 * one after the other on a fresh database; `race` and `replay` must come to the same audit, the same tables and the same
 * answers. Runs on any `Db`; the proof of many seeds is in race-rounds.ts.
 */
import type { Refusal } from "../../src/contracts/problems.ts";
import type { Result } from "../../src/contracts/result.ts";
import { findAuditBreak } from "../../src/control/store/audit.ts";
import { readCounter } from "../../src/control/store/meta.ts";
import {
  ACCOUNTS,
  carryOut,
  dump,
  enter,
  flush,
  revisionOf,
  type Arena,
  type Gate,
  type Operation,
  type Start,
} from "./race-arena.ts";
import { drawIntent, type Intent } from "./race-script.ts";
import { createRandom, pick, type Random } from "./random.ts";
import { FRIDAY, MINUTE } from "./rollout-world.ts";

const OPERATORS = ["anna", "boris"] as const;
const CHANGES = 3;
const TICKS = 4;

/** What a race or a replay came to. */
export interface Outcome {
  /** Every answer to a command, in the order of the history. */
  readonly answers: readonly string[];
  /** Every table as text, but for what only tells when something was looked at. */
  readonly tables: Readonly<Record<string, string>>;
}

export interface Raced extends Outcome {
  readonly history: readonly Operation[];
  /** What must never be, in words. */
  readonly faults: readonly string[];
  /** How much of a race it was. */
  readonly counts: Readonly<Record<"won" | "lost" | "repeated" | "overlapping" | "moved", number>>;
}

interface Entry {
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
}

function auditAfter({ db }: Arena, seq: number): readonly Entry[] {
  return db.rows("SELECT seq, at, actor, action FROM audit WHERE seq > ? ORDER BY seq", seq).map((row) => ({
    seq: Number(row["seq"]),
    at: Number(row["at"]),
    actor: String(row["actor"]),
    action: String(row["action"]),
  }));
}

function lastEntry({ db }: Arena): number {
  return Number(db.rows("SELECT max(seq) AS last FROM audit")[0]?.["last"] ?? 0);
}

/** One race. */
class Race {
  readonly history: Operation[] = [];
  readonly answers: string[] = [];
  readonly faults: string[] = [];
  readonly counts = { won: 0, lost: 0, repeated: 0, overlapping: 0, moved: 0 };
  readonly arena: Arena;
  readonly random: Random;
  #lastTick = FRIDAY + MINUTE;
  #keys = 0;

  constructor(arena: Arena, random: Random) {
    this.arena = arena;
    this.random = random;
  }

  /** Carries an operation out, and notes it (or the tick that took effect by it) where it belongs. */
  async do(operation: Operation): Promise<Result<unknown, Refusal> | null> {
    const before = readCounter(this.arena.db, "clock");
    const answer = await carryOut(this.arena, operation);
    if (operation.kind !== "tick") this.history.push(operation);
    this.noteTick(before);
    return answer;
  }

  noteTick(before: number): void {
    const at = readCounter(this.arena.db, "clock");
    if (at !== before) this.history.push({ kind: "tick", at });
  }

  /** Lets a tick on that waits for KV. */
  async letOn(gate: Gate): Promise<void> {
    const { gates, db } = this.arena;
    const before = readCounter(db, "clock");
    gates.splice(gates.indexOf(gate), 1);
    gate.open(true);
    await flush();
    this.noteTick(before);
  }

  /** Cron, mostly in order; sometimes it comes twice, or an old one late. */
  async cron(): Promise<void> {
    const draw = this.random();
    const at =
      draw < 0.1
        ? this.#lastTick
        : this.#lastTick + (draw < 0.2 ? -MINUTE : Math.ceil(this.random() * 12) * MINUTE);
    this.#lastTick = Math.max(this.#lastTick, at);
    if (this.arena.gates.length > 0) this.counts.overlapping += 1;
    await this.do({ kind: "tick", at });
  }

  /** One write with what the operator has seen, and everything that must hold of its answer. */
  async write(who: string, intent: Intent, seen: number): Promise<void> {
    const ifMatch = this.random() < 0.85 ? seen : null;
    this.#keys += 1;
    const operation = { kind: "command", who, intent, ifMatch, key: `key-${this.#keys}` } as const;
    const current = revisionOf(this.arena, intent.resource);
    if (this.arena.gates.length > 0) this.counts.overlapping += 1;
    const last = lastEntry(this.arena);
    const result = await this.do(operation);
    if (result === null) return;
    this.answers.push(JSON.stringify(result));
    const entries = auditAfter(this.arena, last);
    this.judge(operation, { result, current, entries });
    if (this.random() < 0.15) await this.repeat(operation, result);
  }

  judge(
    { who, intent, ifMatch }: { who: string; intent: Intent; ifMatch: number | null },
    {
      result,
      current,
      entries,
    }: { result: Result<unknown, Refusal>; current: number; entries: readonly Entry[] },
  ): void {
    const name = `${who} ${intent.action} ${intent.resource.name}`;
    const checked = ifMatch !== null && intent.action !== "halt.set";
    if (result.ok) {
      this.counts.won += 1;
      if (checked && ifMatch !== current)
        this.faults.push(`${name}: wrote over ${current} having seen ${ifMatch}`);
      const mine = entries.filter(({ actor }) => actor === who);
      const told =
        (mine.length === 1 && mine[0]?.action === intent.action) ||
        (entries.length === 0 && !this.isChanged(intent, result.value, current));
      if (!told) this.faults.push(`${name}: the audit has ${JSON.stringify(entries)}`);
      return;
    }
    if (entries.length > 0)
      this.faults.push(`${name}: refused, and the audit has ${JSON.stringify(entries)}`);
    const { problem, extensions } = result.error;
    if (problem !== "stale-revision") {
      if (checked && ifMatch !== current && problem !== "not-found")
        this.faults.push(`${name}: ${problem} in place of stale-revision`);
      return;
    }
    this.counts.lost += 1;
    if (ifMatch === current) this.faults.push(`${name}: lost at the revision it had seen`);
    if (extensions?.["current_revision"] !== current)
      this.faults.push(`${name}: told ${JSON.stringify(extensions)} where it is at ${current}`);
  }

  /** Whether a write came to anything, and so must be in the audit. What a rollout does by itself raises its revision too. */
  isChanged({ action, resource }: Intent, value: unknown, before: number): boolean {
    if (action === "halt.set") return false;
    if (resource.kind === "rollout") return Number((value as { revision?: number }).revision ?? 0) > before;
    return revisionOf(this.arena, resource) !== before;
  }

  /** The client heard no answer and sends it again: the same answer, and nothing done twice. */
  async repeat(operation: Operation, result: Result<unknown, Refusal>): Promise<void> {
    if (!result.ok) return;
    const last = lastEntry(this.arena);
    const again = await carryOut(this.arena, operation);
    this.counts.repeated += 1;
    if (JSON.stringify(again) !== JSON.stringify(result))
      this.faults.push("a repeated request was answered otherwise");
    if (auditAfter(this.arena, last).length > 0) this.faults.push("a repeated request was carried out again");
  }

  async alarm(): Promise<void> {
    const { wakeUp, clock } = this.arena;
    if (wakeUp.at !== null) await this.do({ kind: "alarm", at: Math.max(clock.now, wakeUp.at) });
  }

  /** One gate, any of them. */
  async open(): Promise<void> {
    const gate = pick(this.random, this.arena.gates);
    if (gate.host === null) await this.letOn(gate);
    else await this.do({ kind: "answer", host: gate.host, well: this.random() < 0.85 });
  }
}

/** Runs one race. */
export async function race(start: Start, seed: number): Promise<Raced> {
  const random = createRandom(seed);
  const arena = enter(start, { isReplay: false });
  const run = new Race(arena, random);
  const desks = OPERATORS.map((who) => ({
    who,
    left: CHANGES,
    plan: null as { intent: Intent; seen: number } | null,
  }));
  let ticks = TICKS;
  for (;;) {
    const busy = desks.filter(({ left }) => left > 0);
    const choices: (() => Promise<void>)[] = busy.map((desk) => async () => {
      if (desk.plan === null) {
        const intent = drawIntent(random, ACCOUNTS);
        desk.plan = { intent, seen: revisionOf(arena, intent.resource) };
        return;
      }
      const { intent, seen } = desk.plan;
      desk.plan = null;
      desk.left -= 1;
      await run.write(desk.who, intent, seen);
    });
    if (ticks > 0)
      choices.push(async () => {
        ticks -= 1;
        await run.cron();
      });
    if (choices.length === 0) break;
    if (arena.gates.length > 0) choices.push(() => run.open());
    if (arena.wakeUp.at !== null && arena.wakeUp.at <= arena.clock.now + MINUTE)
      choices.push(() => run.alarm());
    await pick(random, choices)();
  }
  await comeToRest(run);
  const broken = findAuditBreak(arena.db);
  if (broken !== null) run.faults.push(broken);
  const entries = auditAfter(arena, 0);
  const backwards = entries.find(({ at }, index) => at < (entries[index - 1]?.at ?? 0));
  if (backwards !== undefined) run.faults.push(`entry ${backwards.seq} is older than the one before it`);
  const { history, answers, faults, counts } = run;
  return {
    history,
    answers,
    faults,
    counts: { ...counts, moved: movedOf(arena) },
    tables: dump(start, arena),
  };
}

/** Everything is answered, published and ticked once more. */
async function comeToRest(run: Race): Promise<void> {
  const { arena } = run;
  let ticks = 2;
  for (let steps = 0; steps < 200; steps += 1) {
    const [gate] = arena.gates;
    const due = arena.wakeUp.at;
    if (gate !== undefined) {
      if (gate.host === null) await run.letOn(gate);
      else await run.do({ kind: "answer", host: gate.host, well: true });
    } else if (due !== null && due <= arena.clock.now + 100_000) await run.alarm();
    else if (ticks === 0) return;
    else {
      ticks -= 1;
      await run.do({ kind: "tick", at: readCounter(arena.db, "clock") + MINUTE });
    }
  }
  run.faults.push("it does not come to rest");
}

function movedOf({ db }: Arena): number {
  return db.rows("SELECT seq FROM audit WHERE action = 'rollout.published'").length;
}

/** The same operations one after the other. */
export async function replay(start: Start, history: readonly Operation[]): Promise<Outcome> {
  const arena = enter(start, { isReplay: true });
  const answers: string[] = [];
  for (const operation of history) {
    const result = await carryOut(arena, operation);
    if (result !== null) answers.push(JSON.stringify(result));
  }
  return { answers, tables: dump(start, arena) };
}
