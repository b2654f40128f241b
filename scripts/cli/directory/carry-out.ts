/**
 * Carries a plan out: its calls in the order of their ranks, the accounts between them as one import. Each resource is
 * written at the revision it was compared at, so that what somebody else has changed meanwhile is refused, not undone.
 * Stops at the first refusal and says what was done and what was not; the same command again finds only the rest.
 */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { z } from "zod";
import type { ImportEvent } from "../../../src/contracts/api/accounts.ts";
import { adviceFor, CLI_PROBLEM_BASE, cliFailure, Failure } from "../failure.ts";
import { newImportId, runImport } from "../import-run.ts";
import { startProgress, type Progress } from "../progress.ts";
import { count } from "../render.ts";
import type { Session } from "../verb.ts";
import type { AccountsPlan } from "./accounts-plan.ts";
import { RANKS, type Call } from "./plan.ts";

interface Step {
  readonly rank: number;
  readonly what: string;
  run(): Promise<void>;
}

/** @returns how many steps were done. @throws Failure at the first that is refused. */
export async function carryOut(
  session: Session,
  { calls, accounts }: { readonly calls: readonly Call[]; readonly accounts: AccountsPlan | null },
): Promise<number> {
  const steps: readonly Step[] = [
    ...calls.map(({ rank, what, ...call }) => ({ rank, what, run: () => send(session, call) })),
    ...(accounts === null || accounts.lines.length === 0 ? [] : [accountsStep(session, accounts)]),
  ].toSorted((a, b) => a.rank - b.rank);
  const progress = startProgress(session.terminal, {
    label: "Apply",
    total: steps.length,
    silent: session.json,
  });
  try {
    return await runSteps(steps, progress);
  } finally {
    progress.stop();
  }
}

async function runSteps(steps: readonly Step[], progress: Progress): Promise<number> {
  for (const [index, step] of steps.entries()) {
    try {
      await step.run();
    } catch (error) {
      throw error instanceof Failure ? stopped(error, { steps, index }) : error;
    }
    progress.update(index + 1, step.what);
  }
  return steps.length;
}

async function send(session: Session, call: Omit<Call, "rank" | "what">): Promise<void> {
  const { method, path, query, body, revision } = call;
  await session.api().send(z.unknown(), {
    method,
    path,
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
    headers: {
      "idempotency-key": randomUUID(),
      ...(revision === null ? {} : { "if-match": `"${revision}"` }),
    },
  });
}

const MAX_LISTED = 20;

function stopped(
  failure: Failure,
  { steps, index }: { readonly steps: readonly Step[]; readonly index: number },
): Failure {
  const name = steps[index]?.what ?? "";
  const rest = steps.slice(index + 1).map(({ what }) => what);
  const more = rest.length > MAX_LISTED ? [`… and ${rest.length - MAX_LISTED} more`] : [];
  // An import that broke off advises a flag that is not apply's; running it again compares anew.
  const broken = failure.problem.type === `${CLI_PROBLEM_BASE}interrupted`;
  const advice = broken ? null : adviceFor(failure);
  return new Failure(
    {
      ...failure.problem,
      detail: `${name}: ${failure.problem.detail}`,
      done: steps.slice(0, index).map(({ what }) => what),
      not_done: [name, ...rest.slice(0, MAX_LISTED), ...more],
    },
    {
      next: `${advice === null ? "" : `${advice}\n`}Then run the same command again: what was done is not done twice.`,
      cause: failure,
    },
  );
}

const MAX_REJECTS = 20;

function accountsStep(session: Session, accounts: AccountsPlan): Step {
  const { file, lines } = accounts;
  const what = `write ${count(lines.length, "account")} of ${file}`;
  return {
    rank: RANKS.accounts,
    what,
    run: async () => {
      const rejected: Extract<ImportEvent, { event: "rejected" }>[] = [];
      const summary = await runImport(
        session.api(),
        {
          file,
          input: Readable.from(lines.map(({ text }) => Buffer.from(`${text}\n`))),
          format: "ndjson",
          mode: "import",
          dryRun: false,
          expectRemoved: undefined,
          id: newImportId({ mode: "import", dryRun: false }, null),
        },
        {
          event: (event) => {
            if (event.event === "rejected" && rejected.length < MAX_REJECTS) rejected.push(event);
          },
          counts: () => undefined,
        },
      );
      if (summary.rejected === 0) return;
      const texts = rejected.map(
        ({ line, account, reason }) => `${file}:${lines[line - 1]?.line ?? "?"}: ${account}: ${reason}`,
      );
      throw cliFailure("rejected-lines", {
        title: `${count(summary.rejected, "line was", "lines were")} rejected; all others were taken`,
        detail: texts.join("\n"),
        next: "Correct these lines.",
      });
    },
  };
}
