/** Every fuzz target, in the order in which they are run. */
import { apiTarget, linesTarget, planTarget, tokensTarget } from "./api.ts";
import { breakGlassTarget, readerTarget, rootTarget, shardTarget } from "./maps.ts";
import type { Target } from "./target.ts";
import { headersTarget, hostTarget, overrideTarget, targetTarget } from "./wire.ts";

export const TARGETS: readonly Target[] = [
  hostTarget,
  targetTarget,
  headersTarget,
  overrideTarget,
  linesTarget,
  planTarget,
  apiTarget,
  rootTarget,
  shardTarget,
  breakGlassTarget,
  readerTarget,
  tokensTarget,
];
