/**
 * `npm run release` as a process of its own, with wrangler as it was recorded and a router of two versions behind real
 * sockets: the whole way up, and every way in which it can stop, be taken back, or get stuck.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const OLD = "11111111-1111-4111-8111-111111111111";
const NEW = "22222222-2222-4222-8222-222222222222";
const TIMEOUT_MS = 120_000;

/** What is wrong with the new version of the router. */
interface Ill {
  readonly health?: number;
  readonly unknown?: number;
  readonly ready?: string;
  readonly alarm?: string;
}

let server: Server;
let ill: (shareOfNew: number) => Ill = () => ({});
let folder = "";

function shareOfNew(): number {
  const deployed = JSON.parse(readFileSync(join(folder, "deployed.json"), "utf8")) as readonly {
    version_id: string;
    percentage: number;
  }[];
  return deployed.find(({ version_id: version }) => version === NEW)?.percentage ?? 0;
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const wanted = /^firebreak="([0-9a-f-]{36})"$/.exec(
      String(request.headers["cloudflare-workers-version-overrides"]),
    )?.[1];
    const sick = ill(shareOfNew());
    const now = wanted === NEW ? sick : {};
    const send = (status: number, body = ""): void => void response.writeHead(status).end(body);
    if (request.headers.host !== "admin.example.com") return send(now.unknown ?? 404, "from an origin");
    if (request.method === "OPTIONS") return send(now.health ?? 204);
    if (request.url === "/readyz")
      return send(200, JSON.stringify({ ready: now.ready ?? "yes", control: "reachable" }));
    if (request.headers.authorization !== "Bearer secret-token") return send(401);
    const alarms = now.alarm === undefined ? [] : [{ level: "page", words: now.alarm }];
    return send(200, JSON.stringify({ router: { version: wanted, tag: "" }, alarms }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "firebreak-release-test-"));
  writeFileSync(join(folder, "deployed.json"), JSON.stringify([{ version_id: OLD, percentage: 100 }]));
  writeFileSync(join(folder, "faults.json"), "[]");
  writeFileSync(join(folder, "calls.log"), "");
  ill = () => ({});
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Fault {
  readonly match: string;
  readonly how: string;
  readonly always?: boolean;
}

interface Released {
  readonly code: number | null;
  readonly out: string;
  /** Command lines that wrangler got, without readings. */
  readonly calls: readonly string[];
  readonly deployed: unknown;
}

function run(
  faults: readonly Fault[],
  { more = [], signalAt = null }: { more?: readonly string[]; signalAt?: string | null } = {},
): Promise<Released> {
  writeFileSync(join(folder, "faults.json"), JSON.stringify(faults));
  const { port } = server.address() as AddressInfo;
  const args = ["scripts/release.ts", "--env", "production", "--shares", "1,50,100", "--wait", "0"];
  const through = ["--through", `http://127.0.0.1:${port}`, "--timeout", "20"];
  const hosts = ["--admin-host", "admin.example.com", "--domain", "kiln.example.com"];
  const wrangler = ["--wrangler", join(ROOT, "test", "support", "recorded-wrangler.mjs")];
  const child = spawn(process.execPath, [...args, ...through, ...hosts, ...wrangler, ...more], {
    cwd: ROOT,
    env: { ...process.env, FIREBREAK_TOKEN: "secret-token", RECORDED_WRANGLER: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let sent = false;
  const read = (chunk: Buffer): void => {
    out += chunk.toString("utf8");
    if (signalAt !== null && !sent && out.includes(signalAt)) {
      sent = true;
      child.kill("SIGINT");
    }
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  return new Promise((resolve) =>
    child.once("close", (code) =>
      resolve({
        code,
        out,
        calls: readFileSync(join(folder, "calls.log"), "utf8")
          .split("\n")
          .filter((line) => line !== "" && !line.startsWith("deployments status")),
        deployed: JSON.parse(readFileSync(join(folder, "deployed.json"), "utf8")),
      }),
    ),
  );
}

const ALL_OLD = [{ version_id: OLD, percentage: 100 }];
const BACK = `npx wrangler versions deploy ${OLD}@100% --env= --yes --message "release: taken back"`;

describe("npm run release", { timeout: TIMEOUT_MS, concurrent: false }, () => {
  it("goes up share by share, probing before anybody gets the new version", async ({ expect }) => {
    const { code, out, calls, deployed } = await run([]);
    expect([code, deployed]).toEqual([0, [{ version_id: NEW, percentage: 100 }]]);
    expect(calls.map((line) => line.replaceAll(OLD, "OLD").replaceAll(NEW, "NEW"))).toEqual([
      "versions upload --env= --message release",
      "versions deploy NEW@0% OLD@100% --env= --yes --message release: 0 %",
      "versions deploy NEW@1% OLD@99% --env= --yes --message release: 1 %",
      "versions deploy NEW@50% OLD@50% --env= --yes --message release: 50 %",
      "versions deploy NEW@100% --env= --yes --message release: 100 %",
    ]);
    expect(out).toContain(`Done: ${NEW} has all traffic.`);
    expect(out).not.toContain("secret-token");
  });

  it.for<[string, (share: number) => Ill, string]>([
    ["health", () => ({ health: 500 }), "health answers 500, and must answer 204"],
    ["unknown accounts", () => ({ unknown: 500 }), "unknown account answers 500, the version before 404"],
    ["readiness", () => ({ ready: "no" }), "readyz says that it is not ready"],
    ["an alarm at half", (share) => (share < 50 ? {} : { alarm: "KV is down" }), "alarm: KV is down"],
  ])("goes back when %s is wrong", async ([, sick, says], { expect }) => {
    ill = sick;
    const { code, out, deployed } = await run([]);
    expect([code, deployed]).toEqual([1, ALL_OLD]);
    expect(out).toContain(`! ${says}`);
    expect(out).toContain(`Back: ${OLD} has all traffic.`);
  });

  it.for<[string, readonly Fault[], string]>([
    ["an upload refused", [{ match: "versions upload", how: "upload-refused" }], "The upload failed: "],
    ["an upload that says nothing", [{ match: "versions upload", how: "odd" }], "did not say which version"],
    [
      "a migration",
      [{ match: "versions upload", how: "upload-with-pending-migration" }],
      "It cannot go in shares; it takes a whole deploy, at once for everybody: npx wrangler deploy --env=",
    ],
    [
      "odd words for a state",
      [{ match: "deployments status", how: "odd" }],
      "something else than a deployment",
    ],
  ])("deploys nothing after %s", async ([, faults, says], { expect }) => {
    const { code, out, calls, deployed } = await run(faults);
    expect([code, deployed]).toEqual([1, ALL_OLD]);
    expect(out).toContain(says);
    expect(out).toContain("Nothing was deployed.");
    expect(calls.filter((line) => line.startsWith("versions deploy"))).toEqual([]);
  });

  it.for<[string, readonly Fault[], string]>([
    ["is refused", [{ match: "@50% ", how: "deploy-refused" }], "A request to the Cloudflare API"],
    [
      "says it is done and is not",
      [{ match: "@1% ", how: "not-done" }],
      "wrangler said that it was done, but the shares are",
    ],
    ["hangs", [{ match: "@1% ", how: "hang" }], "wrangler did not end in time and was killed"],
  ])("goes back when a share %s", async ([, faults, says], { expect }) => {
    const { code, out, deployed } = await run(faults, { more: ["--timeout", "10"] });
    expect([code, deployed]).toEqual([1, ALL_OLD]);
    expect(out).toContain(says);
  });

  it("goes on when wrangler failed after it had done what it was asked", async ({ expect }) => {
    const { code, out } = await run([{ match: "@50% ", how: "done-and-failed" }]);
    expect([code, out]).toEqual([0, expect.stringContaining("wrangler complained, and it was done")]);
  });

  it("says how the shares stand and what to type when the way back fails too", async ({ expect }) => {
    ill = (share) => (share < 50 ? {} : { health: 500 });
    const { code, out } = await run([{ match: `deploy ${OLD}@100%`, how: "deploy-refused", always: true }]);
    expect(code).toBe(3);
    expect(out).toContain("! GOING BACK FAILED: ");
    expect(out).toContain(
      `The shares stand at 50 % on the new version ${NEW}, 50 % on the old version ${OLD}.`,
    );
    expect(out).toContain(`Do it by hand: ${BACK}`);
  });

  it("tells who interrupts how the shares stand and how to go back, after wrangler has ended", async ({
    expect,
  }) => {
    const { code, out, calls } = await run([{ match: "@1% ", how: "slow" }], { signalAt: `${NEW}@1%` });
    expect(code).toBe(130);
    expect(out).toContain(
      `The shares stand at 1 % on the new version ${NEW}, 99 % on the old version ${OLD}.`,
    );
    expect(out).toContain(`Go back: ${BACK}`);
    expect(calls.at(-1)).toContain("@1%");
  });

  it("refuses while another release is under way, and shares that do not rise", async ({ expect }) => {
    const half = [NEW, OLD].map((version) => ({ version_id: version, percentage: 50 }));
    writeFileSync(join(folder, "deployed.json"), JSON.stringify(half));
    const under = await run([]);
    expect([under.code, under.deployed]).toEqual([1, half]);
    expect(under.out).toContain("Another release is under way");
    const dry = await run([], { more: ["--dry-run"] });
    expect([dry.code, dry.calls]).toEqual([0, []]);
    expect(dry.out).toContain("npx wrangler versions deploy NEW@1% OLD@99% --env= --yes");
    const wrong = await run([], { more: ["--shares", "50,10,100"] });
    expect([wrong.code, wrong.out]).toEqual([
      2,
      expect.stringContaining("--shares must rise and end with 100"),
    ]);
  });
});
