/** What the audit of a world has of refused attempts, once the notes have been handed over. */
import type { AuditEntry } from "../../src/contracts/api/operations.ts";
import { valueOf } from "./control-world.ts";
import type { DashboardWorld } from "./dashboard-world.ts";

/** All of them, newest first. */
export async function refusedIn({ world }: Pick<DashboardWorld, "world">): Promise<readonly AuditEntry[]> {
  const page = valueOf(
    await world.control.query("audit", { cursor: null, limit: 500, target: null, actor: null }),
  );
  return page.items.filter(({ action }) => action.startsWith("refused."));
}

/** The newest of one action, waited for. */
export async function refusedEntry(
  made: Pick<DashboardWorld, "world">,
  action: string,
): Promise<AuditEntry | undefined> {
  for (let turn = 0; turn < 50; turn += 1) {
    const found = (await refusedIn(made)).find((entry) => entry.action === action);
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}
