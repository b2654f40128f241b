/**
 * `accounts pin|unpin|quarantine|unquarantine|hold|release|defer|undefer`: what operators and support decide about one
 * account, apart from what the system of record says. An import or sync never touches any of it.
 */
import type { Command } from "commander";
import {
  AccountSchema,
  DeferralInputSchema,
  PinInputSchema,
  QuarantineInputSchema,
} from "../../src/contracts/api/accounts.ts";
import { ACCOUNT_ARGUMENT, accountPath, renderAccount } from "./account.ts";
import { toInput, toInstant } from "./arguments.ts";
import { change } from "./change.ts";
import { HOLD_OPTIONS, holdInput } from "./holds.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import {
  addVerb,
  type ArgumentSpec,
  type OptionSpec,
  type ProgramContext,
  type Session,
  type VerbSpec,
} from "./verb.ts";
import { VERSION_ARGUMENT } from "./version.ts";

/** One of the eight: what it is called, where it goes, and what it sends. A null body deletes. */
interface CareSpec {
  readonly name: string;
  readonly summary: string;
  readonly resource: "pins" | "quarantine" | "hold" | "deferral";
  readonly words?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly example: string;
  body(session: Session): unknown;
}

const lifted = (): null => null;

const CARE: readonly CareSpec[] = [
  {
    name: "pin",
    summary: "keep an account on a version of a product, until lifted or expired",
    resource: "pins",
    words: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
    options: [
      {
        flags: "--expires <instant>",
        about: "ends by itself then, moving nobody (default: when it is lifted)",
        parse: toInstant,
      },
    ],
    example: 'accounts pin acme kiln 2.8.0 --expires 2026-12-31T00:00:00Z --reason "year-end close"',
    body: ({ words }) =>
      toInput(PinInputSchema, {
        version: words.text("version"),
        reason: words.text("reason"),
        expires: words.maybe("expires") ?? null,
      }),
  },
  {
    name: "unpin",
    summary: "lift a pin",
    resource: "pins",
    words: [PRODUCT_ARGUMENT],
    example: 'accounts unpin acme kiln --reason "close is done"',
    body: lifted,
  },
  {
    name: "quarantine",
    summary: "put one account back on a version, alone and at once",
    resource: "quarantine",
    words: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
    example: 'accounts quarantine acme kiln 2.8.0 --reason "search fails on 2.9.0, ticket 4711"',
    body: ({ words }) =>
      toInput(QuarantineInputSchema, { version: words.text("version"), reason: words.text("reason") }),
  },
  {
    name: "unquarantine",
    summary: "lift a quarantine",
    resource: "quarantine",
    words: [PRODUCT_ARGUMENT],
    example: 'accounts unquarantine acme kiln --reason "fixed in 2.9.1"',
    body: lifted,
  },
  {
    name: "hold",
    summary: "answer an account with a maintenance page, or read-only",
    resource: "hold",
    options: HOLD_OPTIONS,
    example:
      'accounts hold acme --message "Back at 14:00" --until 2026-11-28T14:00:00Z --reason "data repair"',
    body: ({ words }) => holdInput(words),
  },
  {
    name: "release",
    summary: "lift an account's hold",
    resource: "hold",
    example: 'accounts release acme --reason "repaired"',
    body: lifted,
  },
  {
    name: "defer",
    summary: "leave an account out of moves until a date",
    resource: "deferral",
    options: [
      {
        flags: "--until <instant>",
        about: "from then on it may be moved again (by a rollout)",
        parse: toInstant,
        required: true,
      },
      { flags: "--owner <name>", about: "who answers for it", required: true },
    ],
    example:
      'accounts defer acme --until 2027-01-15T00:00:00Z --owner "Jo, success" --reason "audit in December"',
    body: ({ words }) =>
      toInput(DeferralInputSchema, {
        until: words.text("until"),
        reason: words.text("reason"),
        owner: words.text("owner"),
      }),
  },
  {
    name: "undefer",
    summary: "lift a deferral",
    resource: "deferral",
    example: 'accounts undefer acme --reason "audit is over"',
    body: lifted,
  },
];

export function addAccountCareVerbs(accounts: Command, context: ProgramContext): void {
  for (const care of CARE) addVerb(accounts, toVerb(care), context);
}

function toVerb(care: CareSpec): VerbSpec {
  return {
    name: care.name,
    summary: care.summary,
    arguments: [ACCOUNT_ARGUMENT, ...(care.words ?? [])],
    ...(care.options === undefined ? {} : { options: care.options }),
    changes: true,
    reason: true,
    writes: true,
    examples: [care.example],
    run: (session) => {
      const product = session.words.maybe("product");
      const path = `${accountPath(session)}/${care.resource}${product === undefined ? "" : `/${encodeURIComponent(product)}`}`;
      const body = care.body(session);
      return change(session, {
        schema: AccountSchema,
        request:
          body === null
            ? { method: "DELETE", path, query: { reason: session.words.text("reason") } }
            : { method: "PUT", path, body },
        render: renderAccount,
      });
    },
  };
}
