/**
 * Imports of the command line as the real process, against a server that reads and answers at the same time, as the
 * router does: 50,000 lines with rejects, CSV, dry runs, refusals and breaks in the middle.
 */
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import type { ImportEvent } from "../../src/contracts/api/accounts.ts";
import { runCli, spawnCli, startFakeApi, type CliRun, type FakeApi } from "../support/cli.ts";

let folder = "";
let api: FakeApi | null = null;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-import-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  await api?.stop();
  api = null;
});

/** What the import server did. */
interface Imported {
  url: URL | null;
  contentType: string | undefined;
  accounts: string[];
  /** Bytes of the body that were still to come when the first event went out; proof of streaming both ways. */
  answeredBeforeEnd: boolean;
}

/** A server that takes imports like the router: numbers lines, skips blank ones, rejects cohort "bad". */
async function importServer(
  behave: { readonly breakAfter?: number; readonly failAfter?: number } = {},
): Promise<Imported> {
  const state: Imported = { url: null, contentType: undefined, accounts: [], answeredBeforeEnd: false };
  api = await startFakeApi({
    stream: (request, response) => {
      state.url = new URL(request.url ?? "/", "http://fake");
      state.contentType = request.headers["content-type"];
      // A client that breaks off is what some of these tests are about.
      takeImport({ request, response, state, ...behave }).catch(() => response.destroy());
      return true;
    },
  });
  return state;
}

interface Taking {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly state: Imported;
  readonly breakAfter?: number;
  readonly failAfter?: number;
}

async function takeImport({ request, response, state, breakAfter, failAfter }: Taking): Promise<void> {
  const send = (event: ImportEvent): void => void response.write(`${JSON.stringify(event)}\n`);
  const query = state.url?.searchParams;
  const dryRun = query?.get("dryRun") === "true";
  response.writeHead(200, { "content-type": "application/x-ndjson" }).flushHeaders();
  let line = 0;
  let rejected = 0;
  request.on("error", () => undefined);
  const lines = createInterface({ input: request, crlfDelay: Infinity });
  lines.on("error", () => undefined);
  for await (const text of lines) {
    line++;
    if (line === breakAfter) {
      request.socket.destroy();
      return;
    }
    if (line === failAfter) {
      response.write(
        `${JSON.stringify({ event: "failed", problem: { type: "urn:firebreak:problem:removes-too-many", title: "T", status: 409, detail: "It would remove 400.", instance: "req-5" } })}\n`,
      );
      // As workerd does for a while: read on, so that the answer is not lost to a reset.
      request.resume().once("close", () => response.end());
      return;
    }
    if (text.trim() === "") continue;
    const { account, cohort } = JSON.parse(text) as { account: string; cohort: string };
    if (cohort === "bad") {
      rejected++;
      send({ event: "rejected", line, account, reason: "cohort: there is no cohort bad" });
    } else {
      state.accounts.push(account);
      if (dryRun) send({ event: "diff", account, change: "added", fields: ["cohort"] });
    }
    if (line % 2000 === 0) {
      send({ event: "progress", lines: line, added: state.accounts.length, changed: 0, unchanged: 0 });
      if (!request.readableEnded) state.answeredBeforeEnd = true;
    }
  }
  const mode = query?.get("mode") === "sync" ? "sync" : "import";
  const counts = {
    lines: state.accounts.length + rejected,
    rejected,
    added: state.accounts.length,
    changed: 0,
    unchanged: 0,
    removed: 0,
  };
  send({
    event: "done",
    summary: {
      id: query?.get("id") ?? "",
      mode,
      dryRun,
      ...counts,
      digest: "d",
      visibleBy: "2026-11-28T22:06:00Z",
    },
  });
  response.end();
}

const cli = (argv: readonly string[]): Promise<CliRun> =>
  spawnCli(["accounts", ...argv], { env: { FIREBREAK_URL: api?.url ?? "" } });

