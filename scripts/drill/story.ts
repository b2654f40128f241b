/**
 * How the drill is told: paragraphs, tables and the list of what was expected, for people; the same as one JSON document
 * for programs. It only prints; what is proved is decided by the two halves through `expect`.
 */
import Table from "cli-table3";
import { ASKING, MOVED, NOBODY, STAYED, type Look } from "./watch.ts";

export interface Expectation {
  readonly what: string;
  readonly held: boolean;
  /** What was seen instead, when it did not hold. */
  readonly seen: string | null;
}

/** One moment of a half: its name and what was seen then. */
export interface Moment {
  readonly name: string;
  readonly look: Look;
}

export interface Half {
  readonly title: string;
  readonly moments: readonly Moment[];
  readonly expectations: readonly Expectation[];
}

/** Tells the story while it happens, and collects what was expected. */
export interface Teller {
  say(text: string): void;
  moment(name: string, look: Look): void;
  /** Notes an expectation; `seen` explains a failure. */
  expect(what: string, held: boolean, seen: unknown): void;
  /** Ends a half: prints its table and what it proved. */
  end(): Half;
}

const WHO: Readonly<Record<string, string>> = {
  [STAYED]: `${STAYED}, not moved`,
  [MOVED]: `${MOVED}, moved to 2.9.0`,
  [NOBODY]: "an unknown account",
};

/** Begins a half; with `quiet` nothing is printed. */
export function createTeller(title: string, quiet: boolean): Teller {
  const moments: Moment[] = [];
  const expectations: Expectation[] = [];
  const say = (text: string): void => {
    if (!quiet) process.stdout.write(`${text}\n`);
  };
  say(`\n${title}\n${"=".repeat(title.length)}`);
  return {
    say,
    moment: (name, look) => void moments.push({ name, look }),
    expect: (what, held, seen) =>
      void expectations.push({ what, held, seen: held ? null : JSON.stringify(seen) }),
    end() {
      say(moments.length === 0 ? "" : `\n${drawTable(moments)}\n`);
      for (const { what, held, seen } of expectations)
        say(held ? `  proved: ${what}` : `  FAILED: ${what}\n          ${seen}`);
      return { title, moments, expectations };
    },
  };
}

function drawTable(moments: readonly Moment[]): string {
  const table = new Table({
    head: ["", ...moments.map(({ name }) => name)],
    style: { head: [], border: [] },
  });
  const servers = Math.max(...moments.map(({ look }) => look.servers.length));
  for (let index = 0; index < servers; index++) {
    table.push([`HAProxy on server ${index + 1}`, ...moments.map(({ look }) => look.servers[index] ?? "")]);
  }
  for (const account of ASKING) {
    table.push([WHO[account] ?? account, ...moments.map(({ look }) => describe(look, account))]);
  }
  return table.toString();
}

/** `100 % 200 kiln/2.8.0`, one line for each kind of answer. */
function describe({ seen }: Look, account: string): string {
  const { requests, answers } = seen[account] ?? { requests: 0, answers: {} };
  const lines = Object.entries(answers).map(
    ([answer, count]) => `${Math.round((100 * count) / requests)} % ${answer}`,
  );
  return lines.length === 0 ? "nothing" : lines.join("\n");
}

/** Whether everything that an account got in a look was `answer`, and it asked at all. */
export function got({ seen }: Look, account: string, answer: string): boolean {
  const { requests, answers } = seen[account] ?? { requests: 0, answers: {} };
  return requests > 0 && answers[answer] === requests;
}

/** Whether HAProxy has every server as `status` in a look. */
export function allServers({ servers }: Look, status: "UP" | "DOWN"): boolean {
  return servers.length > 0 && servers.every((server) => server.startsWith(`${status} (`));
}
