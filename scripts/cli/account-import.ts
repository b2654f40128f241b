/**
 * `accounts import|sync FILE`: accounts from the system of record. Import adds and changes; sync also removes whoever
 * the file does not name. Both move nobody and touch no pin, hold, quarantine or deferral. `import --from` takes the map of
 * today's fleet instead: accounts that are new get the version they are on there as their home.
 * For people: progress on standard error, then counts, rejected lines and, in a dry run, the differences. For programs:
 * the events as they come, one JSON object a line. Exit 1 when a line was rejected.
 */
import { Readable } from "node:stream";
import type { Command } from "commander";
import type { ImportEvent, ImportSummary } from "../../src/contracts/api/accounts.ts";
import {
  ADOPT_NOTE,
  ADOPT_OPTIONS,
  refuseStray,
  readAdoption,
  showAdopted,
  type Adoption,
} from "./adoption/adopt.ts";
import { oneOf, wholeFrom } from "./arguments.ts";
import { cliFailure, usageFailure, type Failure } from "./failure.ts";
import { createFile, fileDigest, readableSize, STANDARD, type WrittenFile } from "./file-stream.ts";
import {
  newImportId,
  runImport,
  type ImportCounts,
  type ImportJob,
  type ImportObserver,
} from "./import-run.ts";
import { startProgress, type Progress } from "./progress.ts";
import { count, instant, renderFields, renderTable } from "./render.ts";
import { addVerb, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const SHOWN_REJECTS = 20;
const SHOWN_DIFFERENCES = 50;

const OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--format <ndjson|csv>",
    about: "what the file is (default: csv for *.csv, else ndjson)",
    parse: oneOf("ndjson", "csv"),
  },
  {
    flags: "--rejects <file>",
    about: "write every rejected line's number, account and reason there, as NDJSON (default: nowhere)",
  },
  {
    flags: "--id <id>",
    about: "go on with an import that broke off; its message names the id (default: a new one)",
  },
];

const NOTES: readonly string[] = [
  `FILE is NDJSON, one account a line:
  {"account":"acme","timeZone":"Europe/Paris","cohort":"early","labels":{"tier":"gold"}}
or CSV with a header of account,timeZone,cohort and optionally cell, labels (key=value;…), domains (host=product;…),
products (a;b), homes (product=version;… for new accounts). A column that is missing leaves its field as it is; an empty cell means none (products: as it is).
"-" reads standard input.`,
];

export function addImportVerbs(accounts: Command, context: ProgramContext): void {
  const file = { name: "<file>", about: "file of accounts, or - for standard input" };
  addVerb(
    accounts,
    {
      name: "import",
      summary: "add and change accounts from a file; moves nobody, removes nobody",
      arguments: [file],
      options: [...OPTIONS, ...ADOPT_OPTIONS],
      changes: true,
      streams: true,
      dryRun: "the control plane goes through all of it and changes nothing",
      notes: [...NOTES, ADOPT_NOTE],
      examples: [
        "accounts import accounts.ndjson --dry-run",
        "accounts import accounts.csv --rejects rejected.ndjson",
        "accounts import hosts.map --from haproxy-map --product kiln --backend be_kiln_2_8_0=2.8.0 --dry-run",
      ],
      run: (session) => importFile(session, "import"),
    },
    context,
  );
  addVerb(
    accounts,
    {
      name: "sync",
      summary: "make the accounts those of a file: add, change and remove; moves nobody",
      arguments: [file],
      options: [
        {
          flags: "--expect-removed <number>",
          about: "how many accounts are meant to go or to lose a product (default: at most 0.5 %)",
          parse: wholeFrom(0),
        },
        ...OPTIONS,
      ],
      changes: true,
      streams: true,
      dryRun: "the control plane goes through all of it and changes nothing",
      notes: NOTES,
      examples: ["accounts sync accounts.csv --dry-run", "accounts sync accounts.csv --expect-removed 120"],
      run: (session) => importFile(session, "sync"),
    },
    context,
  );
}

async function importFile(session: Session, mode: ImportJob["mode"]): Promise<void> {
  refuseStray(session);
  const adoption = mode === "import" ? await readAdoption(session) : null;
  const job = await createJob(session, adoption === null ? { mode } : { mode: "adopt", adoption });
  const total = job.input === null ? await readableSize(job.file) : null;
  const label = `${job.dryRun ? "Dry run of " : ""}${job.mode}`;
  const progress = startProgress(session.terminal, { label, total, silent: session.json });
  const rejectsFile = session.words.maybe("rejects");
  const rejects = rejectsFile === undefined ? null : await createFile(rejectsFile);
  const collected = createCollector();
  const observer = createObserver(session, { progress, rejects, collected });
  try {
    const summary = await runImport(session.api(), job, observer);
    progress.stop();
    if (!session.json) showOutcome(session, { summary, collected });
    if (!session.json && adoption !== null) showAdopted(session, adoption, summary);
    if (summary.rejected > 0) throw rejectedFailure({ summary, collected, rejectsFile });
  } finally {
    // Rejects of an import that broke are as useful as those of one that did not.
    await rejects?.finish();
    progress.stop();
  }
}

interface Wanted {
  readonly mode: ImportJob["mode"];
  readonly adoption?: Adoption;
}

