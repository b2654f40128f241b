/** `version`: the deployed releases of a product, their origins and what is declared about going back. */
import type { Command } from "commander";
import {
  AssetPrefixSchema,
  VersionInputSchema,
  VersionSchema,
  VersionStateInputSchema,
  VersionStateSchema,
  type Version,
} from "../../src/contracts/api/products.ts";
import {
  commaList,
  oneOf,
  repeated,
  splitPair,
  toInput,
  toProduct,
  toReversible,
  toVersion,
  word,
} from "./arguments.ts";
import { change } from "./change.ts";
import { usageFailure } from "./failure.ts";
import { showWholeList } from "./lists.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { useFields } from "./version-use.ts";
import { MIGRATION_OPTIONS, migrationFields, namedMigration } from "./version-migration.ts";
import { clean, instant, pairs, renderFields, renderTable } from "./render.ts";
import {
  addObject,
  addVerb,
  print,
  type ArgumentSpec,
  type OptionSpec,
  type ProgramContext,
  type Session,
} from "./verb.ts";

export const VERSION_ARGUMENT: ArgumentSpec = {
  name: "<version>",
  about: "name of the version",
  parse: toVersion,
};

/** @returns the object, for verbs that live in files of their own. */
export function addVersion(program: Command, context: ProgramContext): Command {
  const version = addObject(program, "version", {
    summary: "versions of a product: register, state, mark bad",
    alias: "versions",
  });
  addReading(version, context);
  addRegister(version, context);
  addState(version, context);
  return version;
}

function addReading(version: Command, context: ProgramContext): void {
  addVerb(
    version,
    {
      name: "list",
      summary: "all versions of a product",
      arguments: [PRODUCT_ARGUMENT],
      examples: ["version list kiln"],
      run: (session) =>
        showWholeList(session, {
          item: VersionSchema,
          request: { path: `/products/${encodeURIComponent(session.words.text("product"))}/versions` },
          noun: ["version", "versions"],
          render: renderVersions,
        }),
    },
    context,
  );
  addVerb(
    version,
    {
      name: "show",
      summary: "one version",
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      examples: ["version show kiln 2.9.0"],
      run: async (session) =>
        print(
          session,
          await session.api().send(VersionSchema, { method: "GET", path: pathOf(session) }),
          renderVersion,
        ),
    },
    context,
  );
}

const REGISTER_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--origin <origin>",
    about: "https://host[:port], http://… where allowed, or binding:NAME; may hold {cell}",
  },
  {
    flags: "--reversible <when>",
    about: "may accounts go back: true, false, or until when (default: false)",
    parse: toReversible,
  },
  {
    flags: "--mixed <ok|never>",
    about: "may it and the version before serve one account for a minute or two (default: never)",
    parse: oneOf("ok", "never"),
  },
  {
    flags: "--upgrades-from <versions>",
    about: "versions that may move to it, apart by commas; `any` for every one",
    parse: commaList(toVersion),
  },
  {
    flags: "--requires <product=versions>",
    about: "versions of another product an account must be on, repeatable",
    parse: repeated(toRequirement),
  },
  {
    flags: "--assets <prefixes>",
    about: "path prefixes of files that only it has, apart by commas; `none` for none",
    parse: commaList(toAssetPrefix),
  },
  ...MIGRATION_OPTIONS,
  {
    flags: "--events <url>",
    about: "where it is told which accounts moved to it or from it; `none` for nowhere",
  },
  { flags: "--notes <text>", about: "anything worth knowing" },
];

function addRegister(version: Command, context: ProgramContext): void {
  addVerb(
    version,
    {
      name: "register",
      summary: "register a version, or change what is declared about it",
      seeAlso: ["version show", "preflight run", "rollout create", "version replace"],
      unsaid: "as it is",
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      options: REGISTER_OPTIONS,
      changes: true,
      writes: true,
      notes: ["What is not named stays as it is. A new version needs --origin."],
      examples: [
        "version register kiln 2.9.0 --origin https://kiln-2-9-0.origins.example.net --reversible true --mixed ok",
        "version register kiln 2.9.0 --upgrades-from 2.8.0,2.8.1 --requires fogbugz=8.8.0,8.8.1 --dry-run",
      ],
      run: registerVersion,
    },
    context,
  );
}

