/**
 * Runs an import or sync: lines in, batches to the control plane, events out, all at once and in flat memory.
 * It must not decide what an account may be (control plane) and never loses a good line to a bad one. While one batch is
 * applied the next is parsed. A client that goes away, or a control plane that does, leaves the import unfinished: nothing
 * is removed, no audit entry is written, and the same id goes on where it was. Called by routes/accounts.ts.
 */
import type * as z from "../contracts/api/zod.ts";
import type { ImportEvent, ImportQuerySchema } from "../contracts/api/accounts.ts";
import type { BatchDone, NumberedLine } from "../contracts/import-port.ts";
import { MAX_BATCH_LINES, MAX_LINE_BYTES } from "../contracts/limits.ts";
import type { Refusal } from "../contracts/problems.ts";
import { ok, type Result } from "../contracts/result.ts";
import type { ControlClient } from "./control-client.ts";
import { parseImportLine } from "./import-line.ts";
import { BodyCutOff, readLines } from "./ndjson-lines.ts";
import { ndjsonResponse, toLines } from "./ndjson-response.ts";
import type { Call } from "./operation.ts";
import { problemEvent } from "./respond.ts";

/** RPC takes 32 MiB; a batch of the longest lines must stay well below. Counted in characters, at most 3 bytes each. */
const MAX_BATCH_CHARS = 4 * 1024 * 1024;
/** Batches and the end are idempotent, so what got no answer is sent again: after about 0.3, 0.6, 1.2 and 2.4 s. */
const ATTEMPTS = 5;
const FIRST_RETRY_MS = 300;

interface Job {
  readonly id: string;
  readonly dryRun: boolean;
  readonly call: Call;
}

/** Counts of one import so far. */
interface Tally {
  lines: number;
  /** Lines that never reached the control plane; it counts the ones it refuses itself. */
  rejected: number;
  added: number;
  changed: number;
  unchanged: number;
}

/**
 * Begins an import and answers with the stream of its events.
 * @returns the streaming response, or the refusal of the control plane to begin.
 */
export async function startImport(
  query: z.output<typeof ImportQuerySchema>,
  call: Call,
): Promise<Result<Response, Refusal>> {
  const { id = crypto.randomUUID(), mode, dryRun, expectRemoved = null } = query;
  const begun = await call.services.control.importBegin(
    { id, mode, dryRun, expectRemoved },
    call.write.actor,
  );
  return begun.ok ? ok(ndjsonResponse(importLines({ id, dryRun, call }))) : begun;
}

/** The events as text; an import that cannot go on ends with `failed`. */
async function* importLines(job: Job): AsyncGenerator<string> {
  const { services, requestId } = job.call;
  try {
    for await (const events of importEvents(job)) {
      if (events.length > 0) yield toLines(events);
    }
  } catch (cause) {
    const cutOff = cause instanceof BodyCutOff;
    services.logger.line(cutOff ? "admin.import-cut-off" : "admin.import-failed", {
      requestId,
      id: job.id,
      cause,
    });
    yield toLines([problemEvent(cutOff ? CUT_OFF : INTERNAL, requestId)]);
  }
}

const CUT_OFF: Refusal = {
  problem: "invalid",
  detail: "The body ended early. What came before is done; send it again with the same id to finish.",
};
const INTERNAL: Refusal = {
  problem: "internal",
  detail: "The import stopped. What came before is done; send it again with the same id to finish.",
};

type Events = readonly ImportEvent[];

async function* importEvents({ id, dryRun, call }: Job): AsyncGenerator<Events> {
  const tally: Tally = { lines: 0, rejected: 0, added: 0, changed: 0, unchanged: 0 };
  const flight = createFlight(id, call, tally);
  let batch: NumberedLine[] = [];
  let chars = 0;

  for await (const group of readLines(call.request.body, MAX_LINE_BYTES)) {
    const rejected: ImportEvent[] = [];
    for (const line of group) {
      tally.lines++;
      const parsed = parseImportLine(line);
      if (!parsed.ok) {
        rejected.push({ event: "rejected", ...parsed.error });
        continue;
      }
      batch.push(parsed.value);
      chars += line.text?.length ?? 0;
      if (batch.length < MAX_BATCH_LINES && chars < MAX_BATCH_CHARS) continue;
      const landed = await flight.launch(batch);
      batch = [];
      chars = 0;
      yield landed.events;
      if (landed.failed) return;
    }
    tally.rejected += rejected.length;
    if (rejected.length > 0) yield rejected;
  }
  // The first launch sends what is left, the second waits for it.
  for (const rest of [batch, []]) {
    const landed = await flight.launch(rest);
    yield landed.events;
    if (landed.failed) return;
  }
  const ended = await askAgain(call, (control) => control.importEnd(id, tally.rejected));
  if (!ended.ok) return yield [problemEvent(ended.error, call.requestId)];
  const { summary, removed } = ended.value;
  if (dryRun) yield removed.map((account) => ({ event: "diff", account, change: "removed", fields: [] }));
  yield [{ event: "done", summary }];
}

/** What came of the batch before the one that was launched. */
interface Landed {
  readonly events: Events;
  readonly failed: boolean;
}

interface Flight {
  /** Waits for the batch before, then sends this one (unless it is empty) without waiting for it. */
  launch(batch: readonly NumberedLine[]): Promise<Landed>;
}

/** At most one batch is on its way at a time, so batches arrive in the order of their lines. */
function createFlight(id: string, call: Call, tally: Tally): Flight {
  let flying: Promise<Result<BatchDone, Refusal>> | null = null;
  return {
    async launch(batch) {
      const landed = flying === null ? null : await flying;
      flying = null;
      if (landed?.ok === false) return { events: [problemEvent(landed.error, call.requestId)], failed: true };
      if (batch.length > 0) flying = sendBatch(id, batch, call);
      return { events: landed === null ? [] : landedEvents(landed.value, tally), failed: false };
    },
  };
}

/** Sends one batch: the control plane takes a batch it already has only once. */
function sendBatch(
  id: string,
  batch: readonly NumberedLine[],
  call: Call,
): Promise<Result<BatchDone, Refusal>> {
  const sending = askAgain(call, (control) => control.importBatch(id, batch));
  // A client that leaves must not cut a batch off in the middle of its transaction's answer.
  call.context.waitUntil(sending);
  return sending;
}

/** Asks the control plane, and again while it gives no answer; only for what is idempotent by contract. */
async function askAgain<T>(
  { services: { control, clock } }: Call,
  ask: (control: ControlClient) => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask(control);
    if (answer.ok || answer.error.problem !== "control-unavailable" || attempt === ATTEMPTS) return answer;
    await clock.sleep(FIRST_RETRY_MS * 2 ** (attempt - 1) * (1 + clock.random() / 2));
  }
}

function landedEvents({ counts, rejected, diff }: BatchDone, tally: Tally): Events {
  tally.added += counts.added;
  tally.changed += counts.changed;
  tally.unchanged += counts.unchanged;
  const { lines, added, changed, unchanged } = tally;
  return [
    ...rejected.map((line) => ({ event: "rejected" as const, ...line })),
    ...diff.map(({ account, change, fields }) => ({
      event: "diff" as const,
      account,
      change,
      fields: [...fields],
    })),
    { event: "progress", lines, added, changed, unchanged },
  ];
}
