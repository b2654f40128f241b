/**
 * The place of a history: the real control plane and its publisher, real readers behind real edges in several locations,
 * over a KV, a clock and a chance that depend on one seed alone. Lets time pass, carries out one thing at a time to where
 * nothing goes on by itself, and checks after each what must hold. What happens next is drawn in history.ts.
 */
import type { SeenIsolate } from "../../src/contracts/telemetry.ts";
import { createFakeCache, type FakeCache } from "../support/fake-kv.ts";
import { createRandom, type Random } from "../support/random.ts";
import { createTestClock, type TestClock } from "../support/test-clock.ts";
import { AnswerWatch } from "./answer-watch.ts";
import { isNeverMixed, type Beginning } from "./beginnings.ts";
import { Book, enterBeginning } from "./book.ts";
import { ControlSide } from "./control-side.ts";
import { Isolate } from "./isolate.ts";
import { act } from "./draws.ts";
import { Operators } from "./operators.ts";
import { PublishWatch } from "./published.ts";
import { RolloutWatch } from "./rollout-watch.ts";
import type { Seams } from "./seams.ts";
import { createLocation, SpreadingKv, type Location } from "./spreading-kv.ts";
import { Tale, Violation } from "./tale.ts";

const LOCATIONS = 2;
const ISOLATES = 3;
/** Alarms that fire in their time within one stretch; those after it come late, at its end. */
const MOST_ALARMS = 4;

export interface SimulationOptions {
  readonly seed: number;
  readonly beginning: Beginning;
  readonly seams: Seams;
  /** The story is wanted. */
  readonly isTold: boolean;
}

export class Simulation {
  readonly beginning: Beginning;
  readonly random: Random;
  readonly clock: TestClock;
  readonly tale: Tale;
  readonly kv: SpreadingKv;
  readonly side: ControlSide;
  readonly operators: Operators;
  readonly published: PublishWatch;
  readonly locations: readonly Location[];
  readonly isolates: Isolate[];
  private readonly caches: readonly FakeCache[];
  private readonly rollouts: RolloutWatch;
  private readonly answers: AnswerWatch;
  private readonly seams: Seams;
  /** The latest time that the control plane may go by: of cron, or of the wall clock when it was called. */
  private latestMs: number;
  private born = 0;
  private broken: Error | null = null;

  constructor({ seed, beginning, seams, isTold }: SimulationOptions) {
    beginning.db.rewind();
    const { db, nowMs } = beginning;
    const random = createRandom(seed);
    const clock = createTestClock(nowMs);
    const nowOf = (): number => clock.nowMs();
    const tale = new Tale(nowOf, isTold);
    const kv = new SpreadingKv(beginning.values, nowOf);
    const book = new Book();
    this.beginning = beginning;
    this.random = random;
    this.clock = clock;
    this.tale = tale;
    this.kv = kv;
    this.seams = seams;
    this.latestMs = nowMs;
    const rollouts = new RolloutWatch({ db, book, tale });
    this.rollouts = rollouts;
    this.published = new PublishWatch({ book, rollouts, tale });
    this.locations = Array.from({ length: LOCATIONS }, () => createLocation({ kv, clock, random, tale }));
    this.caches = this.locations.map(() => createFakeCache(clock));
    const isReported = random() < 0.5;
    const seen = (): readonly SeenIsolate[] | null => (isReported ? this.reports() : null);
    const onRoot = (): void => this.guard(() => this.noteRoot());
    const onTurn = (): void => this.called();
    this.side = new ControlSide({ beginning, kv, clock, random, tale, seams, seen, onRoot, onTurn });
    const isNever = isNeverMixed(beginning);
    const data = beginning.hasHooks ? this.side.origin : null;
    this.answers = new AnswerWatch({ published: this.published, tale, data, isNeverMixed: isNever });
    this.operators = new Operators({
      beginning,
      side: this.side,
      book,
      rollouts,
      tale,
      random,
      nowMs: nowOf,
    });
    enterBeginning(book, beginning);
    this.rollouts.look(nowMs);
    this.published.take(kv.values, nowMs);
    this.isolates = Array.from({ length: ISOLATES }, (_unused, at) => this.bear(at % LOCATIONS));
    this.tale.say(() => `it begins with "${beginning.name}", generation ${this.published.last.generation}`);
  }

