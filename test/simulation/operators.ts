/**
 * What operators, systems of record and accidents do to the control plane: commands drawn by chance, sent to the real
 * one, and written into the book when they were not refused. Some come twice, as from a client that heard no answer.
 */
import type { CommandInputs, CommandName } from "../../src/contracts/control.ts";
import { contextOf } from "../support/control-world.ts";
import { pick, type Random } from "../support/random.ts";
import {
  ACCOUNTS,
  HOTFIX,
  PRODUCTS,
  RAMP,
  saltReplacements,
  saltRollout,
  isNeverMixed,
  WAVES,
  type Beginning,
} from "./beginnings.ts";
import { BEGUN, enterRollout, type Book } from "./book.ts";
import type { ControlSide } from "./control-side.ts";
import type { RolloutWatch } from "./rollout-watch.ts";
import type { Tale } from "./tale.ts";

export interface OperatorParts {
  readonly beginning: Beginning;
  readonly side: ControlSide;
  readonly book: Book;
  readonly rollouts: RolloutWatch;
  readonly tale: Tale;
  readonly random: Random;
  readonly nowMs: () => number;
}

const NEW_ACCOUNTS = ["newcomer-0", "newcomer-1", "newcomer-2"] as const;
const ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata"] as const;
const HOUR = 3_600_000;
export const reason = "simulation";
const minuteText = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

export class Operators {
  readonly parts: OperatorParts;
  private exported: readonly string[] | null = null;
  private drafts = 0;
  private keys = 0;

  constructor(parts: OperatorParts) {
    this.parts = parts;
  }

  pick<T>(from: readonly T[]): T {
    return pick(this.parts.random, from);
  }

  async tell<K extends CommandName>(
    name: K,
    input: CommandInputs[K],
    onDone: () => void = () => undefined,
  ): Promise<boolean> {
    const { side, tale, random } = this.parts;
    this.keys += 1;
    const context = contextOf("admin", { idempotencyKey: `key-${this.keys}` });
    let isDone = false;
    await side.run(async (control) => {
      const result = await control.execute(name, input, context);
      isDone = result.ok;
      tale.say(() => `${name} ${JSON.stringify(input)}: ${result.ok ? "done" : result.error.detail}`);
      if (random() < 0.1) await control.execute(name, input, context);
    });
    tale.count(isDone ? `done: ${name}` : "commands refused");
    if (isDone) onDone();
    return isDone;
  }

  get newest(): string {
    return this.drafts === 0 ? BEGUN : `rollout-${this.drafts}`;
  }

  async startRollout(): Promise<void> {
    const { book, beginning } = this.parts;
    this.drafts += 1;
    const id = this.newest;
    const plan = this.pick(["steps", "quick", "nights", "all"] as const);
    const targets = { kiln: "2", fogbugz: "2" };
    const input = { id, targets, waves: WAVES[plan] };
    const isMade = await this.tell("rollout.create", { id, input }, () =>
      saltRollout(beginning, id, `salt-${id}`),
    );
    const isStarted =
      isMade &&
      (await this.tell("rollout.start", { id, input: { again: true } }, () => enterRollout(book, id, plan)));
    if (!isStarted) this.drafts -= 1;
  }

  async steer(how: "pause" | "resume" | "stop" | "rollback" | "approve"): Promise<void> {
    const id = this.newest;
    const entry = this.parts.book.rollouts.get(id);
    if (entry === undefined) return;
    switch (how) {
      case "pause":
      case "stop":
        await this.tell(`rollout.${how}`, { id, input: { reason } }, () => (entry.isRunning = false));
        return;
      case "resume":
        await this.tell(
          "rollout.resume",
          { id, input: { again: this.parts.random() < 0.5 } },
          () => (entry.isRunning = true),
        );
        return;
      case "approve": {
        const wave = this.pick([1, 2]);
        await this.tell("rollout.approve", { id, input: { wave } }, () => entry.approved.add(wave));
        return;
      }
      case "rollback": {
        const scope = this.pick([
          {},
          {},
          { toWave: 0 },
          { where: { cohort: "internal" } },
          { percentPerMinute: 20 },
        ]);
        const input = { ...scope, confirmed: true, reason };
        await this.tell("rollout.rollback", { id, input }, () => {
          entry.isRunning = false;
          entry.isBackAsked = true;
        });
      }
    }
  }

  async place(how: "pin" | "quarantine"): Promise<void> {
    const { book, nowMs, random } = this.parts;
    const [account, product] = [this.account(), this.pick(PRODUCTS)];
    const version = this.pick(["1", "2"]);
    const onDone = (): void => book.name(product, account, version);
    if (how === "quarantine") {
      await this.tell("account.quarantine.set", { account, product, input: { version, reason } }, onDone);
      return;
    }
    const expires = random() < 0.5 ? new Date(nowMs() + this.pick([1, 3, 30]) * HOUR).toISOString() : null;
    await this.tell("account.pin.set", { account, product, input: { version, reason, expires } }, onDone);
  }

  account(): string {
    return this.pick(this.parts.random() < 0.9 ? ACCOUNTS : NEW_ACCOUNTS);
  }

