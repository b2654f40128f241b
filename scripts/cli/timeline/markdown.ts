/**
 * A story as Markdown that can be pasted into a post-mortem and gone on with. Pure. Reasons and names came from elsewhere:
 * what Markdown or a terminal would act on is taken out of them.
 */
import { RUN } from "../command-line.ts";
import { clean, count } from "../render.ts";
import type { Happening } from "./facts.ts";
import { duration, type DefaultSpan, type Touched } from "./measures.ts";
import type { Story } from "./summary.ts";

export interface Paper {
  /** IANA zone of whoever reads it. */
  readonly zone: string;
  /** The admin host, for links. */
  readonly url: string;
  readonly now: string;
}

/** Renders the whole draft. */
export function renderStory(story: Story, paper: Paper): string {
  const local = clockOf(paper.zone);
  const parts = [
    `# ${titleOf(story)}`,
    `_Draft from the audit, ${both(paper.now, local)}. ${local.isUtc ? "Times are UTC" : `Times are ${paper.zone} first, then UTC`}. What is recorded stands here; why is for people to say._`,
    "## In short",
    shortOf(story, local),
    "## What it touched",
    touchedOf(story, local),
    "## What happened",
    linesOf(story.happenings, local),
    "## Who did what",
    peopleOf(story),
    "## What was put back",
    putBackOf(story, local),
    "## Whom it hurt",
    hurtOf(story, paper),
    "## What the gates saw",
    bullets(
      story.touched.flatMap(({ verdicts }) => verdicts.map(plain)),
      "No verdict of a gate was recorded.",
    ),
    "## Left for people to answer",
    bullets(story.questions.map(plain), "Nothing recorded asks for an answer. What went well, and why?"),
    "## Where this is from",
    bullets(sourcesOf(story), ""),
  ];
  return `${parts.join("\n\n")}\n`;
}

interface Clock {
  (instant: string): string;
  readonly isUtc: boolean;
}

/** `2026-11-28 17:06:30` of a zone. */
function clockOf(zone: string): Clock {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const show = (instant: string): string => format.format(new Date(instant));
  return Object.assign(show, { isUtc: format.resolvedOptions().timeZone === "UTC" });
}

function titleOf({ asked, touched, from, to }: Story): string {
  const targets = touched.find(({ id }) => id === asked)?.targets ?? {};
  const names = Object.entries(targets).map((pair) => pair.join(" "));
  if (asked !== null) return `Post-mortem draft: rollout ${asked} (${names.join(" and ")})`;
  return `Post-mortem draft: ${utc(from)} to ${utc(to)} UTC`;
}

function utc(instant: string): string {
  return instant.slice(0, 19).replace("T", " ");
}

function both(instant: string, local: Clock): string {
  return local.isUtc ? `${utc(instant)} UTC` : `${local(instant)} (${utc(instant)} UTC)`;
}

function shortOf({ touched, defaults, people, from, to }: Story, local: Clock): string {
  const sentences = [
    `From ${both(from, local)} to ${both(to, local)}.`,
    ...touched.map((each) => rolloutSentence(each, local)),
    ...defaults.map((span) => defaultSentence(span, local)),
    people.length === 0
      ? "Nobody acted by hand."
      : `${count(people.length, "person or token", "people or tokens")} acted by hand: ${people.map(({ name }) => plain(name)).join(", ")}.`,
  ];
  return sentences.join("\n");
}

function rolloutSentence(rollout: Touched, local: Clock): string {
  const { id, targets, movedAtMost, accounts, firstMoveAt, backAt, minutes, phase, hurt } = rollout;
  const to = Object.entries(targets)
    .map((pair) => pair.join(" "))
    .join(" and ");
  if (firstMoveAt === null)
    return `Rollout ${id} to ${to} moved nobody of ${count(accounts, "account")}; it is ${phase}.`;
  const end = backAt === null ? "until now" : `until the last was back at ${both(backAt, local)}`;
  const harm = hurt.accounts === 0 ? "" : ` ${count(hurt.accounts, "account")} met failures.`;
  return `Rollout ${id} moved ${movedAtMost.toLocaleString("en-US")} of ${count(accounts, "account")} to ${to} at most, from ${both(firstMoveAt, local)} ${end}: ${duration(minutes ?? 0)}. Now it is ${phase}.${harm}`;
}

function defaultSentence(
  { product, version, from, to, minutes, forced, by }: DefaultSpan,
  local: Clock,
): string {
  const how = forced ? `forced by ${plain(by)}` : `moved by ${plain(by)}`;
  return `The default of ${product} (unknown accounts, not counted) was ${version} from ${both(from, local)}, ${how}, for ${duration(minutes)}${to === null ? " and still is" : ""}.`;
}