/** `lines` accounts; every one whose number divides by `badEvery` is rejected by the server. */
async function accountsFile(
  name: string,
  { lines, badEvery }: { lines: number; badEvery: number },
): Promise<string> {
  const file = join(folder, name);
  const handle = await open(file, "w");
  for (let number = 1; number <= lines; number++) {
    const cohort = number % badEvery === 0 ? "bad" : "general";
    await handle.write(
      `${JSON.stringify({ account: `a${number}`, timeZone: "Europe/Paris", cohort, labels: { number: String(number) } })}\n`,
    );
  }
  await handle.close();
  return file;
}

describe("accounts import", () => {
  it("streams 50,000 lines while the answer comes, lists the first rejects, keeps all of them and exits 1", async ({
    expect,
  }) => {
    const state = await importServer();
    const file = await accountsFile("big.ndjson", { lines: 50_000, badEvery: 1000 });
    const rejects = join(folder, "rejects.ndjson");
    const { code, out, err } = await cli(["import", file, "--rejects", rejects]);
    expect(code).toBe(1);
    expect(state.accounts).toHaveLength(49_950);
    expect(state.answeredBeforeEnd).toBe(true);
    expect(state.contentType).toBe("application/x-ndjson");
    expect(Object.fromEntries(state.url?.searchParams ?? [])).toEqual({
      mode: "import",
      dryRun: "false",
      id: expect.stringMatching(/^import-[0-9a-f]{24}-[0-9a-f]{8}$/) as string,
    });
    expect(out).toMatch(/^lines\s+50,000$/m);
    expect(out).toMatch(/^added\s+49,950$/m);
    expect(err).toContain("50 lines were rejected; all others were taken");
    expect(err).toMatch(/^\s+20000\s+a20000\s+cohort: there is no cohort bad$/m);
    expect(err).not.toContain("a21000");
    expect(err).toContain(`… and 30 more (all are in ${rejects})`);
    const kept = (await readFile(rejects, "utf8")).trimEnd().split("\n");
    expect(kept).toHaveLength(50);
    expect(JSON.parse(kept[49] ?? "")).toEqual({
      line: 50_000,
      account: "a50000",
      reason: "cohort: there is no cohort bad",
    });
  });

  it("gives programs every event as a line and nothing else, and the problem on standard error", async ({
    expect,
  }) => {
    await importServer();
    const { code, out, err } = await cli([
      "import",
      await accountsFile("json.ndjson", { lines: 4000, badEvery: 2000 }),
      "--json",
    ]);
    expect(code).toBe(1);
    const events = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as ImportEvent);
    expect(events.map(({ event }) => event)).toEqual([
      "rejected",
      "progress",
      "rejected",
      "progress",
      "done",
    ]);
    expect(JSON.parse(err)).toMatchObject({ type: "urn:firebreak:cli:rejected-lines" });
  });

  it("names the file by its digest and every run anew, because a finished id answers without doing anything", async ({
    expect,
  }) => {
    const file = await accountsFile("same.ndjson", { lines: 3, badEvery: 10 });
    const ids: string[] = [];
    for (const argv of [
      ["import", file],
      ["import", file],
      ["import", file, "--dry-run"],
      ["import", file, "--id", "mine"],
    ]) {
      const state = await importServer();
      expect((await runCli(["accounts", ...argv], { env: { FIREBREAK_URL: api?.url ?? "" } })).code).toBe(0);
      ids.push(state.url?.searchParams.get("id") ?? "");
      await api?.stop();
    }
    const [first = "", second = "", dry = "", mine] = ids;
    expect(second).not.toBe(first);
    expect(second.slice(0, -8)).toBe(first.slice(0, -8));
    expect(dry.slice(0, -8)).toBe(first.slice(0, -8).replace("import-", "import-dry-"));
    expect(mine).toBe("mine");
  });

  it("shows the differences of a dry run", async ({ expect }) => {
    const state = await importServer();
    const { code, out } = await cli([
      "sync",
      await accountsFile("dry.ndjson", { lines: 60, badEvery: 100 }),
      "--dry-run",
      "--expect-removed",
      "3",
    ]);
    expect(code).toBe(0);
    expect(Object.fromEntries(state.url?.searchParams ?? [])).toMatchObject({
      mode: "sync",
      dryRun: "true",
      expectRemoved: "3",
    });
    expect(out).toMatch(/^CHANGE\s+ACCOUNT\s+FIELDS\nadded\s+a1\s+cohort$/m);
    expect(out).toContain("… and 10 more (--json shows all)");
    expect(out).toContain("Dry run of the sync: nothing was changed.");
    expect(out).toMatch(/^would be added\s+60$/m);
  });

  it("reads CSV, and names rejected rows by their line in the file", async ({ expect }) => {
    const state = await importServer();
    const file = join(folder, "accounts.csv");
    await writeFile(
      file,
      "account,timeZone,cohort,labels\r\na,UTC,general,x=1\r\n\r\nb,UTC,bad,\r\nc,UTC,general,\r\n",
    );
    const { code, err } = await cli(["import", file]);
    expect(code).toBe(1);
    expect(state.accounts).toEqual(["a", "c"]);
    expect(err).toMatch(/^\s+4\s+b\s+cohort/m);
  });

  it("reads standard input", async ({ expect }) => {
    const state = await importServer();
    const line = '{"account":"acme","timeZone":"UTC","cohort":"general"}\n';
    const run = await spawnCli(["accounts", "import", "-"], {
      env: { FIREBREAK_URL: api?.url ?? "" },
      input: line,
    });
    expect([run.code, state.accounts]).toEqual([0, ["acme"]]);
  });
});

