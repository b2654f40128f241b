/**
 * Turns entries of the audit and verdicts of gates into the lines of a time line: what is told twice is told once, and
 * what goes on in small steps becomes one line with its end. Pure. Entries come oldest first, and so do the lines.
 */
import type { AlarmName } from "../../../src/contracts/alarms.ts";
import type { AuditEntry } from "../../../src/contracts/api/operations.ts";
import { count } from "../render.ts";
import {
  isPerson,
  nameOf,
  numberIn,
  textIn,
  within,
  type Facts,
  type Happening,
  type RolloutFacts,
} from "./facts.ts";
import { sayEntry } from "./sentences.ts";

/** Steps of one wave further apart than this are told apart. */
const SAME_SHIFT_MS = 15 * 60_000;

/** All lines of a time line, oldest first. */
export function happeningsOf({ entries, rollouts, from, to }: Facts): readonly Happening[] {
  const told = collapse(markReturns(withoutEchoes(entries)).map(toHappening));
  const gates = rollouts.flatMap(gateLines).filter(({ at }) => at >= from && at <= to);
  return [...told, ...gates].toSorted((a, b) => compare(a.at, b.at));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export interface Read {
  readonly entry: AuditEntry;
  /** It sets a default to what it was before: a way back, by whatever verb. */
  readonly returns: boolean;
}

/** Tells which entries put a default back; oldest first. */
export function markReturns(entries: readonly AuditEntry[]): readonly Read[] {
  const left = new Set<string>();
  return entries.map((entry) => {
    if (entry.action !== "product.default.set") return { entry, returns: false };
    const { detail, target } = entry;
    left.add(`${target} ${textIn(within(detail, "before"), "default") ?? ""}`);
    return { entry, returns: left.has(`${target} ${textIn(within(detail, "after"), "default") ?? ""}`) };
  });
}

function toHappening({ entry, returns }: Read): Happening {
  const { at, actor, reason, target, seq, action, detail } = entry;
  const said = sayEntry(entry);
  const own = ["rollout.published", "rollout.phase", "rollout.notice"].includes(action);
  return {
    at,
    until: null,
    who: isPerson(entry) ? actor : "Firebreak",
    byPerson: isPerson(entry),
    ...said,
    ...(returns ? { kind: "back", what: backText(entry) } : {}),
    reason: own ? null : reason,
    moved: action === "rollout.published" ? numberIn(detail, "moved") : null,
    target,
    entries: [seq],
  };
}

function backText({ target, detail }: AuditEntry): string {
  return `Default of ${nameOf(target)} (unknown accounts) put back on ${textIn(within(detail, "after"), "default") ?? "none"}`;
}

/** Phases and notices that only repeat what a person did, or each other, and preflights that pass as the one before did. */
export function withoutEchoes(entries: readonly AuditEntry[]): readonly AuditEntry[] {
  const verdicts = new Map<string, string>();
  return entries.filter((entry, index) => {
    if (entry.action === "preflight.run") return isNews(entry, verdicts);
    if (entry.action === "rollout.phase") return !isEcho(entry);
    if (entry.action.startsWith("alarm.")) return !ECHOING.has(textIn(entry.detail, "name") ?? "");
    if (entry.action === "rollout.notice") return !repeatsNeighbour(entry, entries, index);
    return true;
  });
}

function isNews(entry: AuditEntry, verdicts: Map<string, string>): boolean {
  const verdict = `${textIn(entry.detail, "wave") ?? ""}/${textIn(entry.detail, "default") ?? ""}`;
  const key = `${entry.target}/${textIn(entry.detail, "purpose") ?? ""}`;
  const before = verdicts.get(key);
  verdicts.set(key, verdict);
  return isPerson(entry) || before !== verdict;
}

/** Alarms that only say again what an entry of its own tells. */
const ECHOING: ReadonlySet<string> = new Set<AlarmName>([
  "halt-active",
  "automatic-rollback",
  "rollout-page",
  "rollout-ticket",
]);

/** Causes of phases that another entry tells already: the person's own, or each step that was published. */
const TOLD_CAUSES: ReadonlySet<string> = new Set(["operator", "moving", "rollback"]);

function isEcho({ detail }: AuditEntry): boolean {
  return TOLD_CAUSES.has(textIn(detail, "cause") ?? "");
}

function repeatsNeighbour(entry: AuditEntry, entries: readonly AuditEntry[], index: number): boolean {
  const text = (entry.reason ?? "").toLowerCase();
  return entries
    .slice(Math.max(0, index - 3), index + 4)
    .some(
      (other) =>
        other !== entry &&
        other.at === entry.at &&
        ["rollout.phase", "rollout.rollback", "rollout.pause"].includes(other.action) &&
        other.reason !== null &&
        text.includes(other.reason.toLowerCase()),
    );
}

/** `Wave "forty": 12 accounts`, as a step of a wave says what it moved. */
const STEP = /^(?<what>.+): [\d,]+ accounts?$/;

/** Steps of one wave become one line, with the number of accounts at its end. */
function collapse(lines: readonly Happening[]): readonly Happening[] {
  const merged: Happening[] = [];
  let open: { index: number; wave: string; first: number } | null = null;
  let moved = 0;
  for (const line of lines) {
    const wave = line.moved === null ? undefined : STEP.exec(line.what)?.groups?.["what"];
    const last = open === null ? undefined : merged[open.index];
    if (wave !== undefined && line.moved !== null) {
      const joins =
        open !== null &&
        last !== undefined &&
        open.wave === wave &&
        Date.parse(line.at) - Date.parse(last.until ?? last.at) <= SAME_SHIFT_MS;
      if (open !== null && joins && last !== undefined)
        merged[open.index] = join(last, line, { wave, first: open.first });
      else {
        open = { index: merged.length, wave, first: moved };
        merged.push({ ...line, what: movedText(wave, line.moved - moved, line.moved) });
      }
    } else {
      merged.push(line);
      // A person's word between two steps is the reason to tell them apart.
      if (line.byPerson || line.kind === "stop") open = null;
    }
    moved = line.moved ?? moved;
  }
  return merged;
}

function join(last: Happening, line: Happening, from: { wave: string; first: number }): Happening {
  const moved = line.moved ?? 0;
  return {
    ...last,
    until: line.at,
    what: movedText(from.wave, moved - from.first, moved),
    moved,
    entries: [...last.entries, ...line.entries],
  };
}

function movedText(wave: string, by: number, inAll: number): string {
  return `${wave}: ${count(by, "account")} moved, ${inAll.toLocaleString("en-US")} in all`;
}

/** A line whenever the verdict of a gate became another. */
function gateLines({ view, gates }: RolloutFacts): readonly Happening[] {
  return (gates?.waves ?? []).flatMap(({ name, product, points }) =>
    points
      .filter(({ verdict }, index) => points[index - 1]?.verdict !== verdict)
      .map(({ at, verdict, moved, notMoved }): Happening => ({
        at,
        until: null,
        who: "Firebreak",
        byPerson: false,
        kind: "gate",
        what:
          `Gate of wave "${name}" (${product} ${view.targets[product] ?? ""}): ${verdict}. Failures of moved accounts ${share(moved.rate)}` +
          ` (${count(moved.accounts, "account")}, ${count(moved.requests, "request")}), of not moved ones ${share(notMoved.rate)}`,
        reason: null,
        moved: null,
        target: `rollout/${view.id}`,
        entries: [],
      })),
  );
}

function share(rate: number): string {
  return `${(rate * 100).toLocaleString("en-US", { maximumFractionDigits: 2 })} %`;
}
