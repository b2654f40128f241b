/**
 * Everything at once, as NDJSON streams: the published maps out of KV, and the control plane's whole state out and in.
 */
import * as z from "../../contracts/api/zod.ts";
import {
  MapsEntrySchema,
  MapsQuerySchema,
  RestoreEventSchema,
  RestoreQuerySchema,
} from "../../contracts/api/operations.ts";
import { startExport } from "../export-stream.ts";
import { startMaps } from "../maps-stream.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { NDJSON } from "../respond.ts";
import { startRestore } from "../restore-stream.ts";

const TAG = "maintenance";
const ROW = z
  .looseObject({})
  .openapi({ description: "One row of an export, as `GET /api/v1/export` gave it" });

export const MAINTENANCE_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "maps.read",
    method: "get",
    path: "/api/v1/maps",
    tag: TAG,
    summary: "Read the published maps",
    description:
      "Entries as `wrangler kv bulk put` takes them, in the order to put them back: break-glass, shards, index, root. Complete only when the last line is `root`. Needs no control plane.",
    params: NOTHING,
    query: MapsQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "Entries, one a line", schema: MapsEntrySchema, mediaType: NDJSON },
    run: ({ query }, { services }) => startMaps(query.generation ?? null, services),
  }),
  defineOperation({
    id: "export",
    method: "get",
    path: "/api/v1/export",
    tag: TAG,
    summary: "Export everything",
    description:
      "The control plane's whole state, for `restore`. Hashes of tokens are in it, so keep it as you keep them.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "Rows, one a line", schema: ROW, mediaType: NDJSON },
    run: (_input, { services }) => startExport(services.control),
  }),
  defineOperation({
    id: "restore",
    method: "post",
    path: "/api/v1/restore",
    tag: TAG,
    summary: "Restore an export",
    description:
      "All or nothing: replaces the control plane's state when the last line has been taken, and publishes it above every generation ever seen.",
    params: NOTHING,
    query: RestoreQuerySchema,
    body: NO_BODY,
    lines: ROW,
    answer: { status: 200, description: "Events, one a line", schema: RestoreEventSchema, mediaType: NDJSON },
    run: ({ query }, call) => startRestore(query, call),
  }),
];
