/**
 * The moved accounts one by one: who goes into quarantine, and when there are so many that the wave itself is stopped.
 * By itself only where the version is reversible; where it is not, one bad account holds the wave for a person to look.
 * Pure; called by verdict, which leaves it out while the baseline is bad. Design §5.2.
 */
import type { ErrorNumbers, GateInput, PartVerdict, SuspectAccount } from "../../contracts/gate.ts";
import { isConvicted, suspicionOf } from "./account-evidence.ts";
import { quarantineLimitOf } from "./policy.ts";
import { counted } from "../counted.ts";
import { percent } from "./wording.ts";

export interface AccountsFinding {
  readonly part: PartVerdict;
  /** Clearly worse than their own past, strongest evidence first. */
  readonly suspects: readonly SuspectAccount[];
  /** Those to be put back now: never more than the limit leaves. */
  readonly quarantine: readonly SuspectAccount[];
  /** The part holds the wave rather than failing it: something is wrong that may not be put right by itself. */
  readonly holds: boolean;
}

function named(suspects: readonly SuspectAccount[]): string {
  const [first] = suspects;
  if (first === undefined) return "";
  const others = suspects.length > 1 ? ` and ${counted(suspects.length - 1, "other")}` : "";
  return `${first.account} (${percent(first.nowShare)} now, ${percent(first.pastShare)} before)${others}`;
}

/** Accounts whose evidence is strong enough, strongest first. */
export function convicted(input: GateInput, numbers: ErrorNumbers): readonly SuspectAccount[] {
  const { accounts, policy, tests } = input;
  const shift = numbers.baseline?.estimate ?? 0;
  const level = { size: accounts.size, past: accounts.past, alpha: policy.alpha / Math.max(1, tests), shift };
  return accounts.suspects
    .map((tally) => suspicionOf(tally, level))
    .filter((suspect): suspect is SuspectAccount => suspect !== null && isConvicted(suspect))
    .toSorted((a, b) => b.logEvidence - a.logEvidence || (a.account < b.account ? -1 : 1));
}

function result(verdict: PartVerdict["verdict"], sentence: string): PartVerdict {
  return {
    part: "accounts",
    verdict,
    cause: verdict === "pass" ? "fine" : "accounts",
    sentence,
    missing: [],
  };
}

/** What the single accounts say about the wave. */
export function accountsPart(input: GateInput, numbers: ErrorNumbers): AccountsFinding {
  const { accounts, policy, reversible } = input;
  const suspects = convicted(input, numbers);
  const limit = quarantineLimitOf(policy, Math.max(accounts.size, numbers.movedAccounts));
  const room = Math.max(0, limit - accounts.quarantined);
  const all = accounts.quarantined + suspects.length;
  const quarantine = reversible ? suspects.slice(0, room) : [];
  const facts = { suspects, quarantine, holds: false };
  if (all > limit) {
    const who = suspects.length > 0 ? `: ${named(suspects)}` : "";
    const sentence = `${counted(all, "account")} clearly worse than their own past, where ${limit} are tolerated${who}`;
    return { ...facts, part: result("fail", sentence) };
  }
  if (suspects.length === 0) {
    const sentence = `none of ${counted(accounts.size, "moved account")} is clearly worse than its own past`;
    return { ...facts, part: result("pass", sentence) };
  }
  if (reversible) return { ...facts, part: result("pass", `to be put back alone: ${named(suspects)}`) };
  const sentence = `clearly worse than before, and the version cannot be left again: ${named(suspects)}`;
  return { ...facts, holds: true, part: result("fail", sentence) };
}
