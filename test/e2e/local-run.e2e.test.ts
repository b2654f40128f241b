/**
 * `npm start` as people run it: a process of its own, told apart by what it prints, asked over its control server and
 * ended by a signal. What it prints works when pasted, a second start finds everything again, and whatever is in the way
 * of a start is said in words.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { z } from "zod";
import { createAdminClient } from "../../scripts/local/admin-client.ts";
import { spread } from "../../scripts/local/spread.ts";
import { isThere, WorkerdProcessSchema } from "../../scripts/local/workerd-processes.ts";
import { makeStateFolder } from "../support/local-instance.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const START = join(import.meta.dirname, "..", "..", "scripts", "start.ts");
const READY = "Ctrl-C stops it";
const STARTS_WITHIN_MS = 60_000;
const ACCOUNTS = 10_000;
const ACME = request("GET / HTTP/1.1", "Host: acme.kiln.localhost");

const StatusSchema = z.looseObject({ accounts: z.int(), published: z.looseObject({ generation: z.int() }) });
const LeftSchema = z.looseObject({ workerd: z.array(WorkerdProcessSchema) });
const AccountSchema = z.looseObject({ pins: z.record(z.string(), z.looseObject({ version: z.string() })) });

interface Run {
  readonly output: string;
  readonly ports: readonly number[];
  readonly controlUrl: string;
  /** The commands that it offers to try. */
  readonly commands: readonly string[];
  /** Posts JSON to the control server. */
  control(path: string, body: object): Promise<{ status: number; body: unknown }>;
  /** Sends a signal and resolves with the exit code, null when the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();

async function start(...flags: string[]): Promise<Run> {
  const child = spawn(process.execPath, [START, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const ended = new Promise<number | null>((resolve) =>
    child.once("exit", (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready: ${output}`)), STARTS_WITHIN_MS);
    const read = (chunk: Buffer): void => {
      output += chunk.toString("utf8");
      if (!output.includes(READY)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code}: ${output}`));
    });
  });
  const controlUrl = /control +(http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1] ?? "";
  return {
    output,
    ports: [...output.matchAll(/node \d +http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)),
    controlUrl,
    commands: [...output.matchAll(/^ +\$ (.+)$/gm)].map(([, command]) => command ?? ""),
    async control(path, body) {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(`${controlUrl}${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return { status: answer.status, body: await answer.json() };
    },
    async end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs a start that is expected to fail, to its end. */
function fail(...flags: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [START, ...flags], { encoding: "utf8" });
  return { code: status, said: stdout + stderr };
}

function paste(command: string): { code: number | null; said: string } {
  const { status, stdout } = spawnSync("sh", ["-c", command], { encoding: "utf8", timeout: 20_000 });
  return { code: status, said: stdout };
}

const folders: string[] = [];
function makeFolder(): string {
  const folder = makeStateFolder();
  folders.push(folder);
  return folder;
}

