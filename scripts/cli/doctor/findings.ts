/**
 * What is wrong with a deployment, as sentences with the next command. Pure: takes what was read and says what it means;
 * every limit of a judgement is a constant here. What could not be read is told as unknown, never as well.
 */
import type { AlarmView } from "../../../src/contracts/api/alarms.ts";
import type { Ready } from "../../../src/contracts/api/operations.ts";
import type { Status } from "../../../src/contracts/api/status.ts";
import type { Whoami } from "../../../src/contracts/api/sessions.ts";
import { breakGlassLine } from "../break-glass-line.ts";
import { clean, count, instant, percent } from "../render.ts";
import type { Verification } from "../maps-verify.ts";
import { lastTickText } from "../status.ts";
import { ofCounting, ofDead, ofDefault, ofMaps, ofProducts, type DefaultTried } from "./contents.ts";
import { finding, MINUTE, SECOND, seconds, type Finding } from "./finding.ts";

/** What `doctor` read. Null: it was refused or did not come. */
export interface Read {
  readonly url: string;
  readonly ready: Ready | null;
  readonly whoami: Whoami | null;
  readonly status: Status;
  /** This machine's clock while `status.now` was made, in milliseconds. */
  readonly hereMs: number;
  /** How far `hereMs` can be off, because an answer takes its time. */
  readonly hereWithinMs: number;
  readonly defaults: readonly DefaultTried[];
  /** Null: not asked for, or too many accounts to read for that. */
  readonly maps: Verification | null;
  readonly deadEvents: number | null;
}

/** The cron comes once a minute; two may be late. */
const TICK_WRONG_MS = 3 * MINUTE;
const OUTBOX_LOOK_S = 120;
const OUTBOX_WRONG_S = 600;
/** Edges refresh every 30 s ± 20 %, and KV may take a minute to spread. */
const SPREAD_MS = 3 * MINUTE;
const BEHIND_SHARE = 0.05;
const SKEW_LOOK_MS = 2 * SECOND;
/** Signed requests and tokens allow a minute. */
const SKEW_WRONG_MS = 60 * SECOND;

/** Everything there is to say, in the order in which it is to be looked at. */
export function findingsOf(read: Read): readonly Finding[] {
  return [
    reached(read),
    ofReady(read.ready),
    ofToken(read.whoami),
    ofClock(read),
    ofTick(read.status),
    ofPublishing(read.status),
    ofEdges(read.status),
    ofBreakGlass(read),
    ofHalt(read.status),
    ofMaps(read.maps, read.status),
    ...ofProducts(read.status),
    ...read.defaults.map((each) => ofDefault(each, read.status)),
    ofCounting(read.status),
    ofDead(read.deadEvents),
    ...read.status.alarms.flatMap(ofAlarm),
    ...read.status.warnings.map((text) => finding("warning", "look", `${clean(text)}`, "status")),
  ];
}

/** These are judged above, by the same facts. */
const JUDGED: readonly AlarmView["name"][] = [
  "no-tick",
  "outbox-old",
  "edges-behind",
  "halt-active",
  "break-glass-active",
];

/** What is not told yet is not wrong yet. */
function ofAlarm({ name, level, words, firstCommand, raisedAt }: AlarmView): readonly Finding[] {
  if (raisedAt === null || JUDGED.includes(name)) return [];
  const health = level === "page" ? "wrong" : "look";
  return [finding(`alarm ${name}`, health, clean(words), clean(firstCommand.replace(/^firebreak /, "")))];
}

function reached({ url, status }: Read): Finding {
  const what = `${count(status.products.length, "product")}, ${count(status.accounts, "account")}, ${count(status.domains, "custom domain")}`;
  return finding("admin host", "well", `${url} answers as a Firebreak admin host: ${what}.`);
}

function ofReady(ready: Ready | null): Finding {
  const name = "node";
  if (ready === null) return finding(name, "unknown", "The node did not answer /readyz.", "status");
  if (ready.ready === "yes") return finding(name, "well", "The node that answered serves published maps.");
  const wrong = ready.ready === "no" || ready.maps === "compiled-in";
  const says = `The node that answered is ${ready.ready === "no" ? "not ready" : "degraded"}: maps ${ready.maps}, ${ready.age}, generation ${ready.generation}, control plane ${ready.control}. ${clean(ready.note)}`;
  return finding(
    name,
    wrong ? "wrong" : "look",
    says,
    ready.control === "unreachable" ? "status" : "maps dump --out maps.ndjson",
  );
}

