/**
 * Names that nobody has, each once, at the maps reader of one isolate: what is read of KV for them. Called by
 * `isolate-entry.ts`, bundled with it, never deployed.
 */
// oxlint-disable no-restricted-imports -- part of a Worker, not a script that talks to one
import type { MapsReader, ReaderRequest } from "../../../src/adapters/maps-reader/types.ts";
import { classifyRequest, type BaseDomains } from "../../../src/core/classify-request.ts";

export const MINUTE_MS = 60_000;
const ADMIN_HOST = "admin.bench.invalid";
/** Until reads that the last requests started have ended. */
const AFTER_MS = 20;

export interface Flood {
  /** Under a base domain, or foreign, where each might be a custom domain. */
  readonly hosts: "unknown" | "foreign";
  /** Number of the first name, so that none comes twice. */
  readonly from: number;
  readonly names: number;
  readonly perMinute: number;
}

export interface Flooded {
  readonly world: {
    readonly reader: MapsReader;
    readonly counted: { operations: number; root: number };
    nowMs: number;
  };
  readonly access: ReaderRequest;
  readonly baseDomains: BaseDomains;
  readonly domain: string;
}

/** @throws when a name is taken for something else than what nobody has. */
export async function flood(
  { world, access, baseDomains, domain }: Flooded,
  { hosts, from, names, perMinute }: Flood,
): Promise<{ readonly operations: number; readonly root: number }> {
  const isUnknown = hosts === "unknown";
  const before = { ...world.counted };
  for (let number = from; number < from + names; number += 1) {
    world.nowMs += MINUTE_MS / perMinute;
    const request = { ...access, nowMs: world.nowMs };
    const snapshot = await world.reader.current(request);
    const name = `flood-${number.toString(36)}`;
    const host = `${name}.${isUnknown ? domain : "flood.example"}`;
    const found = classifyRequest(
      { method: "GET", rawUrl: "/", host, corsPreflight: false },
      { adminHost: ADMIN_HOST, baseDomains },
    );
    if (found.kind !== (isUnknown ? "route" : "lookup")) throw new Error(`${host} is ${found.kind}`);
    const row = await world.reader.row(snapshot, isUnknown ? name : host, request);
    if (row.kind !== "absent") throw new Error(`${host} is ${row.kind}`);
  }
  await new Promise((resolve) => setTimeout(resolve, AFTER_MS));
  return { operations: world.counted.operations - before.operations, root: world.counted.root - before.root };
}
