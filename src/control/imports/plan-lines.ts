/**
 * Plans many lines at once with the rules of one: what each would do, which are refused and why. Reads only, in bulk.
 * A custom domain may go from one account to another when the line of the one that has it gives it up in the same batch.
 */
import type { ImportLine } from "../../contracts/api/accounts.ts";
import type { RejectedLine } from "../../contracts/import-port.ts";
import type { AccountChange } from "../accounts/apply.ts";
import { adoptedInput, planAccount, type Present } from "../accounts/plan.ts";
import { loadPresent } from "../accounts/present.ts";
import { readTerrain, type Terrain } from "../accounts/terrain.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";
import { loadDomainOwners } from "../store/accounts.ts";
import type { StagedLine } from "../store/imports.ts";

export interface PlannedLine extends AccountChange {
  readonly line: number;
}

export interface PlannedLines {
  readonly changes: readonly PlannedLine[];
  readonly unchanged: readonly StagedLine[];
  readonly rejected: readonly RejectedLine[];
}

/** A line without its account's name, as the rules take it. */
export function toStaged(line: number, { account: slug, ...input }: ImportLine): StagedLine {
  return { line, slug, input };
}

export interface PlanRules {
  /** False for a first look at a sync, whose other lines may give domains up. */
  readonly checkOwners: boolean;
  /** Known accounts only get products that they do not have. */
  readonly adopting: boolean;
}

/** Plans lines of distinct accounts. */
export function planLines(
  { db, config }: { readonly db: Db; readonly config: ControlConfig },
  lines: readonly StagedLine[],
  { checkOwners, adopting }: PlanRules,
): PlannedLines {
  const owners = checkOwners ? readOwners(db, lines) : new Map<string, string>();
  const present = loadPresent(
    db,
    lines.map(({ slug }) => slug),
  );
  const terrain = readTerrain({ db, config, ownerOf: (host) => owners.get(host) ?? null });
  const ask: Asking = { terrain, present, owners, adopting };
  const changes: PlannedLine[] = [];
  const unchanged: StagedLine[] = [];
  const rejected: RejectedLine[] = [];
  for (const line of givingFirst(lines, owners)) {
    const planned = planLine(ask, line);
    if ("reason" in planned) rejected.push(planned);
    else if (planned.planned.fields.length === 0 && planned.present !== null) unchanged.push(line);
    else changes.push(planned);
  }
  return { changes, unchanged, rejected };
}

interface Asking {
  readonly terrain: Terrain;
  readonly present: ReadonlyMap<string, Present>;
  /** Who has, or has just been promised, a host. Kept up line by line. */
  readonly owners: Map<string, string>;
  readonly adopting: boolean;
}

function planLine(
  { terrain, present, owners, adopting }: Asking,
  { line, slug, input }: StagedLine,
): PlannedLine | RejectedLine {
  const before = present.get(slug) ?? null;
  const planned = planAccount(terrain, before, {
    slug,
    input: adopting ? adoptedInput(before, input) : input,
  });
  if (!planned.ok) return { line, account: slug, reason: planned.error.detail };
  for (const { host } of planned.value.domainsRemoved) owners.delete(host);
  for (const { host } of planned.value.domainsAdded) owners.set(host, slug);
  return { line, present: before, planned: planned.value };
}

function readOwners(db: Db, lines: readonly StagedLine[]): Map<string, string> {
  const hosts = lines.flatMap(({ input }) => (input.domains ?? []).map(({ host }) => host));
  const owners = new Map<string, string>();
  for (const [host, owner] of loadDomainOwners(db, hosts))
    if (!owner.deleted) owners.set(host, owner.account);
  return owners;
}

/** Lines that want a host of somebody else come last, so that who gives it up has done so. Else in order of lines. */
function givingFirst(
  lines: readonly StagedLine[],
  owners: ReadonlyMap<string, string>,
): readonly StagedLine[] {
  if (owners.size === 0) return lines;
  const wants = ({ slug, input }: StagedLine): boolean =>
    (input.domains ?? []).some(({ host }) => (owners.get(host) ?? slug) !== slug);
  return [...lines.filter((line) => !wants(line)), ...lines.filter(wants)];
}