async function createJob(session: Session, { mode, adoption }: Wanted): Promise<ImportJob> {
  const { words, dryRun } = session;
  const file = words.text("file");
  const standard = file === STANDARD;
  if (!standard) await readableSize(file);
  if (words.maybe("rejects") === STANDARD) throw usageFailure("--rejects needs a file name.");
  const id = words.maybe("id") ?? newImportId({ mode, dryRun }, standard ? null : await fileDigest(file));
  const format = words.maybe("format") ?? (file.toLowerCase().endsWith(".csv") ? "csv" : "ndjson");
  return {
    file,
    input: standard ? Readable.from(session.terminal.input) : null,
    format: format === "csv" ? "csv" : "ndjson",
    mode,
    dryRun,
    expectRemoved: words.number("expectRemoved"),
    id,
    ...(adoption === undefined ? {} : { convert: adoption.convert }),
  };
}

type Rejected = Extract<ImportEvent, { event: "rejected" }>;
type Difference = Extract<ImportEvent, { event: "diff" }>;

/** The first few of what has no bound. */
interface Collected {
  readonly rejected: Rejected[];
  readonly differences: Difference[];
  differencesInAll: number;
}

function createCollector(): Collected {
  return { rejected: [], differences: [], differencesInAll: 0 };
}

interface Sinks {
  readonly progress: Progress;
  readonly rejects: WrittenFile | null;
  readonly collected: Collected;
}

function createObserver(session: Session, { progress, rejects, collected }: Sinks): ImportObserver {
  return {
    async event(event, line) {
      if (session.json) {
        session.terminal.out.write(`${line}\n`);
        await session.terminal.out.drained();
      }
      if (event.event === "diff") {
        collected.differencesInAll++;
        if (collected.differences.length < SHOWN_DIFFERENCES) collected.differences.push(event);
      }
      if (event.event !== "rejected") return;
      if (collected.rejected.length < SHOWN_REJECTS) collected.rejected.push(event);
      const { line: number, account, reason } = event;
      await rejects?.write(`${JSON.stringify({ line: number, account, reason })}\n`);
    },
    counts: (counts) => progress.update(counts.bytes, progressText(counts)),
  };
}

function progressText({ lines, added, changed, rejected }: Readonly<ImportCounts>): string {
  return `${count(lines, "line")}, ${added.toLocaleString("en-US")} added, ${changed.toLocaleString("en-US")} changed, ${rejected.toLocaleString("en-US")} rejected`;
}

const NOUNS: Readonly<Record<ImportSummary["mode"], string>> = {
  import: "import",
  sync: "sync",
  adopt: "adoption",
};

function showOutcome(
  session: Session,
  { summary, collected }: { summary: ImportSummary; collected: Collected },
): void {
  const { out } = session.terminal;
  // What is adopted is shown as the file says it: every account gets the same fields.
  if (collected.differencesInAll > 0 && summary.mode !== "adopt") {
    const rows = collected.differences.map(({ change, account, fields }) => [
      change,
      account,
      fields.join(", "),
    ]);
    out.write(renderTable(["change", "account", "fields"], rows));
    const more = collected.differencesInAll - collected.differences.length;
    out.write(more > 0 ? `… and ${more.toLocaleString("en-US")} more (--json shows all)\n\n` : "\n");
  }
  out.write(
    summary.dryRun
      ? `Dry run of the ${NOUNS[summary.mode]}: nothing was changed.\n`
      : `The ${NOUNS[summary.mode]} is done.\n`,
  );
  out.write(
    renderFields([
      ["lines", summary.lines],
      [summary.dryRun ? "would be added" : "added", summary.added],
      [summary.dryRun ? "would be changed" : "changed", summary.changed],
      ["unchanged", summary.unchanged],
      ...(summary.mode === "sync"
        ? [[summary.dryRun ? "would be removed" : "removed", summary.removed] as const]
        : []),
      ["rejected", summary.rejected],
      ...(summary.visibleBy === null
        ? []
        : [["known to every edge", `from ${instant(summary.visibleBy)}`] as const]),
      ["id", summary.id],
    ]),
  );
}

interface Rejection {
  readonly summary: ImportSummary;
  readonly collected: Collected;
  readonly rejectsFile: string | undefined;
}

function rejectedFailure({ summary, collected, rejectsFile }: Rejection): Failure {
  // Lines are refused in groups, some of them later than others.
  const inOrder = collected.rejected.toSorted((a, b) => a.line - b.line);
  const rows = inOrder.map(({ line, account, reason }) => [String(line), account, reason]);
  const more = summary.rejected - collected.rejected.length;
  const kept = rejectsFile === undefined ? "--rejects FILE keeps all" : `all are in ${rejectsFile}`;
  const detail =
    renderTable(["line", "account", "reason"], rows) +
    (more > 0 ? `… and ${more.toLocaleString("en-US")} more (${kept})` : "");
  return cliFailure("rejected-lines", {
    title: `${count(summary.rejected, "line was", "lines were")} rejected${summary.dryRun ? "" : "; all others were taken"}`,
    detail: detail.trimEnd(),
    next: "Correct these lines and import them again, alone or with the rest.",
  });
}
