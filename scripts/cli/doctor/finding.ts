/** One finding of `doctor`: how it is made, and how times in it are said. No judgement is here. */

/** `wrong`: act on it (exit code 1); `look`: may be meant; `unknown`: could not be asked. */
export type Health = "well" | "look" | "wrong" | "unknown";

export interface Finding {
  readonly check: string;
  readonly health: Health;
  /** One sentence, or a few. */
  readonly says: string;
  /** The command that comes next; null when nothing is to be done. */
  readonly next: string | null;
}

export function finding(check: string, health: Health, says: string, next: string | null = null): Finding {
  return { check, health, says, next };
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A time as people say it. */
export function seconds(ms: number): string {
  if (ms < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  return ms < 2 * DAY ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / DAY)} days`;
}