afterAll(async () => {
  // Asked, not killed: a killed one leaves its workerd behind.
  for (const child of running) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe("npm start", () => {
  const state = makeFolder();
  let run: Run;
  let generation = 0;
  let demoLines: string[] = [];

  const get = async (path: string): Promise<unknown> => {
    const admin = createAdminClient(run.ports[0] ?? 0, "dev");
    try {
      return await admin.must({ method: "GET", path });
    } finally {
      admin.close();
    }
  };

  beforeAll(async () => {
    run = await start("--port", "0", "--tick", "off", "--state", state);
    demoLines = run.output.split("\n").filter((line) => line.includes("demo  "));
  });

  it("says what runs: two nodes and five demo servers", ({ expect }) => {
    expect(run.ports).toHaveLength(2);
    expect(demoLines).toHaveLength(5);
    expect(run.commands).toHaveLength(5);
  });

  it("offers five things that work when pasted", async ({ expect }) => {
    const expected = [
      /^HTTP\/1\.[01] 204/,
      /"version": "2\.8\.0"/,
      /Demo-Version: kiln\/2\.8\.0/i,
      /acme/,
      /"refuse":true/,
    ];
    for (const [index, command] of run.commands.entries()) {
      const { code, said } = paste(command);
      expect(code, command).toBe(0);
      expect(said, command).toMatch(expected[index] ?? /./);
    }
    // The last one broke the version that everybody is on; the check does not mind, and it can be mended.
    expect(paste(run.commands[0] ?? "").said).toMatch(/^HTTP\/1\.[01] 204/);
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: ACME })).status).toBe(502);
    expect((await run.control("/demo", { product: "kiln", version: "2.8.0", refuse: false })).status).toBe(
      200,
    );
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: ACME })).status).toBe(200);
  });

  it("has the demo world: 10,000 accounts, acme among them with a domain of its own", async ({ expect }) => {
    expect(StatusSchema.parse(await get("status")).accounts).toBe(ACCOUNTS);
    const bytes = request("GET / HTTP/1.1", "Host: code.acme.example");
    expect((await sendRaw({ port: run.ports[1] ?? 0, bytes })).header("demo-version")).toBe("kiln/2.8.0");
  });

  it("ticks through the control server, at the time it is told", async ({ expect }) => {
    const at = "2026-11-28T22:05:00Z";
    const { status, body } = await run.control("/tick", { at });
    expect(status).toBe(200);
    expect(body).toMatchObject({ now: Date.parse(at), advanced: true, generation: expect.any(Number) });
    expect((await run.control("/tick", { at: "2026-11-28T22:04:00Z" })).body).toMatchObject({
      advanced: false,
    });
  });

  it.for([
    ["/tick", { at: "soon" }],
    ["/tick", { at: "2026-11-28T22:05:00Z", to: 1 }],
    ["/demo", { product: "kiln", version: "2.8.0", errorrate: 1 }],
    ["/demo", { product: "kiln", version: "2.8.0", errorRate: 2 }],
    ["/demo", { product: "kiln", version: "2.8.0", refuse: true, onlyAccounts: ["acme"] }],
    ["/node", { node: 1, action: "explode" }],
    ["/node", { node: 1, action: "kv", mode: "maybe" }],
  ] as const)("refuses %s %j with 400 and changes nothing", async ([path, body], { expect }) => {
    expect((await run.control(path, body)).status).toBe(400);
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: ACME })).status).toBe(200);
  });

  it("makes one demo version ill for one account alone", async ({ expect }) => {
    const other = request("GET / HTTP/1.1", "Host: nobody.kiln.localhost");
    const ill = { product: "kiln", version: "2.8.0", errorRate: 1, onlyAccounts: ["acme"] };
    expect((await run.control("/demo", ill)).status).toBe(200);
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: ACME })).status).toBe(500);
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: other })).status).toBe(200);
    await run.control("/demo", { product: "kiln", version: "2.8.0" });
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: ACME })).status).toBe(200);
  });

  it("restarts one node alone: the other keeps its memory", async ({ expect }) => {
    for (const port of run.ports) expect((await sendRaw({ port, bytes: ACME })).status).toBe(200);
    for (const node of [1, 2]) {
      for (const action of ["kv", "cache"]) await run.control("/node", { node, action, mode: "throw" });
    }
    expect((await run.control("/node", { node: 1, action: "restart" })).body).toMatchObject({
      restarts: expect.any(Number),
    });
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: ACME })).status).toBe(503);
    expect((await sendRaw({ port: run.ports[1] ?? 0, bytes: ACME })).status).toBe(200);
    for (const node of [1, 2]) {
      for (const action of ["kv", "cache"]) await run.control("/node", { node, action, mode: "ok" });
    }
    await run.control("/node", { node: 1, action: "restart" });
    expect((await sendRaw({ port: run.ports[0] ?? 0, bytes: ACME })).status).toBe(200);
  });

  it("keeps KV where wrangler finds it, so that break-glass can be rehearsed", async ({ expect }) => {
    const put = (document: object): void => {
      const where = ["--binding", "MAPS", "--local", "--persist-to", state, "--env="];
      const value = JSON.stringify(document);
      const done = spawnSync("npx", ["wrangler", "kv", "key", "put", "break-glass", value, ...where], {
        cwd: join(import.meta.dirname, "..", ".."),
        encoding: "utf8",
      });
      if (done.status !== 0) throw new Error(`${done.stdout}${done.stderr}`);
    };
    put({ reason: "rehearsal", expires: new Date(Date.now() + 3_600_000).toISOString() });
    const during = await get("status");
    put({});
    expect(during).toMatchObject({ breakGlass: { active: true, reason: "rehearsal" } });
    expect(await get("status")).toMatchObject({ breakGlass: { active: false } });
  });

  it("refuses a second start on the same state, and one on a port in use, in words", ({ expect }) => {
    const second = fail("--port", "0", "--state", state);
    expect(second.code).toBe(1);
    expect(second.said).toContain("another run has the state folder");
    const taken = fail("--port", String(run.ports[0]), "--nodes", "1", "--bare", "--state", makeFolder());
    expect(taken.code).toBe(1);
    expect(taken.said).toContain(`port ${run.ports[0]} is in use`);
  });

  it("stops on Ctrl-C with exit code 0 and takes control.json away", async ({ expect }) => {
    const admin = createAdminClient(run.ports[0] ?? 0, "dev");
    await admin.must({
      method: "POST",
      path: "products/kiln/versions/2.9.1/state",
      body: { state: "live", reason: "to be used" },
    });
    const body = { version: "2.9.1", reason: "to be found again" };
    await admin.must({ method: "PUT", path: "accounts/acme/pins/kiln", body });
    await spread({
      admin,
      ports: run.ports,
      restart: (node) => run.control("/node", { node, action: "restart" }),
      isSeen: async (port) => (await sendRaw({ port, bytes: ACME })).header("demo-version") === "kiln/2.9.1",
    });
    admin.close();
    generation = StatusSchema.parse(await get("status")).published.generation;
    expect(await run.end("SIGINT")).toBe(0);
    expect(existsSync(join(state, "control.json"))).toBe(false);
  });

  it("finds everything again at the second start", async ({ expect }) => {
    run = await start("--port", "0", "--tick", "off", "--state", state);
    const status = StatusSchema.parse(await get("status"));
    expect(status.accounts).toBe(ACCOUNTS);
    expect(status.published.generation).toBeGreaterThanOrEqual(generation);
    expect(AccountSchema.parse(await get("accounts/acme")).pins["kiln"]?.version).toBe("2.9.1");
    expect(run.output.split("\n").filter((line) => line.includes("demo  "))).toEqual(demoLines);
    for (const port of run.ports) {
      expect((await sendRaw({ port, bytes: ACME })).header("demo-version")).toBe("kiln/2.9.1");
    }
    expect(await run.end("SIGTERM")).toBe(0);
  });
});