async function registerVersion(session: Session): Promise<void> {
  const { words } = session;
  const found = await session.api().find(VersionSchema, { method: "GET", path: pathOf(session) });
  const origin = words.maybe("origin") ?? found?.value.origin;
  if (origin === undefined) throw usageFailure("A new version needs --origin.");
  const body = toInput(VersionInputSchema, {
    origin,
    reversible: words.value("reversible") ?? found?.value.reversible,
    mixed: words.value("mixed") ?? found?.value.mixed,
    migration: namedMigration(words, found?.value.migration),
    upgradesFrom: upgradesFrom(words.texts("upgradesFrom"), found?.value.upgradesFrom),
    requires: requirements(words.value("requires")) ?? found?.value.requires,
    assets: assetPrefixes(words.texts("assets")) ?? found?.value.assets,
    events: words.maybe("events") === "none" ? null : (words.maybe("events") ?? found?.value.events),
    notes: words.maybe("notes") ?? found?.value.notes,
  });
  await change(session, {
    schema: VersionSchema,
    request: { method: "PUT", path: pathOf(session), body },
    current: found === null ? null : { fields: found.value, revision: found.value.revision },
    render: renderVersion,
  });
}

/** What was named (`any` stands for null), else what there is. */
function upgradesFrom(
  named: readonly string[] | undefined,
  current: readonly string[] | null | undefined,
): readonly string[] | null | undefined {
  if (named === undefined) return current;
  return named.length === 1 && named[0] === "any" ? null : named;
}

function toAssetPrefix(text: string): string {
  return text === "none" ? text : word(AssetPrefixSchema)(text);
}

function assetPrefixes(named: readonly string[] | undefined): readonly string[] | undefined {
  return named?.length === 1 && named[0] === "none" ? [] : named;
}

interface Requirement {
  readonly product: string;
  readonly versions: readonly string[];
}

function toRequirement(text: string): Requirement {
  const [product, versions] = splitPair(text, "PRODUCT=VERSION[,VERSION], as in fogbugz=8.8.0");
  return { product: toProduct(product), versions: commaList(toVersion)(versions, undefined) };
}

function requirements(value: unknown): Record<string, readonly string[]> | undefined {
  if (!Array.isArray(value)) return undefined;
  return Object.fromEntries(value.filter(isRequirement).map(({ product, versions }) => [product, versions]));
}

function isRequirement(value: unknown): value is Requirement {
  return typeof value === "object" && value !== null && "product" in value && "versions" in value;
}

function addState(version: Command, context: ProgramContext): void {
  const states = VersionStateSchema.options;
  addVerb(
    version,
    {
      name: "state",
      summary: "set a version's state; moves nobody",
      arguments: [
        PRODUCT_ARGUMENT,
        VERSION_ARGUMENT,
        { name: "<state>", about: states.join(", "), parse: oneOf(...states) },
      ],
      changes: true,
      reason: true,
      writes: true,
      notes: ["A version cannot be retired while anything refers to it; the refusal lists what."],
      examples: ['version state kiln 2.9.0 live --reason "passed preflight"'],
      run: (session) =>
        change(session, {
          schema: VersionSchema,
          request: {
            method: "POST",
            path: `${pathOf(session)}/state`,
            body: toInput(VersionStateInputSchema, {
              state: session.words.text("state"),
              reason: session.words.text("reason"),
            }),
          },
          render: renderVersion,
        }),
    },
    context,
  );
}

function pathOf({ words }: Session): string {
  return `/products/${encodeURIComponent(words.text("product"))}/versions/${encodeURIComponent(words.text("version"))}`;
}

function reversibleText(reversible: Version["reversible"]): string {
  if (typeof reversible === "boolean") return reversible ? "yes" : "no";
  return `until ${instant(reversible)}`;
}

function renderVersions(versions: readonly Version[]): string {
  return renderTable(
    ["version", "state", "accounts", "origin", "reversible", "mixed", "bad"],
    versions.map((each) => [
      each.name,
      each.state,
      each.accounts,
      each.origin,
      reversibleText(each.reversible),
      each.mixed,
      each.bad === null ? null : each.bad.reason,
    ]),
  );
}

/** One version, a field a line. */
export function renderVersion(version: Version): string {
  const { bad, requires } = version;
  return renderFields([
    ["version", `${version.product} ${version.name}`],
    ["state", version.state],
    ["bad", bad === null ? null : clean(`${bad.reason} (${bad.by}, ${instant(bad.at)})`)],
    ["origin", version.origin],
    ["reversible", reversibleText(version.reversible)],
    ["mixed", version.mixed],
    ...migrationFields(version.migration),
    ["upgrades from", version.upgradesFrom === null ? "any" : version.upgradesFrom.join(", ")],
    [
      "requires",
      pairs(
        Object.fromEntries(Object.entries(requires).map(([product, names]) => [product, names.join(",")])),
      ),
    ],
    ["assets", version.assets.join(", ")],
    ["events", version.events],
    ["notes", version.notes],
    ["accounts", version.accounts],
    ...useFields(version),
    ["registered", instant(version.registeredAt)],
    ["revision", version.revision],
  ]);
}
