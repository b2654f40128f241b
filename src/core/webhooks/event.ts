/**
 * An entry of the audit as a CloudEvents 1.0 document (JSON, structured mode), and who wants it. The same entry gives the
 * same bytes and the same id, so that sending it again is sending the same one. Pure.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
import type { AuditEntry } from "../../contracts/api/operations.ts";

/** So much of the hash that another audit, restored in place of this one, has other ids. */
const HASH_CHARS = 12;

/** What the receiver knows an event by. */
export function eventId({ seq, hash }: Pick<AuditEntry, "seq" | "hash">): string {
  return `${seq}.${hash.slice(0, HASH_CHARS)}`;
}

/** The event's text. `adminHost` names the deployment. */
export function auditEvent(entry: AuditEntry, adminHost: string): string {
  const { seq, at, actor, role, action, target, reason, detail, hash } = entry;
  return JSON.stringify({
    specversion: "1.0",
    id: eventId(entry),
    source: `urn:firebreak:${adminHost}`,
    type: action,
    subject: target,
    time: at,
    datacontenttype: "application/json",
    data: { seq, actor, role, reason, detail, hash },
  });
}

/** True when one of the patterns (`*`, `rollout.*`, `alarm.raised`) is about the action. */
export function wants(patterns: readonly string[], action: string): boolean {
  return patterns.some(
    (pattern) =>
      pattern === "*" ||
      pattern === action ||
      (pattern.endsWith(".*") && action.startsWith(pattern.slice(0, -1))),
  );
}
