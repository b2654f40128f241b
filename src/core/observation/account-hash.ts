/**
 * Which meter an account's counts go to, and whether it is in a sample. The hash has a seed of its own, so that neither is
 * part of a wave or a shard; the meter comes from its low bits and the sample from its high ones, so that each meter has
 * its part of a sample. Pure.
 */
import type { AccountSlug } from "../../contracts/units.ts";
import { murmur3 } from "../murmur3.ts";

const SEED = 0x6f627376;
const HASH_BITS = 32;

/** Beyond this no sample gets smaller. */
export const MAX_LEVEL = HASH_BITS;

/** Unsigned 32 bits. */
export function accountHash(account: AccountSlug): number {
  return murmur3(account, SEED);
}

/** Whether an account is in the sample of a level: one of 2^level, and in every larger sample too. Level 0 is everybody. */
export function isSampled(hash: number, level: number): boolean {
  return hash < 2 ** (HASH_BITS - level);
}
