/**
 * What must be the same on both sides: accounts by product, version, cohort, time zone and cell. The digest is of the
 * sorted counts, so that two people at two screens can compare it by eye. Pure.
 */
import { createHash } from "node:crypto";
import type { Account } from "../../../src/contracts/api/accounts.ts";

export interface Counts {
  add(account: Pick<Account, "homes" | "cohort" | "timeZone" | "cell">): void;
  /** Accounts, each once. */
  readonly accounts: number;
  /** SHA-256 over the sorted lines, in hex. */
  digest(): string;
  lines(): ReadonlyMap<string, number>;
}

export function createCounts(): Counts {
  const lines = new Map<string, number>();
  let accounts = 0;
  return {
    add({ homes, cohort, timeZone, cell }) {
      accounts += 1;
      for (const [product, version] of Object.entries(homes)) {
        const key = [product, version, cohort, timeZone, cell ?? "–"].join(" × ");
        lines.set(key, (lines.get(key) ?? 0) + 1);
      }
    },
    get accounts() {
      return accounts;
    },
    digest() {
      const sorted = [...lines].map(([key, number]) => `${key} = ${number}`).toSorted();
      return createHash("sha256")
        .update([`accounts = ${accounts}`, ...sorted].join("\n"))
        .digest("hex");
    },
    lines: () => lines,
  };
}

export interface CountDifference {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

/** Every count that is not the same, by name. */
export function differencesOf(from: Counts, to: Counts): readonly CountDifference[] {
  const [a, b] = [from.lines(), to.lines()];
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((what) => ({ what, from: a.get(what) ?? 0, to: b.get(what) ?? 0 }))
    .filter((each) => each.from !== each.to)
    .toSorted((x, y) => (x.what < y.what ? -1 : 1));
}
