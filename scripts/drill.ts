/**
 * `npm run drill`: the incident that Firebreak exists for, twice, with a real HAProxy: straight to the versions, then
 * through Firebreak; with `data`, a schema change instead. Everything on free ports and in a temporary folder, so it can run beside anything else.
 * Exit code 0 when every expectation held, 1 when one did not, 2 when it could not be played.
 */
import { findHaProxy, INSTALL_HINT } from "./haproxy/haproxy.ts";
import { playDataMove } from "./drill/data.ts";
import { playStraight } from "./drill/straight.ts";
import { playThroughFirebreak } from "./drill/through-firebreak.ts";
import type { Half } from "./drill/story.ts";

const EXIT_FAILED = 1;
const EXIT_NOT_PLAYED = 2;

const USAGE = `npm run drill -- [data] [flags]

  data              a schema change whose hooks fail for some, instead of the incident (about a minute)

  --json            one JSON document instead of the story
  --timeline FILE   write there what \`firebreak timeline\` makes of the second half
  --help            this text
`;

function summarise(halves: readonly Half[]): { proved: number; failed: number } {
  const all = halves.flatMap(({ expectations }) => expectations);
  const failed = all.filter(({ held }) => !held).length;
  return { proved: all.length - failed, failed };
}

interface Asked {
  readonly data: boolean;
  readonly json: boolean;
  readonly timeline: string | null;
}

async function play({ data, json, timeline }: Asked): Promise<number> {
  const halves = data
    ? [await playDataMove(json)]
    : [await playStraight(json), await playThroughFirebreak(json, timeline)];
  const { proved, failed } = summarise(halves);
  if (json) process.stdout.write(`${JSON.stringify({ proved, failed, halves }, null, 2)}\n`);
  else process.stdout.write(`\n${proved} proved, ${failed} failed\n`);
  return failed === 0 ? 0 : EXIT_FAILED;
}

async function main(args: readonly string[]): Promise<number> {
  const named = args.indexOf("--timeline");
  const timeline = named === -1 ? null : (args[named + 1] ?? "--");
  const rest = named === -1 ? args : args.toSpliced(named, 2);
  const data = rest.includes("data");
  const unknown = rest.filter((arg) => !["data", "--json", "--help", "-h"].includes(arg));
  if (data && timeline !== null) unknown.push("--timeline with data");
  if (timeline?.startsWith("-") === true) unknown.push("--timeline without a file");
  if (unknown.length > 0 || args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return unknown.length > 0 ? EXIT_NOT_PLAYED : 0;
  }
  if (!data && findHaProxy() === null) {
    process.stderr.write(`firebreak: ${INSTALL_HINT}\n`);
    return EXIT_NOT_PLAYED;
  }
  try {
    return await play({ data, json: args.includes("--json"), timeline });
  } catch (error) {
    process.stderr.write(
      `firebreak: the drill could not be played: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return EXIT_NOT_PLAYED;
  }
}

// Everything is stopped by now; pipes of ended children may keep the event loop a little longer.
process.exit(await main(process.argv.slice(2)));
