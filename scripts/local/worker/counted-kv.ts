/**
 * Counts what is written to KV, by the kind of key, so that "one write of `root` a step" can be watched and not only
 * believed. Nothing else of the namespace is touched. Used by `node-entry.ts` alone; nothing here is deployed.
 */

/** Writes (puts and deletes) so far, by key, or by what stands before the slash: `{ "root": 3, "root/": 3, "shard/": 16 }`. */
export type WrittenKeys = Readonly<Record<string, number>>;

/** `shard/5f…` counts as `shard/`, `root` as itself. */
function kindOf(key: string): string {
  const slash = key.indexOf("/");
  return slash === -1 ? key : key.slice(0, slash + 1);
}

/** Wraps a namespace; every write is counted in `counts` when it is asked for. */
export function createCountedKv(target: KVNamespace, counts: Map<string, number>): KVNamespace {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        if (name === "put" || name === "delete") {
          const kind = kindOf(String(args[0]));
          counts.set(kind, (counts.get(kind) ?? 0) + 1);
        }
        return Reflect.apply(member, target, args);
      };
    },
  });
}
