/**
 * Streams everything the control plane knows as NDJSON, page by page, in flat memory.
 * It must not look into the lines. Called by routes/maintenance.ts. The first page is asked for before the answer begins,
 * so that a control plane that is down is a 503; one that goes away later breaks the stream off.
 */
import type { ExportPage } from "../contracts/control.ts";
import type { Refusal } from "../contracts/problems.ts";
import { ok, type Result } from "../contracts/result.ts";
import type { ControlClient } from "./control-client.ts";
import { ndjsonResponse } from "./ndjson-response.ts";

/** Begins an export. */
export async function startExport(control: ControlClient): Promise<Result<Response, Refusal>> {
  const first = await control.exportPage(null);
  return first.ok ? ok(ndjsonResponse(exportLines(first.value, control))) : first;
}

async function* exportLines(first: ExportPage, control: ControlClient): AsyncGenerator<string> {
  let page = first;
  for (;;) {
    if (page.lines.length > 0) yield `${page.lines.join("\n")}\n`;
    if (page.cursor === null) return;
    const next = await control.exportPage(page.cursor);
    if (!next.ok) throw new Error(`the export broke off: ${next.error.problem}`);
    page = next.value;
  }
}
