/** What goes on behind: waited for by whoever asks, and forgotten when it has ended. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, it } from "vitest";
import { createBackground } from "../../../src/control/background.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

describe("work behind calls", () => {
  it("is waited for, with what is added meanwhile, whether it fails or not", async ({ expect }) => {
    const background = createBackground();
    const ended: string[] = [];
    const first = Promise.withResolvers<void>();
    background.add(
      first.promise.then(() => {
        ended.push("first");
        background.add(Promise.resolve().then(() => ended.push("added by it")));
      }),
      Promise.reject(new Error("failed")).finally(() => ended.push("failed")),
    );
    const idle = background.idle();
    first.resolve();
    await idle;
    expect(ended.toSorted()).toEqual(["added by it", "failed", "first"]);
    await background.idle();
  });

  it("leaves nothing behind, however often", async ({ expect }) => {
    const background = createBackground();
    const kept: WeakRef<object>[] = [];
    const work = async (): Promise<object> => {
      const result = { bytes: new Uint8Array(1000) };
      kept.push(new WeakRef(result));
      return result;
    };
    for (let round = 0; round < 100; round += 1) {
      background.add(work(), work());
      if (round % 3 === 0) await background.idle();
    }
    await background.idle();
    // A WeakRef holds what it was made of until the turn is over.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    expect(kept.filter((one) => one.deref() !== undefined)).toHaveLength(0);
    expect(kept).toHaveLength(200);
  });
});
