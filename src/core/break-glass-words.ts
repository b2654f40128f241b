/**
 * A break-glass document in words, and the command lines that put it in force: the same wherever people meet it (status,
 * `break-glass`, the incident page, doctor), because in the worst hour nobody should have to compare two spellings.
 * Pure; what a document does to a decision is in `apply-break-glass`.
 */
import type { BreakGlass } from "../contracts/maps.ts";

/** Most accounts that are named one by one. */
const NAMED = 5;

/** What a document does, in the order in which it is applied; one sentence each, none when it does nothing. */
export function tellBreakGlass(document: BreakGlass): readonly string[] {
  const { instead, hold, halt, holdGeneration } = document;
  const replaced = Object.entries(instead).flatMap(([product, versions]) =>
    Object.entries(versions).map(([from, to]) => `${product}: who would get ${from} gets ${to}`),
  );
  const defaults = Object.entries(document.default).map(
    ([product, version]) => `${product}: unknown accounts get ${version}`,
  );
  const placed = Object.entries(document.accounts).map(
    ([account, versions]) =>
      `${account} (${Object.entries(versions)
        .map(([product, version]) => `${product} ${version}`)
        .join(", ")})`,
  );
  return [
    ...replaced,
    ...defaults,
    ...(placed.length === 0 ? [] : [`fixed on a version: ${some(placed)}`]),
    ...Object.keys(hold.products).map((product) => `${product}: held, all accounts`),
    ...(Object.keys(hold.accounts).length === 0 ? [] : [`held: ${some(Object.keys(hold.accounts))}`]),
    ...(halt ? ["everything automatic is stopped"] : []),
    ...(holdGeneration === null ? [] : [`edges stay on the maps of generation ${holdGeneration}`]),
  ];
}

function some(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Where a command line is for: `production` is the top of wrangler.toml, anything else one of its environments. */
export const PRODUCTION = "production";

/** The run on this machine, whose KV is in a folder. */
export const LOCAL = "local";

/**
 * Wrangler's own flag; without it, it warns and takes the top. Null: nobody said which environment it is, and a line that
 * may be pasted as it is must not be production's.
 */
export function wranglerEnv(environment: string | null): string {
  if (environment === null) return "--env ENVIRONMENT";
  return environment === PRODUCTION ? `--env=""` : `--env ${environment}`;
}

/** Command lines that work without control plane and admin host. `document` is a word for the shell, quoted. */
export const BREAK_GLASS_COMMANDS = {
  /** Into KV; edges have it within a minute. Without --remote wrangler writes to this machine alone. */
  put: (document: string, environment: string | null): string =>
    `npx wrangler kv key put break-glass ${document} --binding MAPS --remote ${wranglerEnv(environment)}`,
  /** Into the KV of a local run, which keeps it in its state folder. */
  putLocally: (document: string, folder = ".firebreak"): string =>
    `npx wrangler kv key put break-glass ${document} --binding MAPS --local --persist-to ${shellWord(folder)} --env=""`,
  showLocally: (folder: string): string =>
    `npx wrangler kv key get break-glass --binding MAPS --local --persist-to ${shellWord(folder)} --env=""`,
  show: (environment: string | null): string =>
    `npx wrangler kv key get break-glass --binding MAPS --remote ${wranglerEnv(environment)}`,
  /** Into the variable, when KV cannot be written; the next deploy without it ends it. */
  deploy: (document: string, environment: string | null): string =>
    `npx wrangler deploy ${wranglerEnv(environment)} --var BREAK_GLASS:${document}`,
} as const;

/** A word that a POSIX shell hands on as it is. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
