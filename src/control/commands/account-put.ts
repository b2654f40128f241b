/** Creates an account, or edits what the system of record says of it. Never a home, pin, hold, quarantine or deferral. */
import type { Account } from "../../contracts/api/accounts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { applyAccounts } from "../accounts/apply.ts";
import { planAccount, type Planned, type Present } from "../accounts/plan.ts";
import { loadPresent } from "../accounts/present.ts";
import { readTerrain } from "../accounts/terrain.ts";
import { checkRevision, refuse } from "../refuse.ts";
import { parseTexts } from "../row.ts";
import { loadDomainOwners } from "../store/accounts.ts";
import { markMany } from "../store/changes.ts";
import { showAccount } from "./find-account.ts";
import type { Change, Work } from "./work.ts";

/** Puts one account. */
export function putAccount(
  work: Work,
  { account: slug, input }: CommandInputs["account.put"],
): Result<Change<Account>, Refusal> {
  const { db, config } = work;
  const present = loadPresent(db, [slug]).get(slug) ?? null;
  const stale = checkRevision(work.ifMatch, present?.record.revision ?? 0);
  if (stale !== null) return stale;
  const owners = loadDomainOwners(
    db,
    (input.domains ?? []).map(({ host }) => host),
  );
  const ownerOf = (host: string): string | null => {
    const owner = owners.get(host);
    return owner === undefined || owner.deleted ? null : owner.account;
  };
  const planned = planAccount(readTerrain({ db, config, ownerOf }), present, { slug, input });
  if (!planned.ok) return planned;
  const concerned = [...Object.keys(present?.homes ?? {}), ...Object.keys(planned.value.homes)];
  const denied = refuseProducts(work.actor, concerned);
  if (denied !== null) return denied;
  if (present !== null && planned.value.fields.length === 0)
    return ok({ output: showAccount(work, slug), told: null });
  return write(work, present, planned.value);
}

function write(work: Work, present: Present | null, planned: Planned): Result<Change<Account>, Refusal> {
  const { hashes, refused } = applyAccounts(work.db, work, [{ present, planned }]);
  const reason = refused[0]?.reason;
  if (reason !== undefined) return refuse("conflict", reason);
  if (hashes.length > 0) markMany(work.db, work, { hashes, changes: 1 });
  return ok({
    output: showAccount(work, planned.slug),
    told: {
      target: `account/${planned.slug}`,
      reason: null,
      detail: { fields: planned.fields, before: shown(present), after: shownAfter(planned) },
    },
  });
}

function shown(present: Present | null): unknown {
  if (present === null) return null;
  const { record, homes, domains } = present;
  const { timeZone, cohort, cell } = record;
  return { timeZone, cohort, cell, labels: parseTexts(record.labels), homes, domains };
}

function shownAfter({
  timeZone,
  cohort,
  cell,
  labels,
  homes,
  domainsAdded,
  domainsRemoved,
}: Planned): unknown {
  return { timeZone, cohort, cell, labels: parseTexts(labels), homes, domainsAdded, domainsRemoved };
}
