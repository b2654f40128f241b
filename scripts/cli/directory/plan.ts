/**
 * What applying a directory would do: the differences for people, and the calls in the order in which each finds what it
 * needs (versions before what names them, the new stable before the old one drains, marks and drafts last). Pure.
 * It never moves the default of a product that has one, never touches a started rollout, never clears a bad mark and
 * removes only what `--prune` names; each of these is told in a note.
 */
import type { VersionState } from "../../../src/contracts/maps.ts";
import { SERVING_STATES, stepsBetween } from "../../../src/core/version-steps.ts";
import { diffFields, type FieldChange } from "../render.ts";
import { createWorld, firstVersion } from "./check.ts";
import { keyOf, pathOf, splitVersion, type Resource, type ResourceOf } from "./layout.ts";
import type { Found, Live } from "./live.ts";
import { planMode } from "./plan-mode.ts";
import type { Directory } from "./read.ts";

/** One thing that would change. */
export interface PlanItem {
  readonly mark: "+" | "~" | "-";
  /** As `keyOf` names it. */
  readonly key: string;
  readonly changes: readonly FieldChange[];
  /** Accounts that have the product, or have the version as their home; 0 for all else. */
  readonly accounts: number;
}

/** One write. Calls are made in the order of their ranks. */
export interface Call {
  readonly rank: number;
  /** The item it belongs to. */
  readonly key: string;
  /** Why it was made, for people: `register version/kiln/2.9.0`. */
  readonly what: string;
  readonly method: "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Revision it was planned on; null: an earlier call of the same plan changes it. */
  readonly revision: number | null;
}

export interface ResourcePlan {
  readonly items: readonly PlanItem[];
  readonly calls: readonly Call[];
  readonly notes: readonly string[];
}

/** Order of the calls; accounts go between freezes and marks. */
export const RANKS = {
  product: 10,
  mode: 15,
  firstVersion: 20,
  retiredVersion: 21,
  version: 22,
  bringUp: 30,
  stable: 40,
  takeDown: 50,
  window: 60,
  freeze: 61,
  accounts: 70,
  rollout: 80,
  bad: 90,
  prune: 95,
} as const;

interface Planning {
  readonly directory: Directory;
  readonly live: Live;
  readonly reason: string;
  readonly items: PlanItem[];
  readonly calls: Call[];
  readonly notes: string[];
}

/** Plans everything but accounts and pruning. */
export function planResources(directory: Directory, live: Live, reason: string): ResourcePlan {
  const planning: Planning = { directory, live, reason, items: [], calls: [], notes: [] };
  for (const { resource } of directory.written.values()) planOne(planning, resource);
  planning.notes.push(...strangers(directory, live));
  return { items: planning.items, calls: planning.calls, notes: planning.notes };
}

function planOne(planning: Planning, resource: Resource): void {
  const before = planning.live.found.get(keyOf(resource)) ?? null;
  switch (resource.kind) {
    case "product":
      return planProduct(planning, resource, before);
    case "version":
      return planVersion(planning, resource, before);
    case "window":
      return planPut(planning, { resource, before, rank: RANKS.window });
    case "freeze":
      return planPut(planning, { resource, before, rank: RANKS.freeze });
    case "rollout": {
      const phase = planning.live.started.get(resource.name);
      if (phase === undefined) return planPut(planning, { resource, before, rank: RANKS.rollout });
      planning.notes.push(`rollout ${resource.name} is ${phase}: it keeps the plan it was started with.`);
    }
  }
}

interface Put {
  readonly resource: Resource;
  readonly before: Found | null;
  readonly rank: number;
}

function planPut(planning: Planning, { resource, before, rank }: Put): void {
  const changes = differences(before, resource.value);
  if (changes.length === 0) return;
  addItem(planning, { resource, before, changes });
  planning.calls.push(putCall(resource, { before, rank, body: resource.value }));
}

/** Every field of either side, so that one that is left out is a change too. */
function differences(before: Found | null, value: object): readonly FieldChange[] {
  const gone = Object.keys(before?.resource.value ?? {}).filter((field) => !Object.hasOwn(value, field));
  return [
    ...diffFields(before === null ? null : { ...before.resource.value }, { ...value }),
    ...gone.map((field) => ({ field, from: fieldOf(before, field), to: null })),
  ];
}

function fieldOf(before: Found | null, field: string): unknown {
  return Object.entries(before?.resource.value ?? {}).find(([name]) => name === field)?.[1];
}

function putCall(
  resource: Resource,
  { before, rank, body }: { readonly before: Found | null; readonly rank: number; readonly body: unknown },
): Call {
  const key = keyOf(resource);
  return {
    rank,
    key,
    what: `write ${key}`,
    method: "PUT",
    path: pathOf(resource),
    body,
    revision: before?.revision ?? 0,
  };
}

interface Item {
  readonly resource: Resource;
  readonly before: Found | null;
  readonly changes: readonly FieldChange[];
}

function addItem({ items }: Planning, { resource, before, changes }: Item): void {
  if (changes.length > 0)
    items.push({
      mark: before === null ? "+" : "~",
      key: keyOf(resource),
      changes,
      accounts: before?.accounts ?? 0,
    });
}

