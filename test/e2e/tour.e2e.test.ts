/**
 * The tour of the README as a newcomer pastes it: the block of commands under its heading, in one shell, against a local
 * run. Every line works, the outage's bug is found before anybody moves, and in the end everybody is back.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Instance } from "../../scripts/local/instance.ts";
import { RolloutSchema } from "../../src/contracts/api/rollouts.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const HEADING = "## The first five minutes";
/** A dozen processes, and eleven seconds in which minutes pass. */
const TOUR_MS = 600_000;
const MAX_PICTURE_BYTES = 150_000;

let instance: Instance;
let state = "";

beforeAll(async () => {
  state = makeStateFolder();
  instance = await startTestInstance({ nodes: 2, state });
});
afterAll(() => instance?.stop());

/** The first block of shell commands below the heading. */
function tour(): string {
  const part = README.slice(README.indexOf(HEADING));
  return /```sh\n([\s\S]*?)```/.exec(part)?.[1] ?? "";
}

/** Not waited for in one go, because the demo servers live in this process. */
async function paste(commands: string): Promise<string> {
  const url = `http://localhost:${instance.ports[0] ?? 0}`;
  const env = { ...process.env, FIREBREAK_URL: url, FIREBREAK_STATE: state, FIREBREAK_TOKEN: "" };
  const shell = spawn("bash", ["-c", commands], { cwd: ROOT, env });
  let said = "";
  for (const stream of [shell.stdout, shell.stderr])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => shell.once("close", resolve));
  return said;
}

describe("the README", () => {
  it("has a tour that works when pasted", { timeout: TOUR_MS }, async ({ expect }) => {
    const commands = tour();
    expect(commands.split("\n").length).toBeGreaterThan(8);
    const said = await paste(commands);
    // Not one line was refused for how it is written.
    expect(said).not.toMatch(/Usage:|unknown (?:option|command)|command not found|syntax error/i);
    const found = await instance.admin.must({ method: "GET", path: "rollouts/tour" });
    const rollout = RolloutSchema.parse(found);
    expect([rollout.phase, rollout.moved], said).toEqual(["rolled-back", 0]);
    expect(rollout.waves.map(({ firstMoveAt }) => firstMoveAt !== null)).toEqual([true, true]);
    expect(said).toMatch(/OPTIONS \/ HTTP\/1\.0 without Host.*/);
    expect(said).toContain("only a tour");
  });

  it("shows pictures that are there, and small", ({ expect }) => {
    const pictures = [...README.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path = ""]) => join(ROOT, path));
    expect(pictures.length).toBeGreaterThan(0);
    for (const picture of pictures) {
      expect(existsSync(picture), picture).toBe(true);
      expect(readFileSync(picture).length, picture).toBeLessThan(MAX_PICTURE_BYTES);
    }
  });

  it("is at most 300 lines", ({ expect }) => {
    expect(README.trimEnd().split("\n").length).toBeLessThanOrEqual(300);
  });
});
