/**
 * `clone --from production --to staging`: the other instance becomes like the first, so that what is rehearsed there says
 * something about here: products, versions, windows, freezes, and accounts that nobody can recognise. Nothing is written
 * where anything speaks against it; afterwards both sides are counted and compared. Copies no pin, hold, quarantine, token.
 */
import { Readable } from "node:stream";
import type { Command } from "commander";
import { AccountSchema, type ImportEvent } from "../../src/contracts/api/accounts.ts";
import { ReasonSchema } from "../../src/contracts/api/common.ts";
import { oneOf, repeated, toDomain, toInput } from "./arguments.ts";
import { renameAccounts, standingOf, type Renamed, type Standing } from "./clone/accounts.ts";
import { createCounts, differencesOf, type CountDifference } from "./clone/counts.ts";
import {
  mapResources,
  toDomainMapping,
  toOriginMapping,
  type Mapped,
  type Mapping,
} from "./clone/mapping.ts";
import { createNames, type Names } from "./clone/names.ts";
import { openProfile, readCloneKey, toProfileName, type Profile } from "./clone/profiles.ts";
import { cloneJson, renderClone, type ClonePlan } from "./clone/render.ts";
import { carryOut } from "./directory/carry-out.ts";
import { keyOf } from "./directory/layout.ts";
import { readKnownAccounts, readLive, readLiveAccounts, type Live } from "./directory/live.ts";
import { planResources, RANKS } from "./directory/plan.ts";
import { cliFailure } from "./failure.ts";
import { newImportId, runImport } from "./import-run.ts";
import { count, renderTable } from "./render.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

export function addClone(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "clone",
      summary: "make staging like production: configuration, and accounts that nobody can recognise",
      seeAlso: ["apply", "export", "accounts sync", "rollout create"],
      offline: true,
      changes: true,
      dryRun: "show what would be written and removed, and change nothing",
      options: [
        { flags: "--from <name>", about: "the instance to copy", required: true, parse: toProfileName },
        { flags: "--to <name>", about: "the instance to write to", required: true, parse: toProfileName },
        {
          flags: "--map-origin <from=to>",
          about:
            "what an origin becomes, a * stands for the same text; may be repeated (default: none, so none is copied)",
          parse: repeated(toOriginMapping),
        },
        {
          flags: "--map-domain <from=to>",
          about: "what a base domain becomes; may be repeated (default: none, so no product is copied)",
          parse: repeated(toDomainMapping),
        },
        {
          flags: "--domains-under <domain>",
          about: "hide custom domains under this one (default: they are left out)",
          parse: toDomain,
        },
        {
          flags: "--labels <drop|hash>",
          about: "leave labels out, or keep their keys and hide their values",
          parse: oneOf("drop", "hash"),
          preset: "drop",
        },
        { flags: "--replace", about: "also delete accounts of the other side that no clone made" },
        { flags: "--reason <text>", about: "why; kept in the audit (default: clone of --from)" },
      ],
      notes: [
        `Addresses, tokens and the key come from the environment, by the names given:
  FIREBREAK_URL_PRODUCTION, FIREBREAK_TOKEN_PRODUCTION (viewer is enough)
  FIREBREAK_URL_STAGING, FIREBREAK_TOKEN_STAGING (operator)
  FIREBREAK_CLONE_KEY (the same key gives the same names)
An origin or domain that no mapping matches stops it before anything is written.`,
      ],
      examples: [
        "clone --from production --to staging --map-domain kiln.example.com=kiln.staging.example.com --map-origin 'https://*.origins.example.net=https://*.origins.staging.example.net' --dry-run",
      ],
      run: clone,
    },
    context,
  );
}

