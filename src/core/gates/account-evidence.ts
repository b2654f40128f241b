/**
 * Whether one moved account is clearly worse than its own past: evidence that may be read at any time, with the chance of
 * a single false quarantine held over the whole family of moved accounts. Decides who is suspected, not what is done.
 * Pure; called by the accounts' part of a verdict, by whoever picks the strongest few, and by the simulation. Design §5.2.
 */
import type { AccountTally, BlockTally, SuspectAccount } from "../../contracts/gate.ts";
import { logBeta } from "./log-beta.ts";

/** Blocks of past that the family's past counts for beside an account's own. */
const PRIOR_BLOCKS = 20;
/** An hour of past with traffic; below it an account has no past to be worse than. */
const MIN_PAST_BLOCKS = 12;
/** Below this nobody is called bad, however clear it looks. */
const MIN_BLOCKS = 3;
const MIN_REQUESTS = 10;
const MIN_FAILURES = 5;
/** Rates below this are taken for this: hours at two percent happen to everybody. */
const MIN_USUAL_SHARE = 0.02;
/** Clearly worse also means: at least double, and five points more. */
const CLEARLY_TIMES = 2;
const CLEARLY_MORE = 0.05;

/** What the past of an account makes likely: a beta distribution of its share of failures today. */
export interface Usual {
  readonly share: number;
  readonly a: number;
  readonly b: number;
}

function shareOf({ blocks, shareSum }: BlockTally): number {
  return blocks > 0 ? shareSum / blocks : 0;
}

/**
 * The rate an account may have today and still be its old self. Its mean is the account's past, drawn towards the family's
 * by twenty blocks, plus what the not moved accounts fail more today. Its shape `a` is 1 to 2, with the past it rests on:
 * a standard deviation of 70 % to 100 % of the mean, whatever the mean, because hours of one account differ by factors.
 *
 * @param shift increase of the not moved accounts over their past, a share; below 0 counts as 0.
 *
 * Worked example: 1.5 bad blocks of 300, family 1 %, no shift: mean (1.5 + 0.2) / 320 = 0.53 %, taken as 2 %;
 * a = 1 + 300/320 = 1.9375, b = 1.9375 · 0.98 / 0.02 = 94.9.
 */
export function usualOf(past: BlockTally, familyPast: BlockTally, shift: number): Usual {
  const mean = (past.shareSum + PRIOR_BLOCKS * shareOf(familyPast)) / (past.blocks + PRIOR_BLOCKS);
  const share = Math.min(Math.max(mean + Math.max(0, shift), MIN_USUAL_SHARE), 1);
  const a = 1 + past.blocks / (past.blocks + PRIOR_BLOCKS);
  return { share, a, b: Math.max(1, (a * (1 - share)) / share) };
}

/**
 * Evidence against "the same account as ever", as a logarithm. With n blocks whose shares of failures add up to s:
 *
 *     ln E = ln B(1 + s, 1 + n − s) − ln B(a + s, b + n − s) + ln B(a, b)
 *
 * the likelihood of any rate at all (uniform) over that of the usual rates (beta). E is a martingale when blocks fail as a
 * whole or not at all at a rate drawn from the beta distribution, whose next block fails with probability
 * (a + s) / (a + b + n). It stays a supermartingale for shares in between as long as their expectation is no more than
 * that: ln E is convex in the newest share (ψ′ falls, and a, b ≥ 1), so E lies below its chord. By Ville's inequality it
 * ever reaches m/α with probability at most α/m, and over m accounts at most one in 1/α families has any (Bonferroni).
 * A block is one trial however many requests it had: a burst of ten minutes is two or three bad blocks of hundreds.
 *
 * Sources: J. Ville (1939); I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B
 * 86 (2024) for bounded outcomes as bets; the beta mixture is H. Robbins's (1970).
 *
 * Worked example: a = 2, b = 98, five blocks that failed altogether: B(6, 1) = 1/6,
 * B(7, 98)/B(2, 98) = 2·3·4·5·6 / (100·101·102·103·104) = 6.524e-8 → E = 2,554,600, ln E = 14.75.
 * Of 24,000 accounts at alpha 0.05 it takes ln(480,000) = 13.08.
 */
export function logEvidence(now: BlockTally, usual: Usual): number {
  const { blocks: n, shareSum: s } = now;
  const { a, b } = usual;
  return logBeta(1 + s, 1 + n - s) - logBeta(a + s, b + n - s) + logBeta(a, b);
}

/**
 * In which order accounts are worth naming: their evidence, and nothing for those that fail less than expected, which is
 * evidence of a change too. For whoever holds the counts of all accounts and may name only a few.
 */
export function rankOf({ now, past }: Pick<AccountTally, "now" | "past">, familyPast: BlockTally): number {
  const usual = usualOf(past, familyPast, 0);
  return shareOf(now) > usual.share ? logEvidence(now, usual) : -Infinity;
}

/** What evidence must reach: ln(m / α). */
export function logThreshold(familySize: number, alpha: number): number {
  return Math.log(Math.max(1, familySize) / alpha);
}

export interface FamilyLevel {
  readonly size: number;
  readonly past: BlockTally;
  readonly alpha: number;
  readonly shift: number;
}

/**
 * How suspicious an account is, or null: too little seen, no past, or not clearly worse. Every condition besides the
 * evidence only takes accounts out, so the family's chance of a false quarantine stays at most alpha. Cheap for those
 * that are well, so it can be asked for every account.
 */
export function suspicionOf(
  { account, now, past }: AccountTally,
  family: FamilyLevel,
): SuspectAccount | null {
  if (now.blocks < MIN_BLOCKS || now.requests < MIN_REQUESTS || now.failures < MIN_FAILURES) return null;
  if (past.blocks < MIN_PAST_BLOCKS) return null;
  const usual = usualOf(past, family.past, family.shift);
  const nowShare = shareOf(now);
  if (nowShare < Math.max(CLEARLY_TIMES * usual.share, usual.share + CLEARLY_MORE)) return null;
  return {
    account,
    nowShare,
    pastShare: shareOf(past),
    blocks: now.blocks,
    requests: now.requests,
    failures: now.failures,
    logEvidence: logEvidence(now, usual),
    logThreshold: logThreshold(family.size, family.alpha),
  };
}

/** Whether the evidence is strong enough to act on. */
export function isConvicted({ logEvidence: has, logThreshold: needs }: SuspectAccount): boolean {
  return has >= needs;
}
