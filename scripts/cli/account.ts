/**
 * `accounts list|show|delete|undelete`, and how an account reads for people. Edits are in account-put.ts; pins, holds, quarantine
 * and deferral in account-care.ts; files in account-import.ts.
 */
import type { Command } from "commander";
import { AccountSchema, type Account } from "../../src/contracts/api/accounts.ts";
import { toCohort, toProduct, toSlug, toVersion } from "./arguments.ts";
import { change } from "./change.ts";
import { RUN } from "./command-line.ts";
import { usageFailure } from "./failure.ts";
import { showList, PAGE_OPTIONS } from "./lists.ts";
import { holdText } from "./holds.ts";
import { clean, instant, pairs, renderFields, renderTable } from "./render.ts";
import { addVerb, print, type ArgumentSpec, type ProgramContext, type Session } from "./verb.ts";

export const ACCOUNT_ARGUMENT: ArgumentSpec = {
  name: "<account>",
  about: "slug of the account",
  parse: toSlug,
};

export function addAccountVerbs(accounts: Command, context: ProgramContext): void {
  addReading(accounts, context);
  addDeleting(accounts, context);
}

function addDeleting(accounts: Command, context: ProgramContext): void {
  addVerb(
    accounts,
    {
      name: "delete",
      summary: "delete an account; a tombstone keeps its slug for 90 days",
      arguments: [ACCOUNT_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      examples: ['accounts delete acme --reason "contract ended"'],
      run: (session) =>
        change(session, {
          schema: AccountSchema,
          request: {
            method: "DELETE",
            path: accountPath(session),
            query: { reason: session.words.text("reason") },
          },
          render: renderAccount,
        }),
    },
    context,
  );
  addVerb(
    accounts,
    {
      name: "undelete",
      summary: "take a deletion back within its 90 days; the account is as it was, nobody moves",
      arguments: [ACCOUNT_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      notes: ["A custom domain that another account has taken since then stays there."],
      examples: ['accounts undelete acme --reason "deleted by mistake, case 4711"'],
      run: (session) =>
        change(session, {
          schema: AccountSchema,
          request: {
            method: "POST",
            path: `${accountPath(session)}/undelete`,
            body: { reason: session.words.text("reason") },
          },
          render: renderAccount,
        }),
    },
    context,
  );
}

function addReading(accounts: Command, context: ProgramContext): void {
  addVerb(
    accounts,
    {
      name: "list",
      summary: "accounts, filtered, page by page",
      unsaid: "all",
      options: [
        { flags: "--cohort <cohort>", about: "only this cohort", parse: toCohort },
        { flags: "--product <product>", about: "only accounts that have it", parse: toProduct },
        { flags: "--on <version>", about: "only accounts whose home of --product it is", parse: toVersion },
        { flags: "--cell <cell>", about: "only this cell" },
        { flags: "--prefix <text>", about: "only slugs that begin so" },
        { flags: "--deleted", about: "deleted ones instead" },
        ...PAGE_OPTIONS,
      ],
      examples: [
        "accounts list --cohort early --limit 20",
        "accounts list --product kiln --on 2.8.0 --all --json",
      ],
      run: listAccounts,
    },
    context,
  );
  addVerb(
    accounts,
    {
      name: "show",
      summary: "one account: homes, pins, holds, labels",
      arguments: [ACCOUNT_ARGUMENT],
      examples: ["accounts show acme"],
      run: async (session) =>
        print(
          session,
          await session.api().send(AccountSchema, { method: "GET", path: accountPath(session) }),
          renderAccount,
        ),
    },
    context,
  );
}

async function listAccounts(session: Session): Promise<void> {
  const { words } = session;
  if (words.maybe("on") !== undefined && words.maybe("product") === undefined)
    throw usageFailure("--on needs --product.");
  await showList(session, {
    item: AccountSchema,
    request: {
      path: "/accounts",
      query: {
        cohort: words.maybe("cohort"),
        product: words.maybe("product"),
        version: words.maybe("on"),
        cell: words.maybe("cell"),
        prefix: words.maybe("prefix"),
        deleted: words.on("deleted") ? "true" : undefined,
      },
    },
    noun: ["account", "accounts"],
    render: renderAccounts,
  });
}

/** Where an account is in the API. */
export function accountPath({ words }: Session): string {
  return `/accounts/${encodeURIComponent(words.text("account"))}`;
}

/** What is out of the ordinary about an account, in one cell. */
function marks(account: Account): string | null {
  const found = [
    account.deleted === null ? "" : "deleted",
    account.hold === null ? "" : "held",
    account.deferral === null ? "" : "deferred",
    ...Object.keys(account.quarantine).map((product) => `quarantine ${product}`),
    ...Object.keys(account.pins).map((product) => `pin ${product}`),
  ];
  return found.filter((mark) => mark !== "").join(", ") || null;
}

function renderAccounts(accounts: readonly Account[]): string {
  return renderTable(
    ["account", "cohort", "time zone", "cell", "homes", "marks"],
    accounts.map((each) => [
      each.account,
      each.cohort,
      each.timeZone,
      each.cell,
      pairs(each.homes),
      marks(each),
    ]),
  );
}

type Now = NonNullable<Account["now"]>[string];

const BECAUSE: Readonly<Record<Now["reason"], string>> = {
  quarantine: "by its quarantine",
  pin: "by its pin",
  rollout: "moved by rollout",
  home: "by its home",
};

function nowText(product: string, { version, reason, rollout, replaced }: Now): string {
  const by = rollout === null ? BECAUSE[reason] : `${BECAUSE[reason]} ${rollout}`;
  return `${product} ${version}, ${by}${replaced === null ? "" : `, in place of ${replaced}`}`;
}

function nextText(product: string, { next, stays }: Now): string[] {
  if (next === null) return stays === null ? [] : [clean(`${product}: ${stays}`)];
  const wave = next.wave === null ? "" : ` in wave "${next.wave}"`;
  return [`${product} ${next.to}${wave} of ${next.rollout}: ${next.local} (${instant(next.utc)})`];
}

/** What it is on and what comes next; only in the answer about one account. */
function nowFields({ now }: Account): readonly (readonly [string, readonly string[]])[] {
  if (now === undefined) return [];
  const entries = Object.entries(now);
  return [
    ["is on", entries.map(([product, each]) => nowText(product, each))],
    ["comes next", entries.flatMap(([product, each]) => nextText(product, each))],
  ];
}

/** One account for people; also what every change of an account answers with. */
export function renderAccount(account: Account): string {
  const { deleted, deferral } = account;
  const about = (reason: string, by: string, at: string): string => `${reason} (${by}, ${instant(at)})`;
  return renderFields([
    ["account", account.account],
    ...(deleted === null
      ? []
      : [
          [
            "deleted",
            `${instant(deleted.at)}; slug free again ${instant(deleted.slugFreeAt)}, until then \`${RUN}accounts undelete ${account.account} --reason …\` brings it back`,
          ] as const,
        ]),
    ["cohort", account.cohort],
    ["time zone", account.timeZone],
    ["cell", account.cell],
    ...nowFields(account),
    [
      account.now === undefined ? "homes" : "homes (recorded)",
      Object.entries(account.homes).map(([product, version]) => `${product} ${version}`),
    ],
    [
      "pins",
      Object.entries(account.pins).map(([product, pin]) => {
        const until = pin.expires === null ? "" : ` until ${instant(pin.expires)}`;
        return `${product} ${pin.version}${until}: ${about(pin.reason, pin.by, pin.at)}`;
      }),
    ],
    [
      "quarantine",
      Object.entries(account.quarantine).map(
        ([product, each]) => `${product} ${each.version}: ${about(each.reason, each.by, each.at)}`,
      ),
    ],
    ["hold", holdText(account.hold)],
    [
      "deferral",
      deferral === null
        ? null
        : clean(
            `until ${instant(deferral.until)}, ${deferral.owner}: ${about(deferral.reason, deferral.by, deferral.at)}`,
          ),
    ],
    ["labels", pairs(account.labels)],
    ["domains", account.domains.map(({ host, product }) => `${host} (${product})`)],
    ["changed", instant(account.updatedAt)],
    ["known to every edge", account.visibleBy === null ? "yes" : `from ${instant(account.visibleBy)}`],
    ["revision", account.revision],
  ]);
}
