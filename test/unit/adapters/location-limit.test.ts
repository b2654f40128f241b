/** The location's count of failures: what the binding says, and nothing where it says nothing. */
import { describe, it } from "vitest";
import { createLocationLimit } from "../../../src/adapters/location-limit.ts";

describe("createLocationLimit", () => {
  it.for([
    ["says that it is", { limit: async () => ({ success: false }) }, true],
    ["says that it is not", { limit: async () => ({ success: true }) }, false],
    ["rejects", { limit: () => Promise.reject(new Error("down")) }, false],
    ["is no binding", "text" as unknown as undefined, false],
    ["is not bound", undefined, false],
  ] as const)(
    "takes a failure for one too many when the limit %s: %j",
    async ([, binding, is], { expect }) => {
      expect(await createLocationLimit(binding)("192.0.2.1")).toBe(is);
    },
  );

  it("counts each client by itself", async ({ expect }) => {
    const keys: string[] = [];
    const isTooMany = createLocationLimit({
      limit: async ({ key }) => {
        keys.push(key);
        return { success: true };
      },
    });
    await isTooMany("192.0.2.1");
    await isTooMany("192.0.2.2");
    expect(keys).toEqual(["192.0.2.1", "192.0.2.2"]);
  });
});
