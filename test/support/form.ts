/**
 * Short or long: the same experiments run in CI and, with more cases and for longer, by `npm run faults -- --long`, which
 * sets `FAULTS_LONG`. Nothing else may differ between the two.
 */

/** Takes the number for the form that is run. */
export function inForm<T>({ short, long }: { readonly short: T; readonly long: T }): T {
  return process.env["FAULTS_LONG"] === "1" ? long : short;
}
