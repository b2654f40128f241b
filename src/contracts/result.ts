/**
 * Expected outcomes are values. A `Result` carries either the value or a tagged error that holds its evidence;
 * exceptions are left for bugs and broken platforms. Imported by every room; imports nothing.
 */

export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** Wraps a value as a successful result. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** Wraps an expected failure; `error` should say what was got and what would have been right. */
export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}