  async putAccount(): Promise<void> {
    const account = this.pick(this.parts.random() < 0.5 ? NEW_ACCOUNTS : ACCOUNTS);
    const input = { timeZone: this.pick(ZONES), cohort: this.pick(["internal", "general"]) };
    await this.tell("account.put", { account, input });
  }

  async importAccounts(): Promise<void> {
    const { book, side, tale } = this.parts;
    const kiln = this.pick(["1", "2"]);
    book.given.add(`kiln ${kiln}`);
    this.keys += 1;
    const id = `import-${this.keys}`;
    const lines = [this.pick(NEW_ACCOUNTS), this.account()].map((account, at) => ({
      line: at + 1,
      account: { account, timeZone: this.pick(ZONES), cohort: "general", homes: { kiln } },
    }));
    const { actor } = contextOf("admin");
    await side.run(async (control) => {
      await control.importBegin({ id, mode: "import", dryRun: false, expectRemoved: null }, actor);
      await control.importBatch(id, lines);
      await control.importEnd(id, 0);
      tale.count("imports");
      tale.say(
        () => `import of ${lines.map(({ account }) => account.account).join(" and ")} on kiln ${kiln}`,
      );
    });
  }

  async freeze(): Promise<void> {
    const { book, nowMs, random } = this.parts;
    if (random() < 0.4) {
      await this.tell("freeze.delete", { name: "sale", reason }, () => book.freezes.delete("sale"));
      return;
    }
    const from = Math.floor(nowMs() / 60_000) * 60_000 + this.pick([-10, 0, 1, 30]) * 60_000;
    const until = from + this.pick([15, 60, 600]) * 60_000;
    const input = { from: minuteText(from), to: minuteText(until), zone: "UTC", scope: {}, reason };
    await this.tell("freeze.put", { name: "sale", input }, () =>
      book.freezes.set("sale", { fromMs: from, untilMs: until }),
    );
  }

  async replace(): Promise<void> {
    const { beginning, book, random } = this.parts;
    const of = { product: "kiln", from: "1" };
    const draw = random();
    if (draw < 0.4) {
      const input = { ...RAMP, to: HOTFIX, percentPerMinute: this.pick([5, 30, 100]), reason };
      await this.tell("replacement.start", { ...of, input }, () => {
        saltReplacements(beginning, `salt-${this.keys}`);
        book.replacements.add(`kiln 1 ${HOTFIX}`);
      });
    } else if (draw < 0.55) await this.tell("replacement.pause", { ...of, input: { reason } });
    else if (draw < 0.75) await this.tell("replacement.resume", { ...of, input: {} });
    else if (draw < 0.85) await this.tell("replacement.stop", { ...of, input: { reason } });
    else await this.tell("replacement.rollback", { ...of, input: { confirmed: true, reason } });
  }

  /** The default moves by its own command alone, and back by one. */
  async moveDefault(): Promise<void> {
    const { book, random } = this.parts;
    const product = this.pick(PRODUCTS);
    if (random() < 0.3) {
      for (const version of ["1", "2"]) book.defaults.add(`${product} ${version}`);
      await this.tell("product.default.revert", { product, input: { reason } });
      return;
    }
    const version = this.pick(["1", "2"]);
    await this.tell("product.default.set", { product, input: { version, force: true, reason } }, () =>
      book.defaults.add(`${product} ${version}`),
    );
  }

  async setStable(): Promise<void> {
    const [product, version] = [this.pick(PRODUCTS), this.pick(["1", "2"])];
    await this.tell("product.stable.set", { product, input: { version, reason } }, () =>
      this.parts.book.given.add(`${product} ${version}`),
    );
  }

  async halt(): Promise<void> {
    const { book, random } = this.parts;
    const on = random() < 0.5;
    await this.tell("halt.set", { input: { on, reason } }, () => (book.isHalted = on));
  }

  async export(): Promise<void> {
    await this.parts.side.run(async (control) => {
      const lines: string[] = [];
      for (let cursor: string | null = null; ;) {
        const page = await control.exportPage(cursor);
        lines.push(...page.lines);
        ({ cursor } = page);
        if (cursor === null) break;
      }
      this.exported = lines;
      this.parts.tale.count("exports");
    });
  }

  /** Everything as it was exported. Where versions must not mix that would be a person's will to mix them. */
  async restore(): Promise<void> {
    const { side, tale, beginning, book } = this.parts;
    if (isNeverMixed(beginning)) return;
    if (this.exported === null) await this.export();
    const lines = this.exported ?? [];
    await side.run(async (control) => {
      await control.restoreBegin(contextOf("admin").actor, reason);
      await control.restoreLines(lines);
      const ended = await control.restoreEnd(0);
      tale.say(() => `restore of an export: ${ended.ok ? "done" : ended.error.detail}`);
      if (!ended.ok) return;
      tale.count("restores");
      book.isRestored = true;
      this.readBook();
    });
  }

  /** What a restore brought back is not in the book: of it nothing is expected but what all maps must hold. */
  private readBook(): void {
    const { book, rollouts } = this.parts;
    rollouts.forget();
    book.isHalted = false;
    book.freezes.clear();
    for (const entry of book.rollouts.values()) {
      entry.isRunning = true;
      entry.isBackAsked = true;
      for (const wave of entry.needsApproval) entry.approved.add(wave);
    }
  }
}
