/**
 * `accounts import FILE --from haproxy-map|csv`: takes accounts over from today's fleet, each on the version that it is
 * served by there. Nobody moves: a new account's home is what the map says, a known one keeps everything and only gets a
 * product that it did not have. Where the map says another home than is recorded the line is refused, not obeyed.
 */
import type { Readable } from "node:stream";
import type { ImportSummary } from "../../../src/contracts/api/accounts.ts";
import { oneOf, toCohort, toZone } from "../arguments.ts";
import { csvToLines, type RowRules } from "../csv-accounts.ts";
import { usageFailure } from "../failure.ts";
import { count, renderTable } from "../render.ts";
import type { OptionSpec, Session } from "../verb.ts";
import { placeAccount } from "./haproxy-map.ts";
import {
  adoptedAccount,
  mapToImportLines,
  noVersion,
  type Adopting,
  type AdoptionNotes,
  type Taken,
} from "./map-lines.ts";
import { checkStartingVersions, MAP_OPTIONS, readMapReading } from "./options.ts";

export const ADOPT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--from <kind>",
    about:
      "haproxy-map or csv: the file is the map of today's fleet, take its accounts over (default: it is not)",
    parse: oneOf("haproxy-map", "csv"),
  },
  ...MAP_OPTIONS,
  {
    flags: "--time-zone <zone>",
    about: "IANA time zone of accounts whose line names none (default: UTC)",
    parse: toZone(),
  },
  {
    flags: "--cohort <cohort>",
    about: "cohort of accounts whose line names none (default: general)",
    parse: toCohort,
  },
];

export const ADOPT_NOTE = `--from takes accounts over from today's fleet, with --product: a HAProxy map (\`acme.kiln.example.com be_kiln_2_8_0\` or
\`acme be_kiln_2_8_0\`, exact names only), or CSV with a column account (slug or host) and version or backend, optionally
those above. Each new account gets that version as its home; a known account keeps everything and never moves.`;

/** Words that mean nothing without `--from`. */
const ONLY_FROM = ["product", "backend", "baseDomain", "timeZone", "cohort"] as const;
const SHOWN_LINES = 10;

/** What is taken over, and what was seen of it on the way. */
export interface Adoption {
  readonly product: string;
  readonly convert: (bytes: Readable) => Readable;
  readonly firstLines: readonly Taken[];
  /** Backends without a version, with how many names are on them. */
  readonly unmapped: ReadonlyMap<string, number>;
}

/** @throws Failure for words of `--from` that stand without it. */
export function refuseStray({ words }: Session): void {
  if (words.maybe("from") !== undefined) {
    if (words.maybe("format") !== undefined)
      throw usageFailure("--from says what the file is: leave --format out.");
    return;
  }
  const stray = ONLY_FROM.find((name) => words.value(name) !== undefined);
  if (stray !== undefined)
    throw usageFailure(
      `--${stray.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)} goes with --from.`,
    );
}

/** Reads the words of `--from`; null when it is not there. */
export async function readAdoption(session: Session): Promise<Adoption | null> {
  const { words } = session;
  const from = words.maybe("from");
  if (from === undefined) return null;
  const reading = await readMapReading(session);
  if (from === "haproxy-map" && reading.backends.size === 0)
    throw usageFailure(
      "--backend says which version a backend of the map is, as in --backend be_kiln_2_8_0=2.8.0.",
    );
  await checkStartingVersions(session, reading);
  const timeZone = words.maybe("timeZone") ?? "UTC";
  const adopting: Adopting = { ...reading, timeZone, cohort: words.maybe("cohort") ?? "general" };
  const firstLines: Taken[] = [];
  const unmapped = new Map<string, number>();
  const notes: AdoptionNotes = {
    taken: (taken) => void (firstLines.length < SHOWN_LINES && firstLines.push(taken)),
    unmapped: (backend) => unmapped.set(backend, (unmapped.get(backend) ?? 0) + 1),
  };
  const convert = (bytes: Readable): Readable =>
    from === "csv"
      ? csvToLines(bytes, adoptedRows(adopting, notes))
      : mapToImportLines(bytes, adopting, notes);
  return { product: reading.product, convert, firstLines, unmapped };
}

/** Rows of a CSV that say where accounts are today. */
function adoptedRows(adopting: Adopting, notes: AdoptionNotes): RowRules {
  return {
    columns: ["version", "backend"],
    needed: ["account"],
    finish: (account, { extra, line }) => {
      const said = typeof account["account"] === "string" ? account["account"] : "";
      const placed = placeAccount(said, adopting);
      if (!placed.ok) return { unreadable: placed.reason, account: said.slice(0, 253) };
      const { version: named = "", backend = "" } = extra;
      const version = named === "" ? adopting.backends.get(backend) : named;
      if (version === undefined && backend !== "") notes.unmapped(backend);
      if (version === undefined) {
        const reason = backend === "" ? "has neither a version nor a backend" : noVersion(backend);
        return { unreadable: reason, account: placed.account };
      }
      notes.taken({ line, account: placed.account, version });
      const { timeZone, cohort, ...rest } = account;
      const own = adoptedAccount(adopting, { account: placed.account, version });
      const given = { ...(isSaid(timeZone) ? { timeZone } : {}), ...(isSaid(cohort) ? { cohort } : {}) };
      return { ...rest, ...own, ...given };
    },
  };
}

function isSaid(cell: unknown): boolean {
  return typeof cell === "string" && cell !== "";
}

/** Versions with their accounts, the first lines of a dry run, and backends that nobody gave a version. */
export function showAdopted(
  session: Session,
  { firstLines, unmapped, product }: Adoption,
  summary: ImportSummary,
): void {
  const { out } = session.terminal;
  const versions = Object.entries(summary.homes?.[product] ?? {}).toSorted(([, a], [, b]) => b - a);
  if (versions.length > 0)
    out.write(`\n${renderTable([`new on ${product}`, summary.dryRun ? "would be" : "accounts"], versions)}`);
  if (summary.dryRun && firstLines.length > 0) {
    const rows = firstLines.map(({ line, account, version }) => [line, account, version]);
    out.write(`\nThe first lines, as read:\n${renderTable(["line", "account", "version"], rows)}`);
  }
  for (const [backend, names] of unmapped)
    out.write(
      `\n${count(names, "name is", "names are")} on ${backend}, which no --backend gives a version.\n`,
    );
}
