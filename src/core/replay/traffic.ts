/**
 * Traffic of a recording: who sends how much, what becomes of it, counted as meters count. Without randomness: an account
 * sends at even distances and fails at even distances, so that a replay says the same each time. Pure but for its own
 * counts; called by play.
 */
import type { AccountTally, BlockTally, SideMoments } from "../../contracts/gate.ts";
import type { RecordedClass, Recording } from "../../contracts/api/replay.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { addAccount, capFor, NO_MOMENTS } from "../gates/moments.ts";

export interface RecordedAccount {
  readonly slug: string;
  readonly cohort: string;
  readonly zone: string;
  readonly requestsPerMinute: number;
}

export function accountsOf({ accounts }: Recording): readonly RecordedAccount[] {
  let number = 0;
  return accounts.flatMap(({ count, ...one }) =>
    Array.from({ length: count }, () => ({ ...one, slug: `account-${(number += 1)}` })),
  );
}

/** Share of failures of a version for a class and, of known accounts, one of them. */
export function failuresOf(
  { behaviour, usualFailures }: Recording,
  asked: { product: ProductName; version: VersionName; class: RecordedClass; account: string | null },
): number {
  const found = behaviour.find(
    (one) =>
      one.product === asked.product &&
      one.version === asked.version &&
      one.class === asked.class &&
      (one.accounts === undefined || (asked.account !== null && one.accounts.includes(asked.account))),
  );
  return Math.max(usualFailures, found?.failures ?? 0);
}

/** How often something that happens `rate` times a minute happens in this minute; `offset` keeps accounts apart. */
export function timesIn(minute: number, rate: number, offset: number): number {
  return Math.floor((minute + 1) * rate + offset) - Math.floor(minute * rate + offset);
}

const BLOCK_MINUTES = 5;
const FRACTION = 0.618_033_988_749;

interface Counted {
  requests: number;
  failures: number;
  /** Of the block under way. */
  block: number;
  blockRequests: number;
  blockFailures: number;
  blocks: number;
  shareSum: number;
  /** In whole blocks. */
  wholeRequests: number;
  wholeFailures: number;
}

/** Counts of one product's accounts on one side since a wave began to move. */
export class SideCount {
  private readonly accounts = new Map<string, Counted>();

  add(slug: string, minute: number, { requests, failures }: { requests: number; failures: number }): void {
    if (requests === 0) return;
    const one = this.accounts.get(slug) ?? {
      requests: 0,
      failures: 0,
      block: -1,
      blockRequests: 0,
      blockFailures: 0,
      blocks: 0,
      shareSum: 0,
      wholeRequests: 0,
      wholeFailures: 0,
    };
    this.accounts.set(slug, one);
    const block = Math.floor(minute / BLOCK_MINUTES);
    if (block !== one.block) this.closeBlock(one, block);
    one.requests += requests;
    one.failures += failures;
    one.blockRequests += requests;
    one.blockFailures += failures;
  }

  private closeBlock(one: Counted, next: number): void {
    if (one.blockRequests > 0) {
      one.blocks += 1;
      one.shareSum += one.blockFailures / one.blockRequests;
      one.wholeRequests += one.blockRequests;
      one.wholeFailures += one.blockFailures;
    }
    one.block = next;
    one.blockRequests = 0;
    one.blockFailures = 0;
  }

  get size(): number {
    return this.accounts.size;
  }

  moments(pastShare: number): SideMoments {
    const all = [...this.accounts.values()];
    const cap = capFor({
      requests: all.reduce((sum, { requests }) => sum + requests, 0),
      accounts: all.length,
    });
    return all.reduce((sum, one) => addAccount(sum, { ...one, pastShare }, cap), NO_MOMENTS);
  }

  /** Accounts that failed at all, each against the past that all of them had. */
  suspects(past: BlockTally): readonly AccountTally[] {
    return [...this.accounts]
      .filter(([, { wholeFailures }]) => wholeFailures > 0)
      .map(([account, { blocks, shareSum, wholeRequests, wholeFailures }]) => ({
        account,
        now: { blocks, shareSum, requests: wholeRequests, failures: wholeFailures },
        past,
      }));
  }
}

/** Requests and failures of one account in one minute, given what its version does. */
export function minuteOf(
  account: RecordedAccount,
  index: number,
  { minute, failures }: { minute: number; failures: number },
): { requests: number; failures: number } {
  const offset = (index * FRACTION) % 1;
  const requests = timesIn(minute, account.requestsPerMinute, offset);
  if (requests === 0) return { requests: 0, failures: 0 };
  const before = Math.floor(minute * account.requestsPerMinute + offset);
  const failed = Math.floor((before + requests) * failures + offset) - Math.floor(before * failures + offset);
  return { requests, failures: Math.min(requests, Math.max(0, failed)) };
}
