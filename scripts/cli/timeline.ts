/**
 * `timeline`: reads the audit, the rollouts of that time, what their gates saw and whom they hurt, and writes it down as the
 * draft of a post-mortem. Reads only. What cannot be read of a rollout (never started, counts gone after 14 days) is left out
 * of the draft and not an error; without the audit there is no draft.
 */
import type { Command } from "commander";
import { HurtAccountSchema, RolloutGatesSchema } from "../../src/contracts/api/gates.ts";
import { AuditEntrySchema, type AuditEntry } from "../../src/contracts/api/operations.ts";
import { StatusSchema, type Status } from "../../src/contracts/api/status.ts";
import { RolloutSchema } from "../../src/contracts/api/rollouts.ts";
import { TERMINAL_PHASES } from "../../src/contracts/rollout.ts";
import { toInstant, toZone } from "./arguments.ts";
import type { Parser } from "./client.ts";
import { Failure, usageFailure } from "./failure.ts";
import { readPage, readPages } from "./lists.ts";
import { toRolloutId } from "./rollout-words.ts";
import { textIn, type Facts, type RolloutFacts } from "./timeline/facts.ts";
import { renderStory } from "./timeline/markdown.ts";
import { tellStory } from "./timeline/summary.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

export function addTimeline(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "timeline",
      summary: "what happened, as the draft of a post-mortem in Markdown",
      seeAlso: ["audit list", "rollout show", "rollout impact", "accounts history"],
      arguments: [
        { name: "[rollout]", about: "id of the rollout; left out: --from says", parse: toRolloutId },
      ],
      options: [
        {
          flags: "--from <instant>",
          about: "everything since then (default: since the rollout's draft)",
          parse: toInstant,
        },
        {
          flags: "--to <instant>",
          about: "and until then (default: the rollout's end, else now)",
          parse: toInstant,
        },
        {
          flags: "--zone <zone>",
          about: "IANA zone of the local times (default: this machine's)",
          parse: toZone(),
        },
      ],
      notes: [
        "It tells when, how many accounts, how long, whose hands, what was put back and who was hurt, and asks what is",
        "left for people to answer. Of a rollout it has what concerns its products; of a time, everything.",
      ],
      examples: [
        "timeline 2026-11-autumn > post-mortem.md",
        "timeline --from 2026-11-28T22:00:00Z --to 2026-11-29T04:00:00Z --zone Europe/Paris",
        "timeline 2026-11-autumn --json",
      ],
      run: async (session) => {
        const facts = await readFacts(session);
        const story = tellStory(facts);
        const zone = session.words.maybe("zone") ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
        const url = session.api().address({ path: "" }).origin;
        if (session.json) printJson(session, { zone, ...story });
        else session.terminal.out.write(renderStory(story, { zone, url, now: facts.now }));
      },
    },
    context,
  );
}

async function readFacts(session: Session): Promise<Facts> {
  const { words } = session;
  const asked = words.maybe("rollout") ?? null;
  const since = words.maybe("from");
  if (asked === null && since === undefined) throw usageFailure("Name a rollout, or say --from.");
  // The control plane's own clock: a local run that is driven by ticks is elsewhere in time than this machine.
  const status = (await session.api().send(StatusSchema, { method: "GET", path: "/status" })).value;
  const now = laterOf(status);
  const from = since === undefined ? null : new Date(since).toISOString();
  const to = new Date(words.maybe("to") ?? now).toISOString();
  if (from !== null && from >= to) throw usageFailure("--from must be before --to.");
  const rollout = asked === null ? null : await readRollout(session, asked);
  const all = await readEntries(session, { from, to, asked });
  const entries = rollout === null ? all : all.filter((entry) => concerns(entry, rollout));
  const rollouts = rollout === null ? await readRollouts(session, entries) : [rollout];
  return {
    asked,
    from: from ?? entries[0]?.at ?? now,
    to: words.maybe("to") === undefined ? endOf(rollout, entries, now) : to,
    now,
    entries,
    rollouts,
  };
}

/** An ended rollout's story ends with it. */
/** On a local run ticks may be ahead of the wall clock, and what they did is part of the story. */
function laterOf({ now, lastTick }: Pick<Status, "now" | "lastTick">): string {
  // A second more, so that what was done at the last tick is in it.
  const tickedMs = lastTick === null ? 0 : Date.parse(lastTick) + 1000;
  return tickedMs > Date.parse(now) ? new Date(tickedMs).toISOString() : now;
}

function endOf(rollout: RolloutFacts | null, entries: readonly AuditEntry[], now: string): string {
  if (rollout === null || !TERMINAL_PHASES.includes(rollout.view.phase)) return now;
  return entries.at(-1)?.at ?? now;
}

interface Wanted {
  readonly from: string | null;
  readonly to: string;
  readonly asked: string | null;
}

/** Oldest first. The audit is read from its newest end, until the time or the rollout's draft is reached. */
async function readEntries(session: Session, { from, to, asked }: Wanted): Promise<readonly AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const { items } of readPages(session, AuditEntrySchema, { path: "/audit" })) {
    for (const entry of items) {
      if (from !== null && entry.at < from) return found.toReversed();
      if (entry.at <= to) found.push(entry);
      const isDraft = entry.action === "rollout.create" && entry.target === `rollout/${asked ?? ""}`;
      if (from === null && isDraft && entry.detail["before"] === null) return found.toReversed();
    }
  }
  return found.toReversed();
}

/** Rollouts beside the one that was asked for, tokens and other products are other stories. */
function concerns({ target, detail }: AuditEntry, { view }: RolloutFacts): boolean {
  const [kind = "", name = ""] = target.split("/");
  if (kind === "rollout") return name === view.id;
  if (["halt", "window", "freeze"].includes(kind)) return true;
  if (["product", "version", "replacement"].includes(kind)) return Object.hasOwn(view.targets, name);
  if (kind !== "account") return false;
  const product = textIn(detail, "product");
  return textIn(detail, "rollout") === view.id || (product !== null && Object.hasOwn(view.targets, product));
}

/** Rollouts that did something in this time. */
async function readRollouts(
  session: Session,
  entries: readonly AuditEntry[],
): Promise<readonly RolloutFacts[]> {
  const ids = new Set(
    entries
      .filter(({ action, target }) => action === "rollout.published" && target.startsWith("rollout/"))
      .map(({ target }) => target.slice("rollout/".length)),
  );
  const found: RolloutFacts[] = [];
  for (const id of ids) found.push(await readRollout(session, id));
  return found;
}

async function readRollout(session: Session, id: string): Promise<RolloutFacts> {
  const path = `/rollouts/${encodeURIComponent(id)}`;
  const { value: view } = await session.api().send(RolloutSchema, { method: "GET", path });
  const gates = await orNull(
    session.api().send(RolloutGatesSchema, { method: "GET", path: `${path}/gates` }),
  );
  const item: Parser<(typeof HurtAccountSchema)["_output"]> = HurtAccountSchema;
  const hurt = await orNull(readPage(session, item, { path: `${path}/impact`, query: { limit: 10_000 } }));
  return { view, gates: gates?.value ?? null, hurt: hurt?.items ?? [] };
}

/** Null for what the API refuses to tell; a broken connection is no refusal. */
async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Failure && error.problem.status !== undefined) return null;
    throw error;
  }
}
