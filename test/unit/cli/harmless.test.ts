/**
 * What the command line writes acts on no screen, wherever the text came from: answers in which every free text is hostile,
 * refusals full of it, and files and words of the caller. As JSON it means the same as before.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { createProgram } from "../../../scripts/cli/program.ts";
import { guardTerminal, harmless } from "../../../scripts/cli/terminal.ts";
import { verbsOf } from "../../../scripts/cli/usage-mistake.ts";
import { pathOfCommand } from "../../../scripts/cli/verb.ts";
import {
  memoryTerminal,
  problem,
  runCli,
  shellWords,
  startFakeApi,
  type FakeAnswer,
} from "../../support/cli.ts";
import { ACTS_ON_SCREENS, NAUGHTY } from "../../support/naughty.ts";
import { createNaughtyWorld, speakNaughtily } from "../../support/naughty-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

/** These start or drive a local run, or read files of their own. */
const ELSEWHERE = new Set(["tick", "demo", "node", "completion"]);

const program = createProgram(memoryTerminal().terminal, { outcome: { exitCode: 0 }, json: false });
const COMMANDS = verbsOf(program).filter((command) => !ELSEWHERE.has(pathOfCommand(command)));
/** Verbs that change nothing have no `--dry-run`. */
const READING = COMMANDS.filter(({ options }) => options.every(({ long }) => long !== "--dry-run")).map(
  pathOfCommand,
);

let api: RealAdmin;
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-harmless-"));
  await writeFile(join(folder, "file"), `{"${NAUGHTY}`);
  const world = await createNaughtyWorld();
  api = await startRealAdmin(world);
  api.admin.clock.nowMs = world.clock.now;
  await speakNaughtily(world, api.admin);
}, 60_000);
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The verb's own examples, with the file of this test in place of any other. */
async function linesOf(path: string): Promise<string[]> {
  const { out } = await runCli([...path.split(" "), "--help"]);
  return [...out.matchAll(/^ {2}\$ npm run -s firebreak -- (.*)$/gm)].map(([, line = ""]) =>
    (line.split(/ [|>] /)[0] ?? line)
      .replaceAll(
        /(?<= )[\w.-]+\.(?:jsonc?|csv|ndjson|md|map|maps)(?= |$)|(?<= )(?:config|leaving)\/?(?= |$)/g,
        join(folder, "file"),
      )
      .replaceAll(" --json", ""),
  );
}

async function refuseWith(answer: FakeAnswer, verbs: readonly string[], expect: ExpectStatic): Promise<void> {
  const fake = await startFakeApi({ answer: () => answer });
  const env = { FIREBREAK_URL: fake.url, FIREBREAK_TOKEN: "t" };
  for (const path of verbs) {
    const [line = ""] = await linesOf(path);
    const { out, err } = await runCli(shellWords(line), { env });
    expect([line, ACTS_ON_SCREENS.exec(out + err)?.[0]]).toEqual([line, undefined]);
  }
  await fake.stop();
}

describe("what is written", { timeout: 60_000 }, () => {
  it("is harmless whatever a deployment's people have worded, for people and as JSON", async ({ expect }) => {
    const told = new Set<string>();
    for (const path of READING)
      for (const line of (await linesOf(path)).slice(0, 1))
        for (const each of [line, `${line} --json`]) {
          const { out, err } = await api.cli(each);
          expect([each, ACTS_ON_SCREENS.exec(out + err)?.[0]]).toEqual([each, undefined]);
          if (out.includes("x-evil")) told.add(path);
        }
    // So that the above can fail: hostile text was on its way in many of them.
    for (const path of [
      "status",
      "doctor",
      "halt show",
      "accounts show",
      "audit list",
      "freeze list",
      "webhook list",
    ])
      expect([...told]).toContain(path);
  });

  it("is harmless whatever refuses, a Firebreak or something else", async ({ expect }) => {
    const uses = [NAUGHTY, { a: NAUGHTY }];
    const refusal = problem("conflict", 409, { title: NAUGHTY, detail: NAUGHTY, instance: NAUGHTY, uses });
    const others = [
      { status: 502, body: `<html>${NAUGHTY}` },
      { status: 200, body: { items: NAUGHTY } },
      { status: 200, body: `{"items":"${NAUGHTY}` },
    ];
    const verbs = COMMANDS.map(pathOfCommand);
    await refuseWith(refusal, verbs, expect);
    for (const other of others) await refuseWith(other, ["accounts list", "export", "status"], expect);
  });

  it("is harmless whatever the caller types", async ({ expect }) => {
    for (const words of [
      [NAUGHTY],
      ["status", NAUGHTY],
      ["accounts", "show", NAUGHTY],
      ["rollout", "plan", NAUGHTY],
    ]) {
      const { out, err } = await runCli(words);
      expect([words, ACTS_ON_SCREENS.exec(out + err)?.[0]]).toEqual([words, undefined]);
    }
  });
});

describe("harmless", () => {
  it("writes out what a screen acts on, and keeps JSON's meaning", ({ expect }) => {
    const value = { reason: NAUGHTY, tabs: "a\tb", "\u007f": "ü – 漢" };
    const text = JSON.stringify(value, null, 2);
    expect(harmless(text)).not.toMatch(ACTS_ON_SCREENS);
    expect(JSON.parse(harmless(text))).toEqual(value);
    expect(harmless("a\r\u001b]0;x\u0007\n\tb")).toBe("a\\u000d\\u001b]0;x\\u0007\n\tb");
  });

  it("lets the colours of a difference through, and no other sequence", ({ expect }) => {
    expect(harmless("\u001b[32mnew\u001b[39m")).toBe("\u001b[32mnew\u001b[39m");
    expect(harmless("\u001b[8mhidden\u001b[2J")).toBe("\\u001b[8mhidden\\u001b[2J");
  });

  it("leaves the drawing of a screen to who asks for it by name", ({ expect }) => {
    const { terminal, out } = memoryTerminal({ columns: 80 });
    const guarded = guardTerminal(terminal).out;
    guarded.draw("\u001b[2A\u001b[J");
    guarded.write("\u001b[2A");
    expect([out(), guarded.isTerminal, guarded.columns]).toEqual(["\u001b[2A\u001b[J\\u001b[2A", true, 80]);
  });
});
