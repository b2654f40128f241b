/** An export taken whole, and a restore from it, on a control plane of a test. */
import { contextOf, valueOf, type World } from "./control-world.ts";

/** All lines, from the first page to the last. */
export async function readExport(world: World): Promise<readonly string[]> {
  const lines: string[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await world.control.exportPage(cursor);
    lines.push(...page.lines);
    cursor = page.cursor;
    if (cursor === null) return lines;
  }
}

/** @returns the generation that it goes on from. */
export async function restore(world: World, lines: readonly string[], highestSeen = 0): Promise<number> {
  valueOf(await world.control.restoreBegin(contextOf().actor, "drill"));
  valueOf(await world.control.restoreLines(lines));
  return valueOf(await world.control.restoreEnd(highestSeen)).generation;
}
