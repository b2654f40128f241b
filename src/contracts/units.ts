/**
 * Names for the plain values that travel everywhere, so that a signature says what it wants.
 * Units of time and size are part of a field's own name (`…Ms`, `…Seconds`, `…Bytes`).
 */

/** Slug of an account: one DNS label, `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`, never `xn--…`. The same for all products. */
export type AccountSlug = string;

/** Name of a product, such as `kiln`: same grammar as a slug, at most 32 characters. */
export type ProductName = string;

/** Name of a version of a product, such as `2.9.0`: `[A-Za-z0-9][A-Za-z0-9._+-]{0,63}`. */
export type VersionName = string;

/** Milliseconds since the Unix epoch. */
export type EpochMs = number;

/** Number of the published maps. Grows by at least one with every publish, through restores too. */
export type Generation = number;

/** Bucket of an account in a rollout, 0–9,999; thresholds in `moved[]` and `held[]` are 0–10,000. */
export type Bucket = number;
