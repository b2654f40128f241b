/**
 * A move of the default that waits for a second person, where four eyes hold: asked for by one, approved by another, or
 * withdrawn by anybody, or ended by time. Persons are names: tokens, sessions and identities of one name are one. Everything
 * that a move by hand takes is asked for again when it is approved, because hours may lie between. Putting the default back
 * is protective and never waits; whatever else moves the default ends what waits, which was asked for in another world.
 */
import type { Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { appendAudit } from "../store/audit.ts";
import {
  loadDefaultRequest,
  loadDefaultRequests,
  saveDefaultRequest,
  takeDefaultRequest,
  type DefaultRequest,
} from "../store/four-eyes.ts";
import { loadProduct, saveProduct, type ProductRecord } from "../store/products.ts";
import { viewProduct } from "../view/products.ts";
import { findProduct, finishProduct } from "./find-product.ts";
import type { Change, Work } from "./work.ts";

/** A day: whoever is asked in the evening answers in the morning, and nothing stays to be approved by accident. */
export const DEFAULT_REQUEST_MS = 24 * 60 * 60 * 1000;

/** Asks for a move that may be made, but for the second person. */
export function askForDefault(
  work: Work,
  product: ProductRecord,
  { version, force, reason }: CommandInputs["product.default.set"]["input"],
): Result<Change<Product>, Refusal> {
  const { db, actor, nowMs } = work;
  const waiting = loadDefaultRequest(db, product.name);
  if (waiting !== null && waiting.askedBy !== actor.name && waiting.untilMs > nowMs) {
    return refuse(
      "conflict",
      `${waiting.askedBy} asked for ${product.name} ${waiting.version} already, until ${toInstant(waiting.untilMs)}: approve it (default approve ${product.name} ${waiting.version}), or withdraw it first (default withdraw ${product.name})`,
    );
  }
  const untilMs = nowMs + DEFAULT_REQUEST_MS;
  const request: DefaultRequest = {
    product: product.name,
    version,
    force,
    reason,
    before: product.default,
    askedBy: actor.name,
    askedMs: nowMs,
    untilMs,
  };
  saveDefaultRequest(db, request);
  const detail = { version, force, until: toInstant(untilMs), instead: waiting?.version ?? null };
  const told = { action: "product.default.asked", reason, detail };
  // It shows what waits, so its revision goes on with it.
  return finishProduct(work, product, { told, maps: "unchanged" });
}

/** The move that waits, if this person may approve it. */
export function findApprovable(
  work: Work,
  { product: name, input }: CommandInputs["product.default.approve"],
): Result<{ readonly request: DefaultRequest }, Refusal> {
  const request = loadDefaultRequest(work.db, name);
  const waits = request !== null && request.untilMs > work.nowMs;
  if (!waits) return refuse("conflict", `no move of the default of ${name} waits for approval`);
  if (request.version !== input.version) {
    return refuse(
      "conflict",
      `${name} ${request.version} waits for approval, not ${input.version}: look again (default show ${name})`,
    );
  }
  if (request.askedBy === work.actor.name) {
    return refuse(
      "forbidden",
      `four eyes hold for the default of ${name}: ${request.askedBy} asked for ${request.version}, so somebody of another name approves it`,
    );
  }
  const now = loadProduct(work.db, name)?.default ?? null;
  if (now !== request.before) {
    return refuse(
      "conflict",
      `the default of ${name} was ${request.before ?? "none"} when this was asked for and is ${now ?? "none"} now: withdraw it and ask again`,
    );
  }
  return ok({ request });
}

/** Ends the wait without a move; whoever may move the default may, also who asked. */
export function withdrawDefault(
  work: Work,
  { product: name, reason }: CommandInputs["product.default.withdraw"],
): Result<Change<Product>, Refusal> {
  const found = findProduct(work, name);
  if (!found.ok) return found;
  const request = takeDefaultRequest(work.db, name);
  if (request === null) return ok({ output: viewProduct(work.db, found.value), told: null });
  const told = { action: "product.default.withdrawn", reason, detail: shownRequest(request) };
  return finishProduct(work, found.value, { told, maps: "unchanged" });
}

/** Ends what nobody approved in time. @returns a sentence for each. */
export function endDefaultRequests(db: Db, nowMs: EpochMs): readonly string[] {
  return loadDefaultRequests(db)
    .filter(({ untilMs }) => untilMs <= nowMs)
    .map((request) => {
      const { product: name, version, askedBy } = request;
      takeDefaultRequest(db, name);
      const product = loadProduct(db, name);
      if (product !== null) saveProduct(db, { ...product, revision: product.revision + 1 });
      appendAudit(db, {
        at: nowMs,
        actor: "tick",
        role: "system",
        action: "product.default.lapsed",
        target: `product/${name}`,
        reason: "nobody approved it in time",
        detail: shownRequest(request),
      });
      return `nobody approved ${name} ${version} for the default, which ${askedBy} asked for`;
    });
}

/** What the audit says of a move that waited. */
export function shownRequest({ version, force, askedBy, askedMs }: DefaultRequest): Record<string, unknown> {
  return { version, force, askedBy, askedAt: toInstant(askedMs) };
}
