/**
 * How a rollout looks to people: where it is and why, its waves, what to do now. Pure: views in, text out; the verbs
 * decide what to show. Durations are told by the rollout's own clock, which on a local run is not that of the wall.
 */
import type { MirrorView } from "../../src/contracts/api/mirror.ts";
import type { RolloutView, WaveView } from "../../src/contracts/api/rollouts.ts";
import { TERMINAL_PHASES } from "../../src/contracts/rollout.ts";
import { renderGates } from "./rollout-gates-render.ts";
import { rolloutAdvice } from "./rollout-advice.ts";
import { clean, count, instant, pairs, percent, renderFields, renderTable } from "./render.ts";

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
const DAY_MINUTES = 24 * HOUR_MINUTES;

/** `3 d 4 h`, `2 h 5 min`, `40 s`: the two largest parts; the empty text for what is not ahead. */
export function duration(ms: number): string {
  if (ms <= 0) return "";
  if (ms < MINUTE_MS) return `${Math.ceil(ms / 1000)} s`;
  const minutes = Math.round(ms / MINUTE_MS);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(minutes / DAY_MINUTES), "d"],
    [Math.floor((minutes % DAY_MINUTES) / HOUR_MINUTES), "h"],
    [minutes % HOUR_MINUTES, "min"],
  ];
  const from = parts.findIndex(([number]) => number > 0);
  return parts
    .slice(from, from + 2)
    .filter(([number]) => number > 0)
    .map(([number, unit]) => `${number} ${unit}`)
    .join(" ");
}

/** A time, and how far it is from the rollout's clock. */
function ahead(at: string | null, { clock }: Pick<RolloutView, "clock">): string | null {
  if (at === null) return null;
  const left = duration(Date.parse(at) - Date.parse(clock));
  return left === "" ? instant(at) : `${instant(at)} (in ${left})`;
}

function byWhom(what: { by: string; at: string; reason: string } | null): string | null {
  return what === null ? null : `${what.by}, ${instant(what.at)}: ${what.reason}`;
}

/** Who took it back: a person, or the rollout that saw its gate or a probe fail, as the reason says. */
function rolledBackBy({ rollback }: RolloutView): string | null {
  return byWhom(
    rollback === null ? null : { ...rollback, by: rollback.automatic ? "the rollout itself" : rollback.by },
  );
}

/** Whether a rollback that is under way is about this wave. */
function goesBack({ phase, rollback }: RolloutView, at: number): boolean {
  if (phase !== "rolling-back" || rollback === null) return false;
  return rollback.toWave === null || at > rollback.toWave;
}

/** How it stands with a wave whose accounts went, or go, back; null: none of them does. */
function backState(
  view: RolloutView,
  { accounts, moved, shiftedAt, firstMoveAt }: WaveView,
  at: number,
): string | null {
  if (firstMoveAt === null || accounts === 0) return null;
  if (moved === 0) return "rolled back";
  if (goesBack(view, at)) return "going back";
  return shiftedAt !== null && moved < accounts ? "back in part" : null;
}

const ENDED: ReadonlySet<RolloutView["phase"]> = new Set(TERMINAL_PHASES);

/** Where the wave stands, in a word. */
function stateOf(view: RolloutView, wave: WaveView, at: number): string {
  const { approved, bakedAt, shiftedAt, firstMoveAt } = wave;
  const back = backState(view, wave, at);
  if (back !== null) return back;
  if (bakedAt !== null) return "done";
  if (ENDED.has(view.phase)) return firstMoveAt === null ? "not begun" : "ended early";
  if (shiftedAt !== null) return "baking";
  if (firstMoveAt !== null) return "moving";
  if (view.wave === at && view.phase === "awaiting-approval") return "needs approval";
  return approved === null ? "ahead" : "approved";
}

/** The waves, each with its number, which `approve` takes as well as its name. */
export function renderWaves(view: RolloutView): string {
  return renderTable(
    ["#", "wave", "accounts", "moved", "progress", "verdict", "state"],
    view.waves.map((wave, at) => [
      at,
      wave.name,
      wave.accounts,
      wave.moved,
      percent(wave.progress),
      wave.verdict,
      stateOf(view, wave, at),
    ]),
  );
}

/** `12 of 345 accounts (3.5 %)` */
export function movedText({ moved, accounts }: Pick<RolloutView, "moved" | "accounts">): string {
  const share = accounts === 0 ? "" : ` (${percent(moved / accounts)})`;
  return `${moved.toLocaleString("en-US")} of ${count(accounts, "account")}${share}`;
}

function renderDefaults({ defaults }: RolloutView): string {
  if (defaults.length === 0) return "";
  const rows = defaults.map(({ product, state, at }) => [product, state, instant(at)]);
  return `\nDefault (unknown accounts)\n${renderTable(["product", "state", "at"], rows)}`;
}

/** What mirrored requests of unknown accounts have come to, where the plan asks for them. */
function renderMirrors({ defaults }: RolloutView): string {
  const rows = defaults.flatMap(({ product, mirror }) =>
    mirror === undefined ? [] : [mirrorRow(product, mirror)],
  );
  if (rows.length === 0) return "";
  const titles = ["product", "state", "minutes", "compared", "worse", "different", "slower", "ms to headers"];
  return `\nMirrored requests of unknown accounts\n${renderTable(titles, rows)}`;
}

