/** The part of `version register` and `version show` about data that must move with an account: hooks and their limits. */
import { MigrationSchema, type MigrationView } from "../../src/contracts/api/move-data.ts";
import { oneOf, toInput, wholeBetween } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import type { OptionSpec, Words } from "./verb.ts";

export const MIGRATION_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--migration <kind>",
    about: "data that must move with an account: none, perAccount or perCell (default: none)",
    parse: oneOf("none", "perAccount", "perCell"),
  },
  { flags: "--prepare <url>", about: "hook that carries the data over" },
  { flags: "--verify <url>", about: "hook that says whether the version can serve the account" },
  { flags: "--undo <url>", about: "hook that takes it back; `none` where nothing can be" },
  {
    flags: "--hook-timeout <seconds>",
    about: "of one call, 1 to 600 (default: 30)",
    parse: wholeBetween(1, 600),
  },
  {
    flags: "--hook-concurrency <n>",
    about: "calls at once, 1 to 100 (default: 10)",
    parse: wholeBetween(1, 100),
  },
];

/** What is named replaces what there is; what is not named stays. */
export function namedMigration(words: Words, current: MigrationView | undefined): MigrationView | undefined {
  const hooks = {
    prepare: words.maybe("prepare"),
    verify: words.maybe("verify"),
    undo: words.maybe("undo"),
    timeoutSeconds: words.value("hookTimeout"),
    concurrency: words.value("hookConcurrency"),
  };
  const named = Object.entries(hooks).filter(([, value]) => value !== undefined);
  const kind = words.value("migration") ?? current?.kind;
  if (kind === undefined || kind === "none") {
    if (named.length > 0) throw usageFailure("Hooks need --migration perAccount or --migration perCell.");
    return kind === undefined ? undefined : { kind: "none" };
  }
  const before = current === undefined || current.kind === "none" ? {} : current;
  const undo = words.maybe("undo") === "none" ? { undo: null } : {};
  return toInput(MigrationSchema, { ...before, ...Object.fromEntries(named), ...undo, kind });
}

/** Lines of `version show`. */
export function migrationFields(migration: MigrationView): (readonly [string, string])[] {
  if (migration.kind === "none") return [["migration", "none"]];
  const { kind, prepare, verify, undo, timeoutSeconds, concurrency } = migration;
  return [
    ["migration", `${kind}, ${concurrency} calls at once of at most ${timeoutSeconds} s`],
    ["prepare", prepare],
    ["verify", verify],
    ["undo", undo ?? "none: what was migrated stays migrated"],
  ];
}
