/**
 * What is deployed: the size of the bundle, and how long workerd takes to its first answer with it, over an empty Worker
 * started in turn with it. The empty Worker is started twice a round, to tell what two equal things differ by.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isReached } from "../results.ts";
import type { Key, Measured, Prepared, Row } from "../row.ts";
import { bundleDeployed, compressedKb, EMPTY, type Modules, startUpMs } from "../world/bundles.ts";

const MOST_KB = 200;
const MOST_MS = 30;
/** Starts are quick and noisy. */
const ROUNDS = 25;

const MS = "ms to the first answer";
const KB = "KB, gzip";

const SIDES = { empty: "an empty Worker", again: "the same again", ours: "the Worker as deployed" } as const;

export const bundleRow: Row = {
  name: "bundle",
  about: "the Worker as it would be deployed: size and start-up",
  gives: ["bundleGzKb", "startupMs"],
  rounds: ROUNDS,
  reach: `at most ${MOST_KB} KB compressed, and ${MOST_MS} ms to the first answer over an empty Worker`,
  async prepare(say) {
    const folder = mkdtempSync(join(tmpdir(), "firebreak-bundle-"));
    const stop = (): void => rmSync(folder, { recursive: true, force: true });
    say("bundling");
    try {
      const ours = await bundleDeployed(join(folder, "out"));
      const side = (name: string, modules: Modules): Prepared["sides"][number] => ({
        name,
        round: async () => ({ [MS]: await startUpMs(folder, modules), [KB]: compressedKb(modules) }),
      });
      return {
        sides: [side(SIDES.empty, EMPTY), side(SIDES.again, EMPTY), side(SIDES.ours, ours)],
        conclude,
        stop: async () => stop(),
      };
    } catch (error) {
      stop();
      throw error;
    }
  },
};

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const of = (side: keyof typeof SIDES, number: string): number => measured.of(SIDES[side], number).median;
  const keys: readonly Key[] = [
    {
      key: "bundleGzKb",
      value: of("ours", KB),
      limit: { most: MOST_KB },
      comparedTo: `${of("empty", KB).toFixed(1)} KB of an empty Worker`,
    },
    {
      key: "startupMs",
      value: of("ours", MS) - of("empty", MS),
      limit: { most: MOST_MS },
      comparedTo: `${of("empty", MS).toFixed(1)} ms of an empty Worker, ${of("again", MS).toFixed(1)} ms of the same again`,
    },
  ];
  return { reached: keys.every((key) => isReached(key) !== false), said: [], figures: {}, keys };
}
