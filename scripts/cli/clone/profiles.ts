/**
 * Two instances at once, by name: `--from production` is FIREBREAK_URL_PRODUCTION with FIREBREAK_TOKEN_PRODUCTION. No
 * token and no key ever stands in an argument, where every process list and shell history would have it.
 */
import { InvalidArgumentError } from "commander";
import { createClient, resolveSettings } from "../client.ts";
import { usageFailure } from "../failure.ts";
import type { Session } from "../verb.ts";

/** An instance by its name, and a session whose API it is. */
export interface Profile {
  readonly name: string;
  readonly origin: string;
  readonly session: Session;
}

/** Parses a name for `--from` and `--to`. */
export function toProfileName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,31}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "It must be a name as in production: the address comes from FIREBREAK_URL_PRODUCTION, the token from FIREBREAK_TOKEN_PRODUCTION.",
  );
}

/** @throws Failure (usage) that names the variable which is missing. */
export function openProfile(session: Session, name: string): Profile {
  const suffix = name.toUpperCase().replaceAll("-", "_");
  const [urlName, tokenName] = [`FIREBREAK_URL_${suffix}`, `FIREBREAK_TOKEN_${suffix}`];
  const { env } = session.terminal;
  const url = env[urlName];
  if (url === undefined || url === "")
    throw usageFailure(
      `It is not known where ${name} is.`,
      `Set ${urlName} to its admin host, and ${tokenName}.`,
    );
  const settings = resolveSettings(url, { FIREBREAK_TOKEN: env[tokenName] }, tokenName);
  const client = createClient(settings);
  return { name, origin: settings.url.origin, session: { ...session, api: () => client } };
}

const MIN_KEY_CHARS = 16;

/** The key of the new names. @throws Failure (usage) */
export function readCloneKey({ terminal }: Session): string {
  const key = terminal.env["FIREBREAK_CLONE_KEY"] ?? "";
  if (key.length >= MIN_KEY_CHARS) return key;
  throw usageFailure(
    key === ""
      ? "There is no key for the new names."
      : `FIREBREAK_CLONE_KEY is shorter than ${MIN_KEY_CHARS} characters.`,
    "Set FIREBREAK_CLONE_KEY to a secret that stays the same from clone to clone, as from `openssl rand -hex 32`.",
  );
}
