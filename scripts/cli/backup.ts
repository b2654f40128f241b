/**
 * `export FILE` and `restore FILE`: the whole control plane as NDJSON (a folder instead of a file: directory/write.ts). An
 * export appears under its name only when it is complete. A restore replaces everything, and its maps continue above every
 * generation that edges have seen.
 */
import type { Command } from "commander";
import { Readable } from "node:stream";
import { RestoreEventSchema, type RestoreEvent } from "../../src/contracts/api/operations.ts";
import { wholeFrom } from "./arguments.ts";
import { parseProblem } from "./client.ts";
import { cliFailure, Failure } from "./failure.ts";
import { countBytes, createFile, openForReading, readableSize, STANDARD } from "./file-stream.ts";
import { linesOf, parseLine } from "./ndjson.ts";
import { startProgress } from "./progress.ts";
import { count } from "./render.ts";
import { showDryRun } from "./change.ts";
import { exportFolder, isFolderName } from "./directory/write.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

export function addBackup(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "export",
      summary: "write everything the control plane knows to a file",
      seeAlso: ["restore", "maps dump"],
      arguments: [
        {
          name: "<file>",
          about: "where to; - is standard output; a folder (or NAME/) takes the files of `apply`",
        },
      ],
      notes: ["The file holds every account and the hashes of tokens: keep it as you keep a database dump."],
      streams: true,
      examples: [
        "export firebreak-2026-11-28.ndjson",
        "export - | gzip > firebreak.ndjson.gz",
        "export config/",
      ],
      run: exportAll,
    },
    context,
  );
  addVerb(
    program,
    {
      name: "restore",
      summary: "replace everything the control plane knows by an export",
      seeAlso: ["export", "maps load"],
      arguments: [{ name: "<file>", about: "an export, or - for standard input" }],
      options: [
        {
          flags: "--highest-seen <generation>",
          about:
            "highest generation an edge may have; only when the meters cannot be asked (default: as they say)",
          parse: wholeFrom(0),
        },
      ],
      changes: true,
      reason: true,
      notes: [
        "What changed after the export is lost. Serving goes on; the restored maps get a generation above all that edges have seen.",
        "Rollouts and replacements that were under way come back paused: look at each, then resume it, stop it or roll it back.",
      ],
      examples: ['restore firebreak-2026-11-28.ndjson --reason "storage lost"'],
      run: restore,
    },
    context,
  );
}

async function exportAll(session: Session): Promise<void> {
  const file = session.words.text("file");
  if (file !== STANDARD && (await isFolderName(file))) return exportFolder(session, file);
  const answer = await session.api().stream({ method: "GET", path: "/export" });
  const lines = await saveLines(session, { answer, file, label: "Export" });
  if (file !== STANDARD) report(session, { file, lines }, `Wrote ${count(lines, "line")} to ${file}.\n`);
}

/** What is streamed to a file line by line, with progress. */
export interface SavedStream {
  readonly answer: Readable;
  readonly file: string;
  readonly label: string;
}

/** Writes an NDJSON answer to a file or standard output. @returns the number of lines. */
export async function saveLines(session: Session, { answer, file, label }: SavedStream): Promise<number> {
  const { out } = session.terminal;
  const written = file === STANDARD ? null : await createFile(file);
  const progress = startProgress(session.terminal, { label, total: null, silent: session.json });
  let lines = 0;
  try {
    for await (const line of linesOf(answer)) {
      // A cut-off answer must not become a file that looks complete.
      parseLine(line);
      if (written === null) {
        out.write(`${line}\n`);
        await out.drained();
      } else await written.write(`${line}\n`);
      progress.update(++lines, count(lines, "line"));
    }
    await written?.finish();
    return lines;
  } catch (error) {
    await written?.discard();
    throw error;
  } finally {
    progress.stop();
  }
}

async function restore(session: Session): Promise<void> {
  const { words, terminal } = session;
  const file = words.text("file");
  const query = { reason: words.text("reason"), highestSeen: words.number("highestSeen") };
  const total = file === STANDARD ? null : await readableSize(file);
  if (session.dryRun) {
    showDryRun(session, { method: "POST", path: "/restore", query }, null);
    return;
  }
  const progress = startProgress(terminal, { label: "Restore", total, silent: session.json });
  const source = file === STANDARD ? Readable.from(terminal.input) : openForReading(file);
  const counted = countBytes((bytes) => progress.update(bytes, `${bytes.toLocaleString("en-US")} bytes`));
  source.on("error", (error) => counted.destroy(error));
  try {
    const answer = await session.api().stream({
      method: "POST",
      path: "/restore",
      query,
      headers: { "content-type": "application/x-ndjson" },
      body: source.pipe(counted),
    });
    const done = await followRestore(answer);
    progress.stop();
    report(
      session,
      done,
      `Restored ${count(done.lines, "line")}. The maps continue with generation ${done.generation}.\n`,
    );
  } finally {
    progress.stop();
    source.destroy();
  }
}

type Done = Extract<RestoreEvent, { event: "done" }>;

async function followRestore(answer: Readable): Promise<Done> {
  for await (const line of linesOf(answer)) {
    const parsed = RestoreEventSchema.safeParse(parseLine(line));
    if (!parsed.success || parsed.data.event === "progress") continue;
    if (parsed.data.event === "done") return parsed.data;
    const problem = parseProblem(JSON.stringify(parsed.data.problem));
    throw problem === null
      ? cliFailure("unexpected-answer", { title: "The restore failed", detail: parsed.data.problem.detail })
      : new Failure(problem);
  }
  throw cliFailure("interrupted", {
    title: "The restore did not finish",
    detail: "The answer ended before the restore did. What was there before is still in force.",
    next: "Run the same command again.",
  });
}

function report(session: Session, value: unknown, text: string): void {
  if (session.json) printJson(session, value);
  else session.terminal.out.write(text);
}