  get nowMs(): number {
    return this.clock.nowMs();
  }

  /** A cold isolate in a location. */
  private bear(at: number): Isolate {
    const { clock, random, seams, tale } = this;
    const [location, cache] = [this.locations[at], this.caches[at]];
    if (location === undefined || cache === undefined) throw new Error(`there is no location ${at}`);
    this.born += 1;
    const name = `isolate-${this.born}`;
    tale.count("isolates started");
    return new Isolate({
      name,
      location,
      cache,
      clock,
      random,
      seams,
      onAnswer: (answer) =>
        this.guard(() => {
          tale.say(
            () =>
              `${name} answers ${answer.product}/${answer.slug} ${answer.status} by ${answer.version ?? "nobody"} from generation ${answer.generation}`,
          );
          this.answers.take(answer);
        }),
      onMaps: (isolate, maps) => this.guard(() => this.answers.checkGeneration(isolate, maps)),
      onGlass: (isolate) => this.answers.forgetHeld(isolate),
      onFault: (what) => this.guard(() => fail(`${name}: ${what}`)),
    });
  }

  /** An isolate is gone, and another one starts cold where it was. */
  replaceIsolate(index: number): void {
    const old = this.isolates[index];
    if (old === undefined) return;
    old.isAlive = false;
    this.tale.say(() => `${old.name} is gone`);
    this.isolates[index] = this.bear(this.locations.indexOf(old.location));
  }

  private reports(): readonly SeenIsolate[] {
    return this.isolates
      .filter(({ lastMs }) => lastMs > 0)
      .map(({ name: isolate, generation, lastMs: reportedAt }) => ({
        isolate,
        generation,
        breakGlass: false,
        requests: 1,
        reportedAt,
      }));
  }

  /** Keeps the first promise that is broken: it may be found deep inside what it must not disturb. */
  private guard(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.broken ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  private noteRoot(): void {
    this.look();
    this.published.take(this.kv.values, this.nowMs);
  }

  /** Who looks is outside, as a reader of KV is: nothing can be lost any more that was seen here. */
  private look(): void {
    this.side.confirm();
    this.rollouts.look(this.latestMs);
  }

  /** Throws with the first promise that is broken. */
  check(): void {
    this.side.bury();
    this.guard(() => this.look());
    if (this.broken !== null) throw this.broken;
    const [fault] = this.side.faults;
    if (fault !== undefined) fail(fault);
    const [twice] = this.side.origin.faults;
    if (twice !== undefined) throw new Violation("data-follows", twice);
  }

  /** The control plane was called now, or told a time by cron. */
  called(atMs = this.nowMs): void {
    this.latestMs = Math.max(this.latestMs, atMs);
  }

  /** Time passes; alarms fire when they are due, or late. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (let alarms = 0; alarms < MOST_ALARMS; alarms += 1) {
      await this.rise();
      const { wakeAt } = this.side;
      if (wakeAt === null || wakeAt > untilMs) break;
      await this.clock.advance(Math.max(0, wakeAt - this.nowMs));
      await this.alarm();
    }
    await this.clock.advance(untilMs - this.nowMs);
    await this.rise();
    this.check();
  }

  async alarm(): Promise<void> {
    await this.rise();
    this.called();
    this.side.wakeAt = null;
    await this.side.run((control) => control.alarm());
    this.check();
  }

  async tick(scheduledMs: number): Promise<void> {
    await this.rise();
    this.called(scheduledMs);
    this.tale.count("ticks");
    this.tale.say(() => `cron ticks for ${new Date(scheduledMs).toISOString().slice(5, 19)}`);
    await this.side.run((control) => control.tick(scheduledMs));
    this.check();
  }

  async act(): Promise<void> {
    await this.rise();
    this.called();
    await act(this.operators);
    this.check();
  }

  /** Who died is started again by whatever calls it next. */
  private async rise(): Promise<void> {
    if (!this.side.isDead) return;
    this.side.restart();
    await this.clock.settle();
  }
}

function fail(what: string): never {
  throw new Violation("no-throw", what);
}