function ofToken(whoami: Whoami | null): Finding {
  if (whoami === null) return finding("token", "unknown", "It was not said whose token this is.", "status");
  const products = whoami.products === null ? "all products" : whoami.products.join(", ");
  const says = `The token is ${clean(whoami.name)}, role ${whoami.role}, for ${products}.`;
  if (whoami.role === "viewer" || whoami.role === "support")
    return finding("token", "look", `${says} It cannot pause or roll back; an admin makes one that can.`);
  return finding("token", "well", says);
}

function ofClock({ status, hereMs, hereWithinMs }: Read): Finding {
  const apartMs = Math.max(0, Math.abs(Date.parse(status.now) - hereMs) - hereWithinMs);
  const says = `This machine and the control plane are ${seconds(apartMs)} apart.`;
  if (apartMs > SKEW_WRONG_MS)
    return finding(
      "clocks",
      "wrong",
      `${says} Tokens, windows and holds will not mean what you think. On a local run it is meant when its clock is driven by \`tick\`.`,
      "status",
    );
  if (apartMs > SKEW_LOOK_MS) return finding("clocks", "look", says, "status");
  return finding("clocks", "well", "This machine and the control plane agree about the time.");
}

function ofTick({ now, lastTick, published }: Status): Finding {
  const publishedMs = published.at === null ? 0 : Date.parse(now) - Date.parse(published.at);
  if (lastTick === null && publishedMs < TICK_WRONG_MS)
    return finding("tick", "look", "There was no tick yet; the first comes within minutes.", "doctor");
  if (lastTick === null)
    return finding(
      "tick",
      "wrong",
      "There never was a tick: nothing moves or ends by itself. The cron of wrangler.toml is not deployed, or has not reached the edge (up to 15 minutes).",
      "npx wrangler deploy",
    );
  const ageMs = Date.parse(now) - Date.parse(lastTick);
  if (ageMs > TICK_WRONG_MS)
    return finding(
      "tick",
      "wrong",
      `The last tick was ${seconds(ageMs)} ago: nothing moves or ends by itself.`,
      "npx wrangler tail",
    );
  if (ageMs < 0)
    return finding("tick", "well", `The last tick was ${lastTickText({ lastTick, now }) ?? "never"}.`);
  return finding("tick", "well", `The last tick was ${seconds(ageMs)} ago.`);
}

function ofPublishing({ published }: Status): Finding {
  const { state, problem, waiting, oldestSeconds, generation } = published;
  if (state === "blocked")
    return finding(
      "publishing",
      "wrong",
      `Publishing is blocked: ${clean(problem ?? "no reason given")}. Edges go on with generation ${generation}.`,
      "status",
    );
  const age = oldestSeconds ?? 0;
  const says =
    waiting === 0
      ? `Generation ${generation} is published and nothing waits.`
      : `${count(waiting, "change")} wait, the oldest for ${Math.round(age)} s.`;
  if (age > OUTBOX_WRONG_S) return finding("publishing", "wrong", says, "status");
  return finding(
    "publishing",
    age > OUTBOX_LOOK_S ? "look" : "well",
    says,
    age > OUTBOX_LOOK_S ? "status" : null,
  );
}

function ofEdges({ now, published, seen }: Status): Finding {
  if (seen.generations.length === 0)
    return finding(
      "edges",
      "unknown",
      "No edge has reported in two minutes: no traffic, or no METER binding.",
      "status",
    );
  const behind = seen.generations
    .filter(({ generation }) => generation < published.generation)
    .reduce((sum, { share }) => sum + share, 0);
  const ageMs = published.at === null ? 0 : Date.parse(now) - Date.parse(published.at);
  if (behind <= BEHIND_SHARE)
    return finding(
      "edges",
      "well",
      `${percent(1 - behind)} of the traffic is on generation ${published.generation}.`,
    );
  const says = `${percent(behind)} of the traffic is on older maps than generation ${published.generation}, published ${seconds(ageMs)} ago.`;
  return ageMs > SPREAD_MS
    ? finding("edges", "wrong", says, "maps dump --out maps.ndjson")
    : finding("edges", "well", `${says} It is spreading.`);
}

function ofBreakGlass({ status: { breakGlass, environment }, url }: Read): Finding {
  if (!breakGlass.active) return finding("break-glass", "well", "Break-glass is not in use.");
  return finding(
    "break-glass",
    "look",
    `Break-glass is in force: ${clean(breakGlass.reason ?? "no reason given")}, until ${instant(breakGlass.expires) ?? "it is taken away"}.`,
    breakGlassLine("'{}'", { environment, hostname: new URL(url).hostname }),
  );
}

function ofHalt({ halt }: Status): Finding {
  if (!halt.on) return finding("halt", "well", "Nothing is halted.");
  return finding("halt", "look", "The halt is on: nothing goes forward by itself.", 'halt off --reason "…"');
}
