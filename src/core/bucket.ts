/**
 * Which of 10,000 buckets an account falls into for one rollout or replacement.
 * The formula is part of the contract: operators can compute it elsewhere, and a change would move accounts.
 * Called by `decide-version` on every request and by the control plane for plans and counts. Pure.
 */
import { BUCKETS } from "../contracts/limits.ts";
import type { AccountSlug, Bucket } from "../contracts/units.ts";
import { murmur3 } from "./murmur3.ts";

/**
 * Bucket of an account: `murmur3_x86_32(salt + ":" + slug, seed 0) % 10000`.
 * The salt belongs to the rollout, so that the same accounts are not always the first.
 * Example: a threshold of 2,500 takes the accounts whose bucket is below 2,500, about a quarter of them.
 */
export function bucketOf(salt: string, slug: AccountSlug): Bucket {
  return murmur3(`${salt}:${slug}`, 0) % BUCKETS;
}
