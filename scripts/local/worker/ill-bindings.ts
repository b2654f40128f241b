/**
 * Wraps the bindings of one node so that each can be made to throw or to hang, which no setting of workerd offers.
 * What is asked of a healthy binding passes through untouched. Used by `node-entry.ts` alone; nothing here is deployed.
 * A hang is a timer of an hour, as a real hang is pending I/O: a promise that nothing will settle would be noticed by
 * workerd, which ends such requests.
 */
import type { FaultMode, NodeBinding } from "../node-actions.ts";

const HANG_MS = 3_600_000;

/** How a binding is at this moment. */
export type ModeOf = (binding: NodeBinding) => FaultMode;

type Method = (...args: unknown[]) => unknown;

/** Fails or never answers, as the mode says; called only when the mode is not `ok`. */
async function beIll(binding: NodeBinding, mode: FaultMode): Promise<never> {
  if (mode === "hang") await scheduler.wait(HANG_MS);
  throw new Error(`${binding} was made to fail`);
}

interface IllOptions {
  readonly binding: NodeBinding;
  readonly modeOf: ModeOf;
  /** Is told of every call, by the name of the method, whatever becomes of it. */
  readonly asked?: (name: string, args: readonly unknown[]) => void;
  /** Is told of every answer of a well binding, by the name of the method. */
  readonly heard?: (name: string, value: unknown) => void;
}

/** Wraps an object whose methods are asynchronous (a KV namespace, a cache, an object's stub). */
export function createIllBinding<T extends object>(
  target: T,
  { binding, modeOf, asked, heard }: IllOptions,
): T {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      // A stub must not look like a promise, and what is not a method is passed on as it is.
      if (typeof name !== "string" || name === "then" || typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        asked?.(name, args);
        const mode = modeOf(binding);
        if (mode !== "ok") return beIll(binding, mode);
        const answer: unknown = Reflect.apply(member as Method, target, args);
        if (heard === undefined) return answer;
        return Promise.resolve(answer).then((value) => {
          heard(name, value);
          return value;
        });
      };
    },
  });
}

/** Wraps a namespace of objects: finding an object always works, what the object is asked is wrapped. */
export function createIllNamespace<T extends object>(target: T, options: IllOptions): T {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        const found: unknown = Reflect.apply(member as Method, target, args);
        const isStub = name === "get" || name === "getByName";
        return isStub && typeof found === "object" && found !== null
          ? createIllBinding(found, options)
          : found;
      };
    },
  });
}