describe("npm start -- --bare", () => {
  it("runs without products, offers five things that work, and survives being killed", async ({ expect }) => {
    const state = makeFolder();
    const killed = await start("--port", "0", "--nodes", "1", "--bare", "--tick", "off", "--state", state);
    await killed.end("SIGKILL");
    const left = readFileSync(join(state, "control.json"), "utf8");
    const { workerd } = LeftSchema.parse(JSON.parse(left));
    expect(workerd.filter(isThere)).toHaveLength(1);

    const run = await start("--port", "0", "--nodes", "1", "--bare", "--tick", "off", "--state", state);
    expect(readFileSync(join(state, "control.json"), "utf8")).not.toBe(left);
    // Two control planes on the same files would be worse than none.
    expect(workerd.filter(isThere)).toEqual([]);
    const expected = [/^HTTP\/1\.[01] 204/, /./, /"accounts": ?0/, /"kiln"/, /"1\.0\.0"/];
    expect(run.commands).toHaveLength(expected.length);
    for (const [index, command] of run.commands.entries()) {
      const { code, said } = paste(command);
      expect(code, command).toBe(0);
      expect(said, command).toMatch(expected[index] ?? /./);
    }
    expect(await run.end("SIGINT")).toBe(0);
  });

  it("tells every wrong flag at once, with exit code 2", ({ expect }) => {
    const { code, said } = fail("--port", "x", "--nodes", "0", "--tick", "maybe");
    expect(code).toBe(2);
    for (const flag of ["--port", "--nodes", "--tick"]) expect(said).toContain(`${flag} must be`);
  });
});
