/**
 * How today's fleet and the decisions agree, for people: what edges counted, and of every account that differed whether it
 * still would, by the maps that this node serves. So an account whose home was put right counts as settled, although the
 * fleet was not asked again. Called by routes/fleet.ts; reads only, and never throws for meters that do not answer.
 */
import type { FleetComparisonView } from "../contracts/api/fleet.ts";
import type { Product } from "../contracts/api/products.ts";
import type { FleetComparison, SeenDifference } from "../contracts/fleet.ts";
import { decideVersion } from "../core/decide-version.ts";
import type { AdminContext, Services } from "./deps.ts";
import type { ReaderRequest } from "../adapters/maps-reader/types.ts";

/** Accounts that one answer spells out. */
const MAX_SHOWN = 1000;

const NOTHING: FleetComparison = {
  agree: 0,
  differ: 0,
  unnamed: 0,
  undecided: 0,
  forgotten: 0,
  accounts: [],
};

/** @returns the comparison of a product, or null when the meters do not answer. */
export async function compareProduct(
  product: Product,
  services: Services,
  context: AdminContext,
): Promise<FleetComparisonView | null> {
  const { fleet } = product;
  const found = fleet === null ? NOTHING : await services.meters.fleet(fleet.run).catch(() => null);
  if (found === null) return null;
  const differences = await Promise.all(
    found.accounts.map(async (seen) => ({
      seen,
      ours: await decideNow(product.name, seen, { services, context }),
    })),
  );
  const differing = differences.filter(({ seen, ours }) => ours !== seen.theirs);
  const shown = differing.toSorted((a, b) => b.seen.requests - a.seen.requests).slice(0, MAX_SHOWN);
  const { agree, differ, unnamed, undecided, forgotten } = found;
  return {
    product: product.name,
    mode: fleet?.mode ?? "active",
    since: fleet?.since ?? null,
    versionHeader: fleet?.versionHeader ?? null,
    compared: agree + differ,
    agree,
    differ,
    unnamed,
    undecided,
    differing: differing.length,
    settled: differences.length - differing.length,
    forgotten,
    accounts: shown.map(({ seen: { account, theirs, requests, lastAt }, ours }) => ({
      account: account === "" ? null : account,
      theirs,
      ours,
      requests,
      lastAt: new Date(lastAt).toISOString(),
    })),
  };
}

interface Asking {
  readonly services: Services;
  readonly context: AdminContext;
}

/** The version that the maps of this node decide for an account; null when they cannot, or it is held. */
async function decideNow(
  product: string,
  { account }: SeenDifference,
  { services, context }: Asking,
): Promise<string | null> {
  const { maps, clock } = services;
  const request: ReaderRequest = { nowMs: clock.nowMs(), waitUntil: context.waitUntil };
  const snapshot = await maps.current(request);
  const { root, breakGlass } = snapshot;
  if (root === null) return null;
  const found = account === "" ? null : await maps.row(snapshot, account, request);
  if (found?.kind === "unresolved") return null;
  const row = found?.kind === "row" ? found.row : null;
  const slug = account === "" ? null : account;
  const decision = decideVersion({ root, breakGlass, product, slug, row, override: null });
  return decision.kind === "forward" ? decision.version : null;
}
