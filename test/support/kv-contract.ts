/**
 * What the maps reader and publisher rely on in KV, as one suite that runs on the fake (unit) and on the real namespace
 * in workerd (integration), so that the fake cannot promise what the platform does not keep.
 */
import { describe, it } from "vitest";
import type { MapsKv, MapsKvWriter } from "../../src/adapters/kv.ts";

/** Declares the suite for one implementation. `create` gives an empty one, or one with keys of its own. */
export function describeKvContract(name: string, create: () => MapsKv & MapsKvWriter): void {
  describe(`${name} as the KV of the published maps`, () => {
    it("gives back what was put, text for text", async ({ expect }) => {
      const kv = create();
      const text = `{"a":1}\nacme\t0\t\t\n${"x".repeat(50_000)}`;
      await kv.put("contract/text", text);
      expect(await kv.get("contract/text", 30)).toBe(text);
    });

    it("gives null for a key that is not there, alone and among others", async ({ expect }) => {
      const kv = create();
      await kv.put("contract/there", "yes");
      expect(await kv.get("contract/missing", 30)).toBeNull();
      const values = await kv.getMany(["contract/there", "contract/missing-too"]);
      expect(values.get("contract/there")).toBe("yes");
      expect(values.get("contract/missing-too") ?? null).toBeNull();
    });

    it("reads up to 100 keys at once and refuses more", async ({ expect }) => {
      const kv = create();
      const keys = Array.from({ length: 101 }, (_, number) => `contract/many-${number}`);
      expect((await kv.getMany(keys.slice(0, 100))).size).toBe(100);
      await expect(kv.getMany(keys)).rejects.toThrow("100 keys");
    });

    it("refuses a cache time below 30 seconds", async ({ expect }) => {
      await expect(create().get("contract/ttl", 10)).rejects.toThrow("at least 30");
    });

    it("forgets what was deleted", async ({ expect }) => {
      const kv = create();
      await kv.put("contract/gone", "x");
      await kv.delete("contract/gone");
      expect(await kv.get("contract/gone", 30)).toBeNull();
    });

    it("lists the keys below a prefix in order, a page at a time", async ({ expect }) => {
      const kv = create();
      for (const number of [2, 1, 3]) await kv.put(`contract/list/${number}`, "x");
      await kv.put("contract/lisu", "x");
      const page = await kv.list("contract/list/");
      expect(page).toEqual({ keys: ["contract/list/1", "contract/list/2", "contract/list/3"], cursor: null });
    });
  });
}
