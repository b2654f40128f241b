/**
 * A time limit on an operation that may hang. The timer is cleared as soon as the operation ends, because a running one
 * keeps a Durable Object in memory. The operation itself is not stopped: nothing can stop a remote call.
 */

/** @throws Error when `operation` takes longer than `ms`; else whatever it does. */
export async function within<T>(operation: Promise<T>, ms: number): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.reject(new Error(`took more than ${ms} ms`)), ms);
  try {
    return await Promise.race([operation, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}
