/**
 * `accounts put`: adds an account or edits one. Only what is named changes; zone and cohort, which the API always wants,
 * come from the account as it is. The revision that was read goes along, so a change in between is refused, not lost.
 */
import type { Command } from "commander";
import {
  AccountInputSchema,
  AccountSchema,
  LabelsSchema,
  type Account,
} from "../../src/contracts/api/accounts.ts";
import { ACCOUNT_ARGUMENT, accountPath, renderAccount } from "./account.ts";
import {
  commaList,
  repeated,
  splitPair,
  toCohort,
  toDomain,
  toInput,
  toProduct,
  toVersion,
  toZone,
} from "./arguments.ts";
import { change } from "./change.ts";
import { usageFailure } from "./failure.ts";
import { addVerb, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const PUT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--time-zone <zone>",
    about: "IANA time zone, as in Europe/Paris (a new account: needed)",
    parse: toZone(),
  },
  { flags: "--cohort <cohort>", about: "deployment ring, as in general", parse: toCohort },
  {
    flags: "--label <key=value>",
    about: "set one label, repeatable; others stay",
    parse: repeated((text) => splitPair(text, "KEY=VALUE")),
  },
  { flags: "--remove-label <key>", about: "remove one label, repeatable", parse: repeated(String) },
  { flags: "--cell <cell>", about: "where its data lives; `none` for no cell" },
  {
    flags: "--domain <host=product>",
    about: "custom domain, repeatable; the list replaces the one there is",
    parse: repeated(toCustomDomain),
  },
  { flags: "--clear-domains", about: "no custom domain" },
  {
    flags: "--products <products>",
    about: "products it has, apart by commas (a new account: all)",
    parse: commaList(toProduct),
  },
  {
    flags: "--home <product=version>",
    about: "where a new account starts when it is not stable, repeatable",
    parse: repeated(toHome),
  },
];

export function addAccountPut(accounts: Command, context: ProgramContext): void {
  addVerb(
    accounts,
    {
      name: "put",
      summary: "add an account, or change one; moves nobody",
      unsaid: "as it is",
      arguments: [ACCOUNT_ARGUMENT],
      options: PUT_OPTIONS,
      changes: true,
      writes: true,
      notes: ["What is not named stays as it is. A new account needs --time-zone and --cohort."],
      examples: [
        "accounts put acme --time-zone Europe/Paris --cohort early --label tier=gold",
        "accounts put acme --cohort general --dry-run",
      ],
      run: putAccount,
    },
    context,
  );
}

async function putAccount(session: Session): Promise<void> {
  const { words } = session;
  const found = await session.api().find(AccountSchema, { method: "GET", path: accountPath(session) });
  // A tombstone is no account to edit: its fields must not come back by themselves.
  const current = found === null || found.value.deleted !== null ? null : found.value;
  const body = toInput(AccountInputSchema, accountFields(words, current));
  await change(session, {
    schema: AccountSchema,
    request: { method: "PUT", path: accountPath(session), body },
    current:
      current === null
        ? null
        : {
            fields: { ...current, products: Object.keys(current.homes).toSorted() },
            revision: current.revision,
          },
    render: renderAccount,
  });
}

/** What the flags say; zone and cohort, which the API always wants, come from the account as it is. */
function accountFields(words: Session["words"], current: Account | null): Record<string, unknown> {
  const timeZone = words.maybe("timeZone") ?? current?.timeZone;
  const cohort = words.maybe("cohort") ?? current?.cohort;
  if (timeZone === undefined || cohort === undefined)
    throw usageFailure("A new account needs --time-zone and --cohort.");
  if (words.on("clearDomains") && words.value("domain") !== undefined) {
    throw usageFailure("--domain and --clear-domains exclude each other.");
  }
  const cell = words.maybe("cell");
  const labels = changedLabels(words, current?.labels ?? {});
  const domains = words.on("clearDomains") ? [] : words.value("domain");
  const homes = words.value("home");
  return {
    timeZone,
    cohort,
    ...(labels === null ? {} : { labels }),
    ...(cell === undefined ? {} : { cell: cell === "none" ? null : cell }),
    ...(domains === undefined ? {} : { domains }),
    ...(words.texts("products") === undefined ? {} : { products: words.texts("products")?.toSorted() }),
    ...(Array.isArray(homes) ? { homes: Object.fromEntries(homes.filter(isPair)) } : {}),
  };
}

const isPair = (value: unknown): value is readonly [string, string] =>
  Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "string");

/** Labels after the edits, or null when none was asked for. */
function changedLabels(
  words: Session["words"],
  current: Readonly<Record<string, string>>,
): Record<string, string> | null {
  const set = words.value("label");
  const removed = words.texts("removeLabel");
  if (set === undefined && removed === undefined) return null;
  const kept = Object.entries(current).filter(([key]) => removed?.includes(key) !== true);
  return toInput(LabelsSchema, {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(Array.isArray(set) ? set.filter(isPair) : []),
  });
}

/** `HOST=PRODUCT`. */
function toCustomDomain(text: string): { readonly host: string; readonly product: string } {
  const [host, product] = splitPair(text, "HOST=PRODUCT, as in code.acme.example=kiln");
  return { host: toDomain(host), product: toProduct(product) };
}

function toHome(text: string): readonly [string, string] {
  const [product, version] = splitPair(text, "PRODUCT=VERSION, as in kiln=2.8.0");
  return [toProduct(product), toVersion(version)];
}