async function clone(session: Session): Promise<void> {
  const { words, terminal, json, dryRun } = session;
  const names = createNames(readCloneKey(session));
  const from = openProfile(session, words.text("from"));
  const to = openProfile(session, words.text("to"));
  const plan = await makePlan(session, { from, to, names });
  if (!json) terminal.out.write(renderClone(plan));
  if (dryRun) {
    if (json) printJson(session, { cloned: false, ...cloneJson(plan) });
    else terminal.out.write("Dry run: nothing was changed.\n");
    return;
  }
  await carryOutClone(to, plan);
  const after = createCounts();
  for await (const account of readLiveAccounts(to.session)) after.add(account);
  const differences = differencesOf(plan.renamed.counts, after);
  const same = plan.renamed.counts.digest() === after.digest();
  if (json)
    printJson(session, { cloned: true, same, differences, ...cloneJson(plan), toDigest: after.digest() });
  else
    terminal.out.write(
      `Done.\n${from.name}: ${plan.renamed.counts.digest()}  ${count(plan.renamed.counts.accounts, "account")}\n${to.name}: ${after.digest()}  ${count(after.accounts, "account")}\n`,
    );
  if (!same) throw notTheSame(differences, [from.name, to.name]);
  if (!json)
    terminal.out.write("Both sides count the same, product by version by cohort by time zone by cell.\n");
}

interface Sides {
  readonly from: Profile;
  readonly to: Profile;
  readonly names: Names;
}

async function makePlan(session: Session, { from, to, names }: Sides): Promise<ClonePlan> {
  const { words } = session;
  const labels = words.text("labels") === "hash" ? "hash" : "drop";
  const rules = {
    origins: mappings(words.value("mapOrigin")),
    domains: mappings(words.value("mapDomain")),
    names: labels === "hash" ? names : null,
  };
  const [here, there] = [await readLive(from.session), await readLive(to.session)];
  const mapped = mapResources(
    [...here.found.values()].map(({ resource }) => resource),
    rules,
  );
  refuseMapped(mapped, { here, there }, { from, to });
  const reason = toInput(ReasonSchema, words.maybe("reason") ?? `clone of ${from.name}`);
  const written = new Map(
    mapped.resources.map((resource) => [keyOf(resource), { resource, file: from.name, lineOf: () => 0 }]),
  );
  const resources = planResources({ path: "", written, accounts: null, mistakes: [] }, there, reason);
  const renamed = await renameAccounts(readLiveAccounts(from.session), {
    names,
    labels,
    domainsUnder: words.maybe("domainsUnder") ?? null,
  });
  const standing = await standingOf(readKnownAccounts(to.session), renamed);
  refuseAccounts(session, { renamed, standing }, to);
  return {
    from: from.name,
    to: to.name,
    items: resources.items,
    calls: resources.calls,
    notes: [
      ...mapped.notes,
      ...resources.notes
        .filter((note) => !note.startsWith("Not in the directory"))
        .map((note) => note.replace("the file says", `${from.name} has`)),
    ],
    renamed,
    standing,
    reason,
  };
}

/** Commander keeps what the option's parser made, in a list. */
function mappings(value: unknown): readonly Mapping[] {
  return Array.isArray(value) ? (value as readonly Mapping[]) : [];
}

function refuseMapped(
  { refused, resources }: Mapped,
  { here, there }: { readonly here: Live; readonly there: Live },
  { from, to }: Pick<Sides, "from" | "to">,
): void {
  const values = (live: Live, what: "domains" | "origin"): readonly string[] =>
    [...live.found.values()].flatMap(({ resource }) =>
      resource.kind === "product" && what === "domains"
        ? resource.value.domains
        : resource.kind === "version" && what === "origin"
          ? [resource.value.origin]
          : [],
    );
  const domains = new Set(values(here, "domains"));
  const origins = new Set(values(here, "origin"));
  const both = values(there, "domains").filter((domain) => domains.has(domain));
  const circle = resources.flatMap(({ kind, name, value }) =>
    kind === "version" && origins.has(value.origin)
      ? [`${name} would go to ${value.origin}, which is an origin of ${from.name}`]
      : [],
  );
  const wrong = [
    ...refused,
    ...circle,
    ...(from.origin === to.origin ? [`${from.name} and ${to.name} are the same instance`] : []),
    ...both.map(
      (domain) => `${to.name} serves ${domain}, which is a domain of ${from.name}: is it the same instance?`,
    ),
  ];
  if (wrong.length > 0)
    throw refusal(wrong, `Nothing of ${from.name} may be reached from ${to.name}: say what it becomes.`);
}

