/**
 * Short or long: the same experiments run in CI and, with more cases and for longer, by `npm run faults -- --long`, which
 * sets `FAULTS_LONG`. Nothing else may differ between the two. vitest.config.ts provides it, since tests inside workerd see no
 * environment of the process.
 */
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    readonly longForm: boolean;
  }
}

/** Takes the number for the form that is run. */
export function inForm<T>({ short, long }: { readonly short: T; readonly long: T }): T {
  return inject("longForm") ? long : short;
}
