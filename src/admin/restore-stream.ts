/**
 * Puts an export back: lines in, pages to the control plane, progress out, and one swap at the very end.
 * Unlike an import it is all or nothing: a line that cannot be read, or a body that ends early, and nothing is swapped.
 * It must know the highest generation that any edge may have seen, because maps continue above it. Called by
 * routes/maintenance.ts. Posture: closed; without the meters an operator has to name that generation.
 */
import type * as z from "../contracts/api/zod.ts";
import type { RestoreEvent, RestoreQuerySchema } from "../contracts/api/operations.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { Generation } from "../contracts/units.ts";
import { BodyCutOff, readLines } from "./ndjson-lines.ts";
import { ndjsonResponse, toLines } from "./ndjson-response.ts";
import type { Call } from "./operation.ts";
import { problemEvent } from "./respond.ts";

/** A line of an export is one row of the control plane, at most 2 MB in SQLite there. */
const MAX_ROW_BYTES = 4 * 1024 * 1024;
const MAX_PAGE_LINES = 1000;
const MAX_PAGE_CHARS = 4 * 1024 * 1024;

/** Begins a restore and answers with the stream of its events. */
export async function startRestore(
  query: z.output<typeof RestoreQuerySchema>,
  call: Call,
): Promise<Result<Response, Refusal>> {
  const highest = await highestSeen(query.highestSeen ?? 0, query.highestSeen !== undefined, call);
  if (!highest.ok) return highest;
  const begun = await call.services.control.restoreBegin(call.write.actor, query.reason);
  return begun.ok ? ok(ndjsonResponse(restoreLines(highest.value, call))) : begun;
}

async function highestSeen(
  named: Generation,
  mayGuess: boolean,
  { services }: Call,
): Promise<Result<Generation, Refusal>> {
  const here = Math.max(named, services.maps.generation());
  try {
    const seen = await services.meters.seen();
    return ok(Math.max(here, ...seen.map(({ generation }) => generation)));
  } catch (cause) {
    services.logger.line("admin.meters-unavailable", { cause });
    if (mayGuess) return ok(here);
  }
  return err({
    problem: "control-unavailable",
    detail: `The meters do not answer, so the highest generation that edges have seen is not known. Try again, or say it: add highestSeen=N (this node serves ${here}).`,
  });
}

async function* restoreLines(highest: Generation, call: Call): AsyncGenerator<string> {
  const { services, requestId } = call;
  try {
    for await (const event of restoreEvents(highest, call)) yield toLines([event]);
  } catch (cause) {
    const cutOff = cause instanceof BodyCutOff;
    services.logger.line(cutOff ? "admin.restore-cut-off" : "admin.restore-failed", { requestId, cause });
    yield toLines([problemEvent(cutOff ? CUT_OFF : INTERNAL, requestId)]);
  }
}

const CUT_OFF: Refusal = {
  problem: "invalid",
  detail: "The body ended early. Nothing was restored; send all of it again.",
};
const INTERNAL: Refusal = {
  problem: "internal",
  detail: "The restore stopped. Nothing was restored; send all of it again.",
};

async function* restoreEvents(
  highest: Generation,
  { services, request, requestId }: Call,
): AsyncGenerator<RestoreEvent> {
  const { control } = services;
  const failed = (refusal: Refusal): RestoreEvent => problemEvent(refusal, requestId);
  let lines = 0;
  let page: string[] = [];
  let chars = 0;

  for await (const group of readLines(request.body, MAX_ROW_BYTES)) {
    for (const { line, text, fault } of group) {
      if (text === null)
        return yield failed({ problem: "invalid", detail: `Line ${line} ${fault}. Nothing was restored.` });
      page.push(text);
      chars += text.length;
      if (page.length < MAX_PAGE_LINES && chars < MAX_PAGE_CHARS) continue;
      const taken = await control.restoreLines(page);
      if (!taken.ok) return yield failed(taken.error);
      lines += page.length;
      page = [];
      chars = 0;
      yield { event: "progress", lines };
    }
  }
  if (page.length > 0) {
    const taken = await control.restoreLines(page);
    if (!taken.ok) return yield failed(taken.error);
    lines += page.length;
  }
  const ended = await control.restoreEnd(highest);
  yield ended.ok ? { event: "done", lines, generation: ended.value.generation } : failed(ended.error);
}
