/**
 * `--prune KIND/NAME`: removing, one by one and by name. Nothing is ever removed because a file is missing. A version is
 * retired (its name stays taken), a product never goes. What is in the directory cannot be pruned; what is not there any
 * more needs nothing, so that the same command can be run again. Pure.
 */
import { SERVING_STATES, stepsBetween } from "../../../src/core/version-steps.ts";
import { usageFailure } from "../failure.ts";
import { KINDS, pathOf, type Resource } from "./layout.ts";
import type { Live } from "./live.ts";
import { RANKS, type Call, type PlanItem, type ResourcePlan } from "./plan.ts";
import type { Directory } from "./read.ts";

const PRUNED = ["version", "window", "freeze", "rollout", "account"] as const;

/** What each name says, with what is known of it. */
export interface Pruning {
  readonly keys: readonly string[];
  readonly directory: Directory;
  readonly live: Live;
  readonly reason: string;
  /** Slugs that the directory's file of accounts holds, and those that the instance has. */
  readonly slugs: { readonly written: ReadonlySet<string>; has(slug: string): boolean };
}

/** @throws Failure (usage) for a name that may not be pruned. */
export function planPrune({ keys, directory, live, reason, slugs }: Pruning): ResourcePlan {
  const items: PlanItem[] = [];
  const calls: Call[] = [];
  const notes: string[] = [];
  for (const key of new Set(keys)) {
    if (directory.written.has(key) || slugs.written.has(key.replace(/^account\//, "")))
      throw usageFailure(`--prune ${key}: the directory has it.`, "Remove it there first.");
    const account = key.startsWith("account/") ? key.slice("account/".length) : null;
    const found = live.found.get(key)?.resource ?? null;
    const made =
      account !== null && slugs.has(account)
        ? [deletion(key, `/accounts/${encodeURIComponent(account)}`, reason)]
        : found === null
          ? []
          : pruneCalls(key, found, reason);
    if (made.length === 0) notes.push(`${key}: there is none, so there is nothing to prune.`);
    else items.push({ mark: "-", key, changes: [], accounts: live.found.get(key)?.accounts ?? 0 });
    calls.push(...made);
  }
  return { items, calls, notes };
}

/** @throws Failure (usage) for anything that is no name of something that can be pruned. */
export function checkPruneKey(key: string): string {
  const kind = key.slice(0, key.indexOf("/"));
  if (kind === "product")
    throw usageFailure(`--prune ${key}: products are never removed.`, "Retire its versions one by one.");
  if (PRUNED.some((each) => each === kind) && key.length > kind.length + 1) return key;
  const like = KINDS.find((each) => kind !== "" && (each.startsWith(kind) || kind.startsWith(each)));
  throw usageFailure(
    `--prune ${key}: write KIND/NAME, KIND being ${PRUNED.join(", ")}.`,
    `For example --prune ${like === undefined || like === "product" ? "window" : like}/NAME; a version is version/PRODUCT/NAME.`,
  );
}

function deletion(key: string, path: string, reason: string): Call {
  return {
    rank: RANKS.prune,
    key,
    what: `delete ${key}`,
    method: "DELETE",
    path,
    // A draft has no history to explain.
    ...(path.startsWith("/rollouts/") ? {} : { query: { reason } }),
    revision: null,
  };
}

function pruneCalls(key: string, resource: Resource, reason: string): readonly Call[] {
  if (resource.kind !== "version") return [deletion(key, pathOf(resource), reason)];
  const from = resource.value.state ?? "registered";
  return stepsBetween(from, "retired").map((state) => ({
    rank: RANKS.prune + (SERVING_STATES.includes(from) ? 1 : 0),
    key,
    what: `take ${key} to ${state}`,
    method: "POST",
    path: `${pathOf(resource)}/state`,
    body: { state, reason },
    revision: null,
  }));
}
