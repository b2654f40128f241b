/**
 * One write, the same way for every verb: `--dry-run` shows the request (and the difference against the resource as it
 * is) and sends nothing; else it is sent with an Idempotency-Key, and the answer is shown.
 * Edits read the resource first and send its revision as If-Match, so that a change between reading and writing is
 * refused (409) and not overwritten. `--if-match` replaces that revision.
 */
import { randomUUID } from "node:crypto";
import type { ApiRequest, Parser } from "./client.ts";
import { diffFields, renderDiff, type FieldChange } from "./render.ts";
import { print, printJson, type Session } from "./verb.ts";

export interface Change<T> {
  readonly schema: Parser<T>;
  readonly request: ApiRequest & { readonly method: "PUT" | "POST" | "DELETE" };
  /** The resource as it is, for edits; null when there is none yet. Left out: no difference is shown. */
  readonly current?: { readonly fields: Readonly<Record<string, unknown>>; readonly revision: number } | null;
  /** The answer for people. */
  readonly render: (value: T) => string;
}

/** Carries a change out, or shows what it would be. */
export async function change<T>(
  session: Session,
  { schema, request, current, render }: Change<T>,
): Promise<void> {
  const revision = session.words.number("ifMatch") ?? current?.revision;
  const headers = {
    ...request.headers,
    ...(revision === undefined ? {} : { "if-match": `"${revision}"` }),
    "idempotency-key": session.words.maybe("idempotencyKey") ?? randomUUID(),
  };
  if (session.dryRun) {
    const changes =
      current === undefined ? null : diffFields(current?.fields ?? null, toRecord(request.body));
    showDryRun(session, { ...request, headers }, changes);
    return;
  }
  print(session, await session.api().send(schema, { ...request, headers }), render);
}

function toRecord(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null ? { ...body } : {};
}

/** Shows the request that would be sent. The token is no part of what is shown. */
export function showDryRun(
  session: Session,
  request: ApiRequest,
  changes: readonly FieldChange[] | null,
): void {
  const url = session.api().address(request).href;
  showRequest(
    session,
    { method: request.method, url, headers: request.headers ?? {}, body: request.body ?? null },
    changes,
  );
}

/** A request as a dry run shows it. */
export interface ShownRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The same for a request that goes elsewhere than to the API. */
export function showRequest(
  session: Session,
  request: ShownRequest,
  changes: readonly FieldChange[] | null,
): void {
  if (session.json) {
    printJson(session, { dryRun: true, request, changes });
    return;
  }
  const { method, url, headers, body } = request;
  const lines = [
    `Would send ${method} ${url}`,
    ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
  ];
  if (body !== null)
    lines.push(
      ...JSON.stringify(body, null, 2)
        .split("\n")
        .map((line) => `  ${line}`),
    );
  if (changes !== null) lines.push("Difference:", renderDiff(changes).trimEnd());
  session.terminal.out.write(
    `${lines.join("\n")}\nDry run: nothing was sent. Whether it would be accepted only the server knows.\n`,
  );
}
