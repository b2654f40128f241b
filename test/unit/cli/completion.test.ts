/** Shell completion, asked of a real bash: what it offers is what the commands have, and nothing that is written down. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { placesOf } from "../../../scripts/cli/completion.ts";
import { createProgram } from "../../../scripts/cli/program.ts";
import { verbsOf } from "../../../scripts/cli/usage-mistake.ts";
import { pathOfCommand } from "../../../scripts/cli/verb.ts";
import { memoryTerminal, runCli } from "../../support/cli.ts";

const program = createProgram(memoryTerminal().terminal, { outcome: { exitCode: 0 }, json: false });
let folder = "";
let script = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "firebreak-completion-"));
  script = join(folder, "firebreak.bash");
  writeFileSync(script, (await runCli(["completion", "bash"])).out);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers for the last of these words, as somebody presses tab behind it. */
function offered(...words: readonly string[]): readonly string[] {
  const code =
    'set -u; source "$0"; COMP_WORDS=(firebreak "$@"); COMP_CWORD=$#; _firebreak; printf "%s\\n" "${COMPREPLY[@]}"';
  return execFileSync("bash", ["--norc", "-c", code, script, ...words], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line !== "");
}

describe("completion of bash", () => {
  it.for([
    [["roll"], ["rollout"]],
    [["rollout", "ro"], ["rollback"]],
    [["rollouts", "pl"], ["plan"]],
    [["rollout", "start", "2026-11-autumn", "--di"], ["--digest"]],
    [
      ["rollout", "rollback", "x", "--mark-bad", ""],
      ["yes", "no"],
    ],
    [["version", "replacement", "pa"], ["pause"]],
    [
      ["version", "state", "kiln", "2.9.0", "re"],
      ["registered", "retired"],
    ],
    [
      ["halt", "o"],
      ["on", "off"],
    ],
    [["token", "create", "ci", "--role", "de"], ["deployer"]],
    [["completion", "z"], ["zsh"]],
    [["nothing", "like", "tha"], []],
  ] as const)("offers behind %j %j", ([words, wanted], { expect }) => {
    expect(offered(...words)).toEqual(wanted);
  });

  it("is registered for the name of the command", ({ expect }) => {
    const told = execFileSync("bash", ["--norc", "-c", 'source "$0"; complete -p firebreak', script], {
      encoding: "utf8",
    });
    expect(told).toContain("-F _firebreak firebreak");
  });

  it("knows every verb there is, with all of its flags", ({ expect }) => {
    const places = new Map(placesOf(program).map((place) => [place.path, place.words]));
    for (const verb of verbsOf(program)) {
      const flags = verb.options.map(({ long }) => long);
      expect(places.get(pathOfCommand(verb)), pathOfCommand(verb)).toEqual(expect.arrayContaining(flags));
    }
    expect(offered("")).toEqual(expect.arrayContaining(program.commands.map((each) => each.name())));
  });
});

describe("completion of zsh and fish", () => {
  it.for(["zsh", "fish"])("%s has every verb", async (shell, { expect }) => {
    const { out, code } = await runCli(["completion", shell]);
    expect(code).toBe(0);
    for (const verb of verbsOf(program)) expect(out).toContain(`'${pathOfCommand(verb)}'`);
  });
});
