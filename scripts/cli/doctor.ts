/**
 * `doctor`: asks a deployment everything it can tell by itself, and says what is wrong in sentences with the next command.
 * Reads only. What cannot be asked is said to be unknown; only an admin host that does not answer, or does not take the
 * token, ends it at once, with the same words as every other verb.
 */
import type { Command } from "commander";
import { DeadEventSchema } from "../../src/contracts/api/handover.ts";
import { MapsEntrySchema, ReadySchema, type Ready } from "../../src/contracts/api/operations.ts";
import { StatusSchema } from "../../src/contracts/api/status.ts";
import { PreflightSchema } from "../../src/contracts/api/preflight-runs.ts";
import { WhoamiSchema } from "../../src/contracts/api/sessions.ts";
import { RUN } from "./command-line.ts";
import type { Finding, Health } from "./doctor/finding.ts";
import { findingsOf, type Read } from "./doctor/findings.ts";
import { Failure } from "./failure.ts";
import { readPages } from "./lists.ts";
import { verifyMaps, type Verification } from "./maps-verify.ts";
import { linesOf, parseLine } from "./ndjson.ts";
import { count, renderTable } from "./render.ts";
import { exchange, readAll } from "./transport.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

const READY_MS = 10_000;
/** Maps of more accounts are read only when it is asked for: about 100 MB for a million. */
const MAPS_UNASKED = 100_000;

const MARKS: Readonly<Record<Health, string>> = { well: "ok", look: "look", wrong: "WRONG", unknown: "?" };

export function addDoctor(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "doctor",
      summary: "check a deployment: what is wrong, in sentences, each with the next command",
      exits: ["nothing is wrong", "something is, or it cannot be reached"],
      seeAlso: ["status", "maps verify", "preflight run", "events dead"],
      options: [
        {
          flags: "--maps",
          about: `read and check the published maps also where there are more than ${MAPS_UNASKED.toLocaleString("en-US")} accounts`,
        },
      ],
      notes: [
        "It asks for: admin host, node, token, clocks, tick, publishing, edges, break-glass, halt, maps, versions that answer",
        "unknown accounts, counting, events, alarms. It cannot see secrets: a request to an origin shows whether ORIGIN_KEY is set.",
      ],
      examples: ["doctor", "doctor --url https://admin.example.com --json"],
      run: examine,
    },
    context,
  );
}

async function examine(session: Session): Promise<number> {
  const findings = findingsOf(await readAllOf(session));
  const wrong = findings.filter(({ health }) => health === "wrong").length;
  if (session.json) printJson(session, { ok: wrong === 0, findings });
  else session.terminal.out.write(render(findings, wrong));
  return wrong === 0 ? 0 : 1;
}

async function readAllOf(session: Session): Promise<Read> {
  const { terminal } = session;
  const begunMs = terminal.nowMs();
  const { value: status } = await session.api().send(StatusSchema, { method: "GET", path: "/status" });
  const endedMs = terminal.nowMs();
  const whoami = await orNull(session.api().send(WhoamiSchema, { method: "GET", path: "/whoami" }));
  return {
    url: session.api().address({ path: "" }).origin,
    status,
    hereMs: (begunMs + endedMs) / 2,
    // Times of the API are told to the second at worst.
    hereWithinMs: (endedMs - begunMs) / 2 + 1000,
    whoami: whoami?.value ?? null,
    ready: await orNull(readReady(session)),
    defaults: await readDefaults(session, status.products),
    maps:
      status.published.at !== null && (session.words.on("maps") || status.accounts <= MAPS_UNASKED)
        ? await orNull(readMaps(session))
        : null,
    deadEvents: await orNull(countDead(session)),
  };
}

async function readDefaults(
  session: Session,
  products: readonly { readonly name: string; readonly default: string | null }[],
): Promise<Read["defaults"]> {
  const found: Read["defaults"][number][] = [];
  for (const { name, default: version } of products) {
    if (version === null) continue;
    const path = `/products/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}/preflight`;
    const answer = await orNull(session.api().send(PreflightSchema, { method: "GET", path }));
    found.push({ product: name, preflight: answer?.value ?? null });
  }
  return found;
}

/** What the node says of itself without a token, below no /api. */
async function readReady(session: Session): Promise<Ready> {
  const url = new URL("/readyz", session.api().address({ path: "" }));
  const answer = await exchange({
    url,
    method: "GET",
    headers: { accept: "application/json" },
    body: null,
    idleMs: READY_MS,
    startHint: "",
  });
  return ReadySchema.parse(JSON.parse(await readAll(answer)));
}

async function readMaps(session: Session): Promise<Verification> {
  const dump = new Map<string, string>();
  const answer = await session.api().stream({ method: "GET", path: "/maps" });
  for await (const line of linesOf(answer)) {
    const { key, value } = MapsEntrySchema.parse(parseLine(line));
    dump.set(key, value);
  }
  return verifyMaps(dump);
}

async function countDead(session: Session): Promise<number> {
  let dead = 0;
  for await (const { items } of readPages(session, DeadEventSchema, { path: "/events/dead" }))
    dead += items.length;
  return dead;
}

/** Null for whatever was refused, broken or of another shape: each is a finding of its own. */
async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Failure || error instanceof SyntaxError || isShape(error)) return null;
    throw error;
  }
}

const isShape = (error: unknown): boolean => error instanceof Error && error.name === "ZodError";

/** Commands that are not ours. */
const OTHERS = /^(?:npx|npm|node|export|curl|openssl) /;

function render(findings: readonly Finding[], wrong: number): string {
  const rows = findings.map(({ check, health, says }) => [MARKS[health], check, says]);
  const next = findings
    .filter(({ next: command, health }) => command !== null && health !== "well")
    .map(
      ({ check, next: command }) => `  ${check}: ${OTHERS.test(command ?? "") ? "" : RUN}${command ?? ""}\n`,
    );
  const verdict = wrong === 0 ? "Nothing is wrong.\n" : `${count(wrong, "thing is", "things are")} wrong.\n`;
  return `${renderTable(["", "what", "finding"], rows)}\n${next.length === 0 ? "" : `Next:\n${[...new Set(next)].join("")}\n`}${verdict}`;
}
