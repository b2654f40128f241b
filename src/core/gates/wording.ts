/**
 * Numbers of a gate as people read them: one spelling of shares and differences in every sentence.
 * Pure; called by the parts of a gate. Counts are those of core/counted.ts.
 */

const DIGITS = 2;

/** 0.0312 → `3.12 %`; 0.5 → `50 %`. */
export function percent(share: number): string {
  return `${digits(share * 100)} %`;
}

/** 0.0211 → `+2.11`; percentage points. */
export function points(difference: number): string {
  const text = digits(difference * 100);
  return difference > 0 && text !== "0" ? `+${text}` : text;
}

/** 3.10 → `3.1`; no more than two digits behind the point, and none that say nothing. */
export function digits(number: number): string {
  const text = number.toFixed(DIGITS).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}
