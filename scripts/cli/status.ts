/** `status`: what an operator looks at first. Alarms, halt, break-glass, published against seen, products, warnings. */
import type { Command } from "commander";
import { StatusSchema, type Status } from "../../src/contracts/api/status.ts";
import type { AlarmView } from "../../src/contracts/api/alarms.ts";
import { asTyped, RUN } from "./command-line.ts";
import { haltText } from "./halt.ts";
import { clean, count, instant, percent, renderFields, renderTable } from "./render.ts";
import { duration } from "./rollout-render.ts";
import { addVerb, print, type ProgramContext } from "./verb.ts";

export function addStatus(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "status",
      summary: "alarms, halt, break-glass, published and seen maps, products, warnings",
      seeAlso: ["alarms", "explain", "halt show", "rollout list", "preflight show"],
      examples: ["status", "status --json"],
      run: async (session) =>
        print(
          session,
          await session.api().send(StatusSchema, { method: "GET", path: "/status" }),
          renderStatus,
        ),
    },
    context,
  );
}

function renderStatus(status: Status): string {
  const warnings = status.warnings.map((warning) => `! ${clean(warning)}\n`).join("");
  return [
    ...status.alarms.map(alarmLines),
    warnings,
    renderFields([
      ["now", instant(status.now)],
      ...(status.environment === null ? [] : [["environment", status.environment] as const]),
      ["halt", haltText(status.halt)],
      ["break-glass", breakGlassText(status)],
      ["published", publishedText(status)],
      ...(status.published.problem === null ? [] : [["blocked because", status.published.problem] as const]),
      ["seen by edges", seenLines(status)],
      ["last tick", lastTickText(status)],
      ["requests counted", countingText(status)],
      ["accounts", `${count(status.accounts, "account")}, ${count(status.domains, "custom domain")}`],
    ]),
    "\n",
    renderProducts(status),
    renderRollouts(status),
    renderReplacements(status),
    ...status.waiting.map(waitingLines),
  ].join("");
}

/** In two lines, because the second is to be copied. */
function alarmLines({ level, words, firstCommand, raisedAt }: AlarmView): string {
  const soon = raisedAt === null ? " (not for long yet)" : "";
  return `! ${level}: ${clean(words)}${soon}\n    first: ${asTyped(clean(firstCommand))}\n`;
}

/** In two lines, as alarms are. */
function waitingLines({ sentence, since, until, notBy, command }: Status["waiting"][number]): string {
  const end = until === null ? "" : `, until ${instant(until)}`;
  const not = notBy.length === 0 ? "" : ` (not ${notBy.join(" or ")})`;
  return `? since ${instant(since)}${end}: ${clean(sentence)}\n    ${asTyped(clean(command))}${clean(not)}\n`;
}

function breakGlassText({ breakGlass, seen }: Status): string {
  if (!breakGlass.active) return "not in use";
  const until = breakGlass.expires === null ? "" : `, expires ${instant(breakGlass.expires)}`;
  return `ACTIVE: ${breakGlass.reason ?? "no reason given"}${until}; on ${percent(seen.breakGlassShare)} of the traffic; see \`${RUN}break-glass show\``;
}

/** Ticks ahead of the wall are no fault: on a local run `tick` lets time pass for the control plane alone. */
export function lastTickText({ lastTick, now }: Pick<Status, "lastTick" | "now">): string | null {
  if (lastTick === null) return "never";
  const ahead = duration(Date.parse(lastTick) - Date.parse(now));
  return ahead === ""
    ? instant(lastTick)
    : `${instant(lastTick)}, ${ahead} ahead of now: \`tick\` let time pass`;
}

function publishedText({ published }: Status): string {
  const waiting =
    published.waiting === 0 ? "nothing waiting" : `${count(published.waiting, "change")} waiting`;
  const oldest =
    published.oldestSeconds === null ? "" : `, the oldest for ${Math.round(published.oldestSeconds)} s`;
  const at = published.at === null ? "" : `, ${instant(published.at)}`;
  return `generation ${published.generation}${at}; ${published.state}, ${waiting}${oldest}`;
}

function countingText({ counting }: Status): string {
  if (counting === null) return "not known";
  const { requests, droppedRequests, droppedRequestsLastHour } = counting;
  const lately =
    droppedRequests === 0 ? "" : `, ${droppedRequestsLastHour.toLocaleString("en-US")} in the last hour`;
  return `${requests.toLocaleString("en-US")}; lost on the way: ${droppedRequests.toLocaleString("en-US")}${lately}`;
}

/** An isolate says 0 both for what needs no maps and for the compiled-in fallback. */
const WITHOUT_MAPS =
  "health checks and this host need none; had accounts been asked for, KV could not be read";

function seenLines({ seen }: Status): string[] {
  return seen.generations
    .toSorted((a, b) => b.generation - a.generation)
    .map(({ generation, share, isolates }) => {
      const name = generation === 0 ? "no maps yet" : `generation ${generation}`;
      const why = generation === 0 ? ` (${WITHOUT_MAPS})` : "";
      return `${name}: ${percent(share)} of the requests, ${count(isolates, "isolate")}${why}`;
    });
}

function renderProducts({ products }: Status): string {
  return renderTable(
    ["product", "mode", "stable", "default (unknown accounts)", "standby", "accounts by home"],
    products.map((each) => [
      each.name,
      each.mode,
      each.stable,
      each.default,
      each.standby,
      Object.entries(each.versions)
        .map(([version, accounts]) => `${version}: ${accounts.toLocaleString("en-US")}`)
        .join(", "),
    ]),
  );
}

/** Beside the homes above, which stay what they are until a rollout is over. */
function renderRollouts({ rollouts }: Status): string {
  if (rollouts.length === 0) return "";
  const rows = rollouts.map(({ id, targets, phase, wave, reason, moved, accounts }) => [
    id,
    Object.entries(targets)
      .map(([product, version]) => `${product} ${version}`)
      .join(", "),
    moved === null || accounts === null
      ? null
      : `${moved.toLocaleString("en-US")} of ${accounts.toLocaleString("en-US")}`,
    phase,
    wave,
    reason,
  ]);
  return `\n${renderTable(["rollout", "to", "moved", "phase", "wave", "reason"], rows)}`;
}

function renderReplacements({ replacements }: Status): string {
  if (replacements.length === 0) return "";
  const rows = replacements.map(({ product, from, to, percent: share, phase, reason }) => [
    `${product} ${from}`,
    to,
    `${share} %`,
    phase,
    reason,
  ]);
  return `\n${renderTable(["being replaced", "by", "done", "phase", "reason"], rows)}`;
}