describe("imports that do not go through", () => {
  it("say that a repeat goes on when the connection breaks in the middle", async ({ expect }) => {
    await importServer({ breakAfter: 30_000 });
    const { code, err } = await cli([
      "import",
      await accountsFile("break.ndjson", { lines: 60_000, badEvery: 100_000 }),
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(/The import did not finish/);
    expect(err).toMatch(/Run the same command again with --id import-[0-9a-f]{24}-[0-9a-f]{8}:/);
  });

  it("show the problem when the server gives up in the middle, though most of the file was never read", async ({
    expect,
  }) => {
    await importServer({ failAfter: 10 });
    const { code, err } = await cli([
      "sync",
      await accountsFile("fail.ndjson", { lines: 60_000, badEvery: 100_000 }),
    ]);
    expect(code).toBe(1);
    expect(err).toContain("It would remove 400.");
    expect(err).toContain("--expect-removed");
    expect(err).toContain("Request req-5");
  });

  it("show the refusal of a server that does not read the body at all", async ({ expect }) => {
    api = await startFakeApi({
      stream: (request, response) => {
        response.writeHead(401, { "content-type": "application/problem+json", connection: "close" });
        response.end(
          JSON.stringify({
            type: "urn:firebreak:problem:unauthorized",
            title: "A valid token is needed",
            status: 401,
            detail: "No.",
          }),
        );
        response.on("finish", () => request.destroy());
        return true;
      },
    });
    const { code, err } = await cli([
      "import",
      await accountsFile("refused.ndjson", { lines: 60_000, badEvery: 100_000 }),
    ]);
    expect(code).toBe(1);
    expect(err).toContain("A valid token is needed");
  });

  it("name the fault of a CSV file that breaks off half-way, and not the connection", async ({ expect }) => {
    await importServer();
    const file = join(folder, "broken.csv");
    const rows = Array.from({ length: 30_000 }, (_, index) => `a${index},UTC,general\n`).join("");
    await writeFile(file, `account,timeZone,cohort\n${rows}z,"UTC,general\n`);
    const { code, err } = await cli(["sync", file]);
    expect(code).toBe(1);
    expect(err).toContain("The file is no CSV");
    expect(err).toMatch(/Quote Not Closed/);
  });

  it("say when there is no such file", async ({ expect }) => {
    const { code, err } = await runCli(["accounts", "import", join(folder, "none.ndjson")]);
    expect([code, err]).toEqual([1, expect.stringContaining("There is no such file") as string]);
  });
});
