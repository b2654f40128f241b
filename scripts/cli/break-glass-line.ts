/**
 * The command line that puts a break-glass document where an instance reads it: into the folder of a local run, which its
 * address or its environment tells, else into the KV of its environment. A line of `--remote` from a local run would aim
 * at somebody else's.
 */
import { BREAK_GLASS_COMMANDS, LOCAL } from "../../src/core/break-glass-words.ts";
import { isLoopback } from "./client.ts";

export interface Target {
  /** As its status says; null: nobody said. */
  readonly environment: string | null;
  readonly hostname: string;
  /** The state folder of a local run; left out: the usual one. */
  readonly folder?: string;
}

/** @param document a word for the shell, quoted. */
export function breakGlassLine(document: string, { environment, hostname, folder }: Target): string {
  return environment === LOCAL || isLoopback(hostname)
    ? BREAK_GLASS_COMMANDS.putLocally(document, folder)
    : BREAK_GLASS_COMMANDS.put(document, environment);
}