function mirrorRow(product: string, mirror: MirrorView): readonly (string | number | null)[] {
  const { minutes, meanMs, waived } = mirror;
  const share = mirror.worsePercent === null ? "" : `${mirror.worsePercent} %, `;
  return [
    product,
    waived === null ? mirror.state : `${mirror.state}, let past by ${waived.by}`,
    `${minutes.mirrored} of ${minutes.wanted}`,
    `${mirror.compared} of ${mirror.wanted}`,
    `${mirror.worse} (${share}tolerated ${mirror.toleratedPercent} %)`,
    mirror.different,
    mirror.slower,
    meanMs === null ? null : `${meanMs.candidate}, default ${meanMs.default}`,
  ];
}

function requestsText({ phase, wave, waves }: RolloutView): string | null {
  const requests =
    wave === null || ENDED.has(phase) || phase === "rolling-back" ? null : (waves[wave]?.requests ?? null);
  return requests === null ? null : `${requests.toLocaleString("en-US")} since the wave was done`;
}

const CLASSES = ["known", "unknown", "none", "ip"] as const;

/** Which requests a target has answered well: real ones, and probes beside them. */
function renderCoverage({ coverage }: RolloutView): string {
  if (coverage.length === 0) return "";
  const rows = coverage.map((seen) => [
    `${seen.product} ${seen.version}`,
    ...CLASSES.map((name) => {
      const { real, synthetic } = seen[name];
      return real + synthetic === 0
        ? "never"
        : `${real.toLocaleString("en-US")} + ${count(synthetic, "probe")}`;
    }),
  ]);
  const head = ["has answered", "known account", "unknown account", "no Host", "IP as Host"];
  return `\n${renderTable(head, rows)}`;
}

function renderLeftBehind({ leftBehind }: RolloutView): string {
  const rows = leftBehind.map(({ reason, accounts, examples }) => [
    reason,
    accounts,
    exampleText(examples, accounts),
  ]);
  return rows.length === 0 ? "" : `\nNot on the target\n${renderTable(["reason", "accounts", "as"], rows)}`;
}

const SHOWN_EXAMPLES = 5;

/** A few names, and that there are more. */
export function exampleText(examples: readonly string[], accounts: number): string {
  const shown = examples.slice(0, SHOWN_EXAMPLES);
  return shown.join(", ") + (shown.length > 0 && accounts > shown.length ? ", …" : "");
}

function heldText({ data }: RolloutView): string | null {
  if (data === undefined || data.held === null) return null;
  const { accounts, number, stage, direction, heldAt, endsBy, calledOff } = data.held;
  const whose = `${countText(accounts)} of batch ${number}, ${stage}${direction === "back" ? " on the way back" : ""}`;
  const why = calledOff === null ? "" : `; called off: ${calledOff}`;
  return `${whose}, since ${instant(heldAt) ?? ""}, until ${instant(endsBy) ?? ""} at the latest${why}`;
}

function dataText({ data }: RolloutView): string | null {
  if (data === undefined) return null;
  const { batches, failed, longestHoldSeconds } = data;
  return `${batches} ${batches === 1 ? "batch" : "batches"}, ${countText(failed)} failed, longest hold ${Math.round(longestHoldSeconds)} s`;
}

const countText = (accounts: number): string =>
  `${accounts.toLocaleString("en-US")} ${accounts === 1 ? "account" : "accounts"}`;

/** Everything about one rollout: what `show` prints. */
export function renderRollout(view: RolloutView): string {
  const fields = renderFields([
    ["rollout", view.id],
    ["targets", pairs(view.targets)],
    ["phase", view.phase],
    ["reason", view.reason],
    ["next at", ahead(view.nextAt, view)],
    ["people are told at", ahead(view.deadline, view)],
    ["moved", movedText(view)],
    ["requests", requestsText(view)],
    ["held", heldText(view)],
    ["data moves", dataText(view)],
    ["paused by", byWhom(view.paused)],
    [view.phase === "rolling-back" ? "being rolled back by" : "rolled back by", rolledBackBy(view)],
    ["started", instant(view.startedAt)],
    [ENDED.has(view.phase) ? "ended" : "its clock", instant(view.clock)],
    ["digest", view.digest],
    ["revision", view.revision],
    ["what to do", rolloutAdvice(view)],
  ]);
  return `${fields}\n${renderWaves(view)}${renderGates(view)}${renderDefaults(view)}${renderMirrors(view)}${renderCoverage(view)}${renderLeftBehind(view)}`;
}

/** All rollouts, one a line. */
export function renderRollouts(views: readonly RolloutView[]): string {
  return renderTable(
    ["rollout", "targets", "phase", "wave", "moved", "next at", "reason"],
    views.map((view) => [
      view.id,
      pairs(view.targets),
      view.phase,
      view.wave === null ? null : (view.waves[view.wave]?.name ?? null),
      `${view.moved.toLocaleString("en-US")}/${view.accounts.toLocaleString("en-US")}`,
      instant(view.nextAt),
      view.reason,
    ]),
  );
}

/** One line for what just became of it: after a change, and while watching without a screen. */
export function rolloutLine(view: RolloutView): string {
  const next = view.nextAt === null ? "" : `; next at ${instant(view.nextAt)}`;
  // A draft has counted nobody yet: "0 of 0" would say that it moves nobody.
  const moved = view.phase === "draft" ? "" : `, ${movedText(view)} moved`;
  return clean(`${view.id} is ${view.phase}${moved}: ${view.reason}${next}`);
}
