/**
 * Counts as people read them in sentences of the core, which has no locale: digits are grouped by commas. Pure.
 */

/** 4210 → `4,210`. Rounded to a whole number. */
export function count(number: number): string {
  return String(Math.round(number)).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `1 account`, `2 accounts`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${Math.round(number) === 1 ? "" : "s"}`;
}
