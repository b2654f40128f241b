/**
 * The audit as a file, one entry a line, newest first, with the filters of the page. Streamed a page of the API at a time,
 * so that a long one needs no memory. A file that breaks off ends with a line that says so, since its status is sent by
 * then. Each entry carries the hash of the one before it, so the file can be checked without this host.
 */
import { AuditPageSchema } from "../contracts/api/operations.ts";
import { ok, type Result } from "../contracts/result.ts";
import type { Problem } from "./api.ts";
import { streamResponse, textResponse } from "./respond.ts";
import type { Visit } from "./visit.ts";

const PER_PAGE = 500;

interface Lines {
  readonly text: string;
  readonly cursor: string | null;
}

export async function exportAudit(visit: Pick<Visit, "api" | "url">): Promise<Response> {
  const first = await readLines(visit, null);
  if (!first.ok) return textResponse(first.error.detail, first.error.status);
  let next: Lines | null = first.value;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next === null) return controller.close();
      const { text, cursor } = next;
      controller.enqueue(encoder.encode(text));
      if (cursor === null) next = null;
      else {
        const more = await readLines(visit, cursor);
        next = more.ok
          ? more.value
          : { text: `${JSON.stringify({ incomplete: more.error.detail })}\n`, cursor: null };
      }
    },
  });
  return streamResponse(body, { contentType: "application/x-ndjson", fileName: "firebreak-audit.ndjson" });
}

async function readLines(
  { api, url }: Pick<Visit, "api" | "url">,
  cursor: string | null,
): Promise<Result<Lines, Problem>> {
  const query = new URLSearchParams({ limit: String(PER_PAGE) });
  for (const name of ["target", "actor"]) {
    const value = url.searchParams.get(name) ?? "";
    if (value !== "") query.set(name, value);
  }
  if (cursor !== null) query.set("cursor", cursor);
  const page = await api.ask(AuditPageSchema, { path: `/audit?${query.toString()}` });
  if (!page.ok) return page;
  const text = page.value.items.map((entry) => `${JSON.stringify(entry)}\n`).join("");
  return ok({ text, cursor: page.value.cursor });
}
