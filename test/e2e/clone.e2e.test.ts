/**
 * Two local runs, the one cloned into the other: `clone` end to end over workerd, and the card of curl lines pasted into a
 * shell. FIREBREAK_TEST_CLONE_ACCOUNTS asks for more accounts than the few that hold in CI.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Instance } from "../../scripts/local/instance.ts";
import { runCli, shellWords } from "../support/cli.ts";
import { startTestInstance } from "../support/local-instance.ts";

const ACCOUNTS = Number(process.env["FIREBREAK_TEST_CLONE_ACCOUNTS"] ?? 300);
const TIMEOUT_MS = 180_000 + ACCOUNTS * 5;
const ROOT = join(import.meta.dirname, "..", "..");
const ZONES = ["Europe/Paris", "Asia/Tokyo", "America/New_York"];
const COHORTS = ["internal", "early", "general"];
const KEY = "a key of more than sixteen characters";

let production: Instance | undefined;
let staging: Instance | undefined;
let folder = "";
const urlOf = (instance: Instance | undefined): string => `http://localhost:${instance?.ports[0] ?? 0}`;

async function must(instance: Instance | undefined, line: string): Promise<string> {
  const { code, out, err } = await runCli(shellWords(line), {
    env: { FIREBREAK_URL: urlOf(instance), FIREBREAK_TOKEN: "dev" },
  });
  if (code !== 0) throw new Error(`${line}: ${err}`);
  return out;
}

function accountLine(number: number): string {
  const pick = (list: readonly string[], by: number): string =>
    list[Math.floor(number / by) % list.length] ?? "";
  return JSON.stringify({
    account: `customer-${number}`,
    timeZone: pick(ZONES, 1),
    cohort: pick(COHORTS, 3),
    cell: number % 2 === 0 ? "eu1" : null,
    labels: { name: `Customer ${number} Ltd` },
    homes: { kiln: number % 5 === 0 ? "2.9.0" : "2.8.0" },
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "firebreak-clone-"));
  production = await startTestInstance({ bare: true, nodes: 1 });
  staging = await startTestInstance({ bare: true, nodes: 1 });
  const file = join(folder, "accounts.ndjson");
  await writeFile(file, Array.from({ length: ACCOUNTS }, (_, number) => accountLine(number)).join("\n"));
  for (const line of [
    "product put kiln --domain kiln.localhost",
    "version register kiln 2.8.0 --origin http://127.0.0.1:7001 --reversible true --mixed ok",
    "version register kiln 2.9.0 --origin http://127.0.0.1:7002 --reversible true --mixed ok",
    "version state kiln 2.9.0 candidate --reason test",
    "version state kiln 2.9.0 live --reason test",
    "window put nights --days sat --from 22:00 --to 06:00",
    "freeze put advent --from 2026-12-20 --to 2027-01-03 --reason quiet",
    `accounts import ${file}`,
  ])
    await must(production, line);
}, TIMEOUT_MS);
afterAll(async () => {
  await production?.stop();
  await staging?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("clone", () => {
  const line =
    "clone --from production --to staging --map-domain kiln.localhost=kiln-staging.localhost --map-origin http://127.0.0.1:70*=http://127.0.0.1:71*";
  const clone = (more = "") =>
    runCli(shellWords(`${line} ${more}`), {
      env: {
        FIREBREAK_URL_PRODUCTION: urlOf(production),
        FIREBREAK_URL_STAGING: urlOf(staging),
        FIREBREAK_CLONE_KEY: KEY,
      },
    });

  it(
    "makes the other instance count the same, with nobody recognisable on it",
    { timeout: TIMEOUT_MS },
    async ({ expect }) => {
      const began = Date.now();
      const { code, out, err } = await clone();
      console.info(`clone of ${ACCOUNTS} accounts: ${Date.now() - began} ms`);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toContain("Both sides count the same");
      const file = join(folder, "staging.ndjson");
      await must(staging, `export ${file}`);
      const exported = readFileSync(file, "utf8");
      expect(exported).toContain("http://127.0.0.1:7101");
      expect(exported).not.toMatch(/customer|Customer|127\.0\.0\.1:700/);
      const again = await clone("--dry-run");
      expect(again.out).toContain("configuration: as it is there");
      expect(again.out).toContain(
        `0 new, ${ACCOUNTS.toLocaleString("en-US")} kept, 0 brought back, 0 deleted`,
      );
    },
  );
});

describe("card", () => {
  it(
    "prints lines that do what they say when pasted into a shell",
    { timeout: TIMEOUT_MS },
    async ({ expect }) => {
      await writeFile(
        join(folder, "plan.json"),
        JSON.stringify({
          id: "autumn",
          targets: { kiln: "2.9.0" },
          waves: [{ name: "all", cohorts: ["*"], percent: 100, window: "nights" }],
        }),
      );
      await must(production, `rollout create ${join(folder, "plan.json")}`);
      const planned: unknown = JSON.parse(
        await must(production, `rollout plan ${join(folder, "plan.json")} --json`),
      );
      const digest = /"digest":"([0-9a-f]{64})"/.exec(JSON.stringify(planned))?.[1] ?? "";
      await must(production, `rollout start autumn --digest ${digest}`);
      const card = await must(
        production,
        "card --product kiln --good 2.8.0 --bad 2.9.0 --account customer-5 --host customer-5.kiln.localhost --rollout autumn --json",
      );
      const { lines } = JSON.parse(card) as { lines: readonly { to: string; line: string }[] };
      expect(lines).toHaveLength(10);
      // The node explains from the maps it has, which may be half a minute older.
      await expect
        .poll(() => must(production, "explain customer-5.kiln.localhost --json"), {
          timeout: 60_000,
          interval: 500,
        })
        .toContain('"version": "2.9.0"');
      const said: Record<string, string> = {};
      for (const { to, line: text } of lines) {
        const state = join(folder, "kv");
        const pasted = text
          .replace("--persist-to .firebreak", `--persist-to ${state}`)
          .replace("END", "2099-01-01T00:00:00Z");
        // The admin host of a local run is a name of this machine; the shell's curl finds it as people's would.
        const { stdout } = await promisify(execFile)(
          "sh",
          ["-c", pasted.replace("-o firebreak.ndjson", "")],
          {
            cwd: ROOT,
            env: { ...process.env, FIREBREAK_TOKEN: "dev" },
            maxBuffer: 50_000_000,
          },
        ).catch((error: unknown) => {
          const { stdout: out = "", stderr = "" } = error as { stdout?: string; stderr?: string };
          return { stdout: `FAILED ${text}: ${out}${stderr}` };
        });
        said[to.split(" ").slice(0, 3).join(" ")] = stdout;
      }
      const words = Object.values(said);
      expect(words[0]).toContain('"on":true');
      expect(words[1]).toContain('"published"');
      expect(words[2]).toContain('"version":"2.9.0"');
      expect(words[3]).toMatch(/"phase":"(rolling|rolled)-back"/);
      // There is no standby to go back to: refused by the control plane, in words.
      expect(words[4]).toContain("standby");
      expect(words[5]).toContain('"quarantine":{"kiln":{"version":"2.8.0"');
      expect(words[6]).toContain('"mode":"page"');
      expect(words[7]).toMatch(/Writing the value/);
      expect(words[8]).toContain("account.hold.set");
      expect(words[9]).toContain("customer-5");
    },
  );
});