function planProduct(planning: Planning, resource: ResourceOf<"product">, before: Found | null): void {
  const { stable, default: unknown, fleet: _, ...input } = resource.value;
  const now = before?.resource.kind === "product" ? before.resource.value : null;
  const edits = diffFields(now === null ? null : { ...now }, input);
  const first = firstVersion(planning.directory, planning.live, resource.name);
  const stableNow = now?.stable ?? first;
  const mode = planMode(resource, now, planning.reason);
  if (mode.note !== null) planning.notes.push(mode.note);
  const makesStable = stable !== undefined && stable !== stableNow;
  addItem(planning, {
    resource,
    before,
    changes: [
      ...edits,
      ...(stable !== undefined && stable !== now?.stable
        ? [{ field: "stable", from: now?.stable, to: stable }]
        : []),
      ...(first === null ? [] : [{ field: "default", from: undefined, to: first }]),
      ...(mode.change === null ? [] : [mode.change]),
    ],
  });
  if (mode.body !== null)
    planning.calls.push({
      rank: RANKS.mode,
      key: keyOf(resource),
      what: `make ${resource.name} ${mode.body.mode}`,
      method: "PUT",
      path: `${pathOf(resource)}/mode`,
      body: mode.body,
      revision: null,
    });
  if (edits.length > 0) planning.calls.push(putCall(resource, { before, rank: RANKS.product, body: input }));
  if (makesStable)
    planning.calls.push({
      rank: RANKS.stable,
      key: keyOf(resource),
      what: `make ${stable} stable for ${resource.name}`,
      method: "POST",
      path: `${pathOf(resource)}/stable`,
      body: { version: stable, reason: planning.reason },
      revision: null,
    });
  if (now?.default !== undefined && unknown !== undefined && now.default !== unknown)
    planning.notes.push(
      `The default (unknown accounts) of ${resource.name} is ${now.default}, the file says ${unknown}: left alone. It moves by: default promote ${resource.name} ${unknown} --reason …`,
    );
}

function planVersion(planning: Planning, resource: ResourceOf<"version">, before: Found | null): void {
  const { state: _, bad, ...input } = resource.value;
  const now = before?.resource.kind === "version" ? before.resource.value : null;
  const [product, name] = splitVersion(resource.name);
  const first = firstVersion(planning.directory, planning.live, product) === name;
  const from = now?.state ?? (first ? "live" : "registered");
  const to = createWorld(planning.directory, planning.live).stateOf(resource.name) ?? from;
  const edits = diffFields(now === null ? null : { ...now }, input);
  const marks = bad !== undefined && bad.reason !== now?.bad?.reason;
  addItem(planning, {
    resource,
    before,
    changes: [
      ...edits,
      ...(now?.state === to ? [] : [{ field: "state", from: now?.state, to }]),
      ...(marks ? [{ field: "bad", from: now?.bad, to: bad }] : []),
    ],
  });
  // One by one, because only so many may be there that are not retired.
  const over = now === null && to === "retired";
  const rank = first ? RANKS.firstVersion : over ? RANKS.retiredVersion : RANKS.version;
  if (edits.length > 0) planning.calls.push(putCall(resource, { before, rank, body: input }));
  const steps = stateCalls(resource, { from, to, reason: planning.reason });
  planning.calls.push(...(over ? steps.map((call) => ({ ...call, rank })) : steps));
  if (marks) planning.calls.push(badCall(resource, bad.reason));
  if (bad === undefined && now?.bad !== undefined)
    planning.notes.push(
      `version ${product} ${name} is marked bad and its file does not say so: left alone. It ends by: version clear ${product} ${name} --reason …`,
    );
}

function badCall(resource: Resource, reason: string): Call {
  const key = keyOf(resource);
  const path = `${pathOf(resource)}/bad`;
  return {
    rank: RANKS.bad,
    key,
    what: `mark ${key} bad`,
    method: "PUT",
    path,
    body: { reason },
    revision: null,
  };
}

/** The steps from one state to another; those that take a version out of service come after the new stable. */
function stateCalls(
  resource: ResourceOf<"version">,
  { from, to, reason }: { readonly from: VersionState; readonly to: VersionState; readonly reason: string },
): readonly Call[] {
  const key = keyOf(resource);
  let at = from;
  let down = false;
  return stepsBetween(from, to).map((state): Call => {
    down ||= SERVING_STATES.includes(at) && state !== "live";
    at = state;
    return {
      rank: down ? RANKS.takeDown : RANKS.bringUp,
      key,
      what: `take ${key} to ${state}`,
      method: "POST",
      path: `${pathOf(resource)}/state`,
      body: { state, reason },
      revision: null,
    };
  });
}

const SHOWN_STRANGERS = 10;

/** What the instance has and the directory does not: left alone. */
function strangers({ written }: Directory, { found }: Live): readonly string[] {
  const kept = [...found]
    .filter(([key, { resource }]) => !written.has(key) && !isOver(resource))
    .map(([key]) => key)
    .toSorted();
  if (kept.length === 0) return [];
  const shown = kept.slice(0, SHOWN_STRANGERS).join(", ");
  const more = kept.length > SHOWN_STRANGERS ? ` and ${kept.length - SHOWN_STRANGERS} more` : "";
  return [`Not in the directory, left alone: ${shown}${more}. To remove one: --prune KIND/NAME.`];
}

/** What pruning would make of it already is. */
function isOver(resource: Resource): boolean {
  return resource.kind === "version" && resource.value.state === "retired";
}
