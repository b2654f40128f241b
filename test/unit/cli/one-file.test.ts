/**
 * The command line as one file, built as `npm run build:cli` does and run by whatever Node this machine has beside the
 * project's own, from a folder without anything of the project.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { BOOT_TOKEN } from "../../support/admin-builders.ts";
import type { CliRun } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { addProducts, createWorld, settle } from "../../support/control-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

const ROOT = join(import.meta.dirname, "../../..");
const TIMEOUT_MS = 60_000;
/** The machine's own Node comes first, where there is one; the project's is the last resort. */
const PATH = [
  ...(process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules")),
  join(ROOT, "node_modules", ".bin"),
].join(delimiter);

let folder = "";
let api: RealAdmin;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "firebreak-one-file-"));
  execFileSync(process.execPath, [join(ROOT, "scripts/build-cli.ts"), join(folder, "firebreak.mjs")]);
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  await settle(world);
  api = await startRealAdmin(world);
}, TIMEOUT_MS);
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

function firebreak(...argv: readonly string[]): Promise<CliRun> {
  const env = { PATH, FIREBREAK_URL: api.url, FIREBREAK_TOKEN: BOOT_TOKEN };
  return new Promise((resolve) => {
    execFile("node", ["firebreak.mjs", ...argv], { cwd: folder, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}

describe("the command line as one file", { timeout: TIMEOUT_MS }, () => {
  it("asks an admin host", async ({ expect }) => {
    const { code, out, err } = await firebreak("status", "--json");
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ products: [{ name: "fogbugz" }, { name: "kiln" }] });
    expect((await firebreak("product", "list")).out).toContain("kiln.example.com");
  });

  it("calls itself by its own name in its help", async ({ expect }) => {
    const { out } = await firebreak("rollout", "plan", "--help");
    expect(out).toContain("$ firebreak rollout plan");
    expect(out).not.toContain("npm run");
  });

  it("ends as the other does: 2 for a mistake, with what was meant", async ({ expect }) => {
    const { code, err } = await firebreak("rollout", "strat", "x");
    expect([code, err]).toEqual([2, expect.stringContaining("Did you mean start")]);
  });

  it("plays the incident through the engine, without the network", async ({ expect }) => {
    const file = join(ROOT, "test/vectors/incident-default-moved-with-the-rest.json");
    const { code, out, err } = await firebreak("replay", "run", file, "--json");
    expect([code, err]).toEqual([0, ""]);
    expect(() => JSON.parse(out) as unknown).not.toThrow();
  });
});
