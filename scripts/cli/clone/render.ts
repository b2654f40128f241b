/** What a clone would do and has done, for people and for programs. Pure. */
import { clean, count } from "../render.ts";
import type { Call, PlanItem } from "../directory/plan.ts";
import type { Renamed, Standing } from "./accounts.ts";

export interface ClonePlan {
  readonly from: string;
  readonly to: string;
  readonly items: readonly PlanItem[];
  readonly calls: readonly Call[];
  readonly notes: readonly string[];
  readonly renamed: Renamed;
  readonly standing: Standing;
  readonly reason: string;
}

/** The plan as lines. */
export function renderClone({ from, to, items, notes, renamed, standing }: ClonePlan): string {
  const { removed, kept, deleted } = standing;
  const added = renamed.lines.size - kept - deleted.length;
  const lines = [
    `${from} → ${to}`,
    ...items.map(({ mark, key, changes }) => `${mark} ${clean(key)}${originText(changes)}`),
    ...(items.length === 0 ? ["  configuration: as it is there"] : []),
    `accounts: ${count(renamed.lines.size, "account")} of ${from}; on ${to} ${number(added)} new, ${number(kept)} kept, ${number(deleted.length)} brought back, ${number(removed)} deleted`,
    ...(renamed.domainsLeftOut > 0
      ? [`${count(renamed.domainsLeftOut, "custom domain")} left out (--domains-under hides them instead)`]
      : []),
    ...notes.map((note) => `Note: ${clean(note)}`),
    `digest of ${from}: ${renamed.counts.digest()}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Where it will send to is what nobody may have to guess. */
function originText(changes: PlanItem["changes"]): string {
  return changes
    .filter(({ field }) => field === "origin" || field === "domains")
    .map(({ to }) => `  → ${clean(Array.isArray(to) ? to.join(", ") : String(to))}`)
    .join("");
}

const number = (value: number): string => value.toLocaleString("en-US");

/** The same for programs. The new names are no secret; the real ones are nowhere in it. */
export function cloneJson({ from, to, items, notes, renamed, standing }: ClonePlan): Record<string, unknown> {
  return {
    from,
    to,
    changes: items,
    accounts: {
      inAll: renamed.lines.size,
      kept: standing.kept,
      broughtBack: standing.deleted.length,
      removed: standing.removed,
      domainsLeftOut: renamed.domainsLeftOut,
    },
    notes,
    fromDigest: renamed.counts.digest(),
  };
}
