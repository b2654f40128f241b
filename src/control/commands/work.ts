/**
 * What a command is handed and what it gives back. A command is one function: it checks, writes state through store/,
 * marks what the maps must show, and says what the audit shall tell. `execute.ts` wraps it in the transaction.
 */
import type { Actor, CommandInputs, CommandName, CommandOutputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";

export interface Work {
  readonly db: Db;
  readonly config: ControlConfig;
  readonly actor: Actor;
  /** Revision that the writer saw, null: whatever is there. */
  readonly ifMatch: number | null;
  /** Time of the change: never before the last tick. */
  readonly nowMs: EpochMs;
  /** Time of the machine, for what is compared with other machines' clocks: tokens and overrides. */
  readonly wallMs: EpochMs;
  /** Number of the change. */
  readonly seq: number;
}

/** What a change tells the audit. */
export interface Told {
  /** `kind/name`, such as `account/acme` or `version/kiln/2.9.0`. */
  readonly target: string;
  /** Left out: the command's name. Where what was done is not what the command is called after. */
  readonly action?: string;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Change<T> {
  readonly output: T;
  /** Null when nothing was changed (it was so already): then nothing is recorded either. */
  readonly told: Told | null;
}

export type Command<K extends CommandName> = (
  work: Work,
  input: CommandInputs[K],
) => Result<Change<CommandOutputs[K]>, Refusal>;