function refuseAccounts(
  { words }: Session,
  { renamed, standing }: { readonly renamed: Renamed; readonly standing: Standing },
  to: Profile,
): void {
  const some = (list: readonly string[]): string => list.join(", ");
  if (renamed.collisions > 0)
    throw refusal(
      [`${count(renamed.collisions, "account")} would have the name of another`],
      "Use another FIREBREAK_CLONE_KEY.",
    );
  if (standing.foreignInAll > 0 && !words.on("replace"))
    throw refusal(
      [
        `${to.name} has ${count(standing.foreignInAll, "account")} that no clone made: ${some(standing.foreign)} …`,
      ],
      "If they may be deleted, say --replace.",
    );
  if (standing.elsewhereInAll > 0)
    throw refusal(
      [
        `${count(standing.elsewhereInAll, "account")} of an earlier clone are on other versions on ${to.name}: ${some(standing.elsewhere)} …`,
      ],
      `Nothing moves an account but a rollout. Move them there, or clone with another FIREBREAK_CLONE_KEY: new names, and the old accounts are deleted.`,
    );
}

function refusal(wrong: readonly string[], next: string): Error {
  return cliFailure("file", {
    title: "This clone is refused; nothing was written",
    detail: wrong.join("\n"),
    next,
  });
}

/** Configuration first, then the accounts, then what may only come after them. */
async function carryOutClone({ session }: Profile, plan: ClonePlan): Promise<void> {
  const before = plan.calls.filter(({ rank }) => rank < RANKS.accounts);
  await carryOut(session, { calls: before, accounts: null });
  for (const account of plan.standing.deleted)
    await session.api().send(AccountSchema, {
      method: "POST",
      path: `/accounts/${account}/undelete`,
      body: { reason: plan.reason },
    });
  await syncAccounts(session, plan);
  await carryOut(session, { calls: plan.calls.filter((call) => !before.includes(call)), accounts: null });
}

const MAX_REJECTS = 20;

async function syncAccounts(session: Session, { renamed, standing }: ClonePlan): Promise<void> {
  const rejected: Extract<ImportEvent, { event: "rejected" }>[] = [];
  const lines = [...renamed.lines.values()];
  const summary = await runImport(
    session.api(),
    {
      file: "the clone",
      input: Readable.from(chunksOf(lines)),
      format: "ndjson",
      mode: "sync",
      dryRun: false,
      expectRemoved: standing.removed + standing.losing,
      id: newImportId({ mode: "sync", dryRun: false }, null),
    },
    {
      event: (event) => {
        if (event.event === "rejected" && rejected.length < MAX_REJECTS) rejected.push(event);
      },
      counts: () => undefined,
    },
  );
  if (summary.rejected === 0) return;
  throw cliFailure("rejected-lines", {
    title: `${count(summary.rejected, "account was", "accounts were")} rejected; all others were taken`,
    detail: rejected.map(({ account, reason }) => `${account}: ${reason}`).join("\n"),
    next: "The same command again does the rest, once what it says is mended.",
  });
}

const LINES_A_CHUNK = 500;

function* chunksOf(lines: readonly string[]): Generator<Buffer> {
  for (let at = 0; at < lines.length; at += LINES_A_CHUNK)
    yield Buffer.from(`${lines.slice(at, at + LINES_A_CHUNK).join("\n")}\n`);
}

function notTheSame(differences: readonly CountDifference[], [from, to]: readonly [string, string]): Error {
  const rows = differences.slice(0, MAX_REJECTS).map((each) => [each.what, each.from, each.to]);
  return cliFailure("unexpected-answer", {
    title: "The two sides do not count the same",
    detail: renderTable(["accounts of", from, to], rows).trimEnd(),
    next: `Somebody changed ${to} meanwhile, or ${from} moved accounts while it was read: run the same command again.`,
  });
}
