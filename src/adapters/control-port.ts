/**
 * The control plane as something that many requests may hold: each call goes through a stub made for it.
 * A stub of a Durable Object belongs to the request that made it (another one gets "Cannot perform I/O on behalf of a
 * different request"), and is of no more use once a call on it failed. Made by the composition root, used by admin.
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
import type { ControlPort } from "../contracts/control.ts";

/** @param stub makes a stub; called once a call, which costs no round trip. */
export function createControlPort(stub: () => ControlPort): ControlPort {
  return {
    execute: (name, input, context) => stub().execute(name, input, context),
    query: (name, input) => stub().query(name, input),
    authenticate: (sha256) => stub().authenticate(sha256),
    importBegin: (begin, actor) => stub().importBegin(begin, actor),
    importBatch: (id, lines) => stub().importBatch(id, lines),
    importEnd: (id, rejected) => stub().importEnd(id, rejected),
    exportPage: (cursor) => stub().exportPage(cursor),
    restoreBegin: (actor, reason) => stub().restoreBegin(actor, reason),
    restoreLines: (lines) => stub().restoreLines(lines),
    restoreEnd: (highestSeen) => stub().restoreEnd(highestSeen),
    tick: (scheduledTime) => stub().tick(scheduledTime),
  };
}
