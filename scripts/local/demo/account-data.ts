/**
 * The tiny store that each demo version keeps for its accounts: how often each was written, by this very version and when,
 * and what a migration brought along. Two versions have two stores, as a schema change makes it, so that data that stays
 * behind or is written on both sides shows. `createMigration` is what hooks do with two of them, well or not.
 * Written by `origin.ts` (`POST /data`), read by the drill and end-to-end tests.
 */

/** Path of a demo version where a POST writes to the account that it is for. */
export const DATA_PATH = "/data";

export interface AccountRecord {
  /** Writes that this version took itself, and when the first and the last of them came; null: none. */
  readonly written: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** Writes that a migration brought; null: none ran, or it was undone. */
  readonly migrated: number | null;
}

const NOTHING: AccountRecord = { written: 0, firstMs: null, lastMs: null, migrated: null };

export interface AccountData {
  write(account: string, nowMs: number): void;
  read(account: string): AccountRecord;
  /** Takes what another version had; taking it again changes nothing. */
  receive(account: string, writes: number): void;
  /** Forgets what was received. */
  giveBack(account: string): void;
  /** All accounts that anything is known of. */
  accounts(): readonly string[];
}

/** Creates the store of one version: empty. */
export function createAccountData(): AccountData {
  const records = new Map<string, AccountRecord>();
  const read = (account: string): AccountRecord => records.get(account) ?? NOTHING;
  return {
    read,
    write(account, nowMs) {
      const { written, firstMs, migrated } = read(account);
      records.set(account, { written: written + 1, firstMs: firstMs ?? nowMs, lastMs: nowMs, migrated });
    },
    receive(account, writes) {
      records.set(account, { ...read(account), migrated: writes });
    },
    giveBack(account) {
      records.set(account, { ...read(account), migrated: null });
    },
    accounts: () => [...records.keys()],
  };
}

/** Everything that was ever written, wherever it was written first. */
export function totalOf({ written, migrated }: AccountRecord): number {
  return written + (migrated ?? 0);
}

export interface MigrationOptions {
  readonly from: AccountData;
  readonly to: AccountData;
  /** Time that carrying one account over takes. */
  readonly takesMs: number;
  /** Accounts that cannot be carried over, and why. */
  readonly fails: ReadonlyMap<string, string>;
  /** Accounts whose migration never ends. */
  readonly hangs: ReadonlySet<string>;
}

/** The three functions of `scripts/examples/migration-hook.ts`, between two stores. */
export function createMigration({ from, to, takesMs, fails, hangs }: MigrationOptions) {
  return {
    async prepare(account: string): Promise<void> {
      if (hangs.has(account)) await new Promise(() => {});
      await new Promise((resolve) => setTimeout(resolve, takesMs));
      const why = fails.get(account);
      if (why !== undefined) throw new Error(why);
      to.receive(account, totalOf(from.read(account)));
    },
    async verify(account: string): Promise<void> {
      const [before, after] = [totalOf(from.read(account)), to.read(account).migrated];
      if (after !== before) throw new Error(`${before} writes before, ${after ?? "none"} after`);
    },
    async undo(account: string): Promise<void> {
      to.giveBack(account);
    },
  };
}