function touchedOf({ touched, defaults, oneByOne }: Story, local: Clock): string {
  const rows = [
    ...touched.flatMap((each) => [
      [`accounts that ${each.id} was for`, each.accounts.toLocaleString("en-US"), ""],
      [
        "moved at most",
        each.movedAtMost.toLocaleString("en-US"),
        each.minutes === null ? "never" : duration(each.minutes),
      ],
      ["account-hours on its targets", each.accountHours.toLocaleString("en-US"), ""],
      ["still on its targets", each.movedNow.toLocaleString("en-US"), ""],
      ["put back alone", each.putBackAlone.toLocaleString("en-US"), ""],
      ["taken back by a rollback", each.takenBack.toLocaleString("en-US"), ""],
      ["that no wave came to", each.notReached.toLocaleString("en-US"), ""],
      ["left behind for a reason of their own", each.leftBehind.toLocaleString("en-US"), ""],
      [
        "met failures",
        each.hurt.accounts.toLocaleString("en-US"),
        `${each.hurt.failures.toLocaleString("en-US")} failures`,
      ],
    ]),
    ...defaults.map(({ product, version, from, minutes }) => [
      `unknown accounts of ${product} on ${version}`,
      "not counted",
      `${duration(minutes)} from ${local(from)}`,
    ]),
  ];
  if (oneByOne > 0) rows.push(["pinned, held or put back one by one", oneByOne.toLocaleString("en-US"), ""]);
  if (rows.length === 0) return "No rollout moved anybody, and no default was moved.";
  return table(["what", "accounts", "how long"], rows);
}

function linesOf(happenings: readonly Happening[], local: Clock): string {
  if (happenings.length === 0) return "Nothing was recorded in this time.";
  return table(
    [...(local.isUtc ? [] : ["local"]), "UTC", "who", "what"],
    happenings.map(({ at, until, who, what, reason, kind }) => [
      ...(local.isUtc ? [] : [local(at)]),
      until === null ? utc(at) : `${utc(at)} to ${utc(until).slice(11)}`,
      plain(who),
      `${emphasis(plain(what), kind)}${reason === null ? "" : ` — “${plain(reason)}”`}`,
    ]),
  );
}

/** What stops, goes back or fails catches the eye. */
function emphasis(text: string, kind: Happening["kind"]): string {
  return kind === "stop" || kind === "back" ? `**${text}**` : text;
}

function peopleOf({ people }: Story): string {
  const lines = people.map(
    ({ name, did }) => `**${plain(name)}** (${count(did.length, "act")}): ${did.map(plain).join("; ")}`,
  );
  return bullets(lines, "Nobody acted by hand: everything was done by Firebreak as the plan says.");
}

function putBackOf({ putBack }: Story, local: Clock): string {
  return bullets(
    putBack.map(
      ({ at, who, what, reason }) =>
        `${both(at, local)}, ${plain(who)}: ${plain(what)}${reason === null ? "" : ` (“${plain(reason)}”)`}`,
    ),
    "Nothing was put back.",
  );
}

function hurtOf({ touched }: Story, { url }: Paper): string {
  const parts = touched.map(({ id, hurt }) => {
    if (hurt.accounts === 0) return `No account is known to have met failures of what ${id} moved it to.`;
    const rows = hurt.worst.map(({ account, product, minutes, failures, requests, putBackAt }) => [
      account,
      product,
      String(minutes),
      failures.toLocaleString("en-US"),
      requests.toLocaleString("en-US"),
      putBackAt === null ? "no" : utc(putBackAt),
    ]);
    const all = `All ${count(hurt.accounts, "account")}: \`${RUN}rollout impact ${id} --csv\`, or ${url}/rollouts/${id}.`;
    return `${table(["account", "product", "minutes", "failures", "requests", "put back (UTC)"], rows)}\n\n${all}`;
  });
  if (parts.length === 0)
    return "No rollout ran in this time; failures of unknown accounts are not told apart by account.";
  return parts.join("\n\n");
}

function sourcesOf({ touched, happenings }: Story): readonly string[] {
  const numbers = happenings.flatMap(({ entries }) => entries);
  const range =
    numbers.length === 0 ? "no entries" : `entries ${Math.min(...numbers)} to ${Math.max(...numbers)}`;
  return [
    `The audit, ${range}: \`${RUN}audit list --all\`; \`${RUN}audit list --verify\` says whether it is whole.`,
    ...touched.map(
      ({ id }) =>
        `\`${RUN}rollout show ${id}\`, \`${RUN}rollout impact ${id}\`, \`${RUN}rollout left-behind ${id} --all\``,
    ),
    `One account's own moves: \`${RUN}accounts history ACCOUNT\`.`,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function bullets(lines: readonly string[], otherwise: string): string {
  return lines.length === 0 ? otherwise : lines.map((text) => `- ${text}`).join("\n");
}

/** Text from elsewhere, harmless in a cell. */
function plain(text: string): string {
  return clean(text).replace(/[\\`*_[\]<>|]/g, (sign) => `\\${sign}`);
}
