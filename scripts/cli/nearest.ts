/**
 * Which of the words that exist somebody may have meant by one that does not. Pure; called for verbs, flags and words of
 * a closed list. It suggests, it never acts on its guess.
 */

/** Edits beyond this share of the word make another word of it. */
const WORST_SHARE = 0.4;

/** Letters to insert, drop, replace or swap with their neighbour to make `a` into `b` (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_unused, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (last[j - 1] ?? 0) + cost,
          swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/**
 * The words nearest to a mistyped one, best first, at most three; dashes and case do not count.
 * A word that is a whole part of another (`--error` of `--error-rate`) is near however much is missing.
 */
export function nearest(typed: string, words: readonly string[]): readonly string[] {
  const plain = (text: string): string => text.toLowerCase().replace(/^-+/, "");
  const wanted = plain(typed);
  if (wanted.length < 2) return [];
  return words
    .map((word) => ({ word, cost: costOf(wanted, plain(word)) }))
    .filter(({ cost }) => cost <= WORST_SHARE)
    .toSorted((a, b) => a.cost - b.cost)
    .slice(0, 3)
    .map(({ word }) => word);
}

/** 0: the same; up to 1: nothing alike. */
function costOf(wanted: string, word: string): number {
  const parts = word.split(/[-/ ]/);
  if (wanted.length > 2 && (word.startsWith(wanted) || parts.includes(wanted))) return 0.2;
  return editDistance(wanted, word) / Math.max(wanted.length, word.length);
}
