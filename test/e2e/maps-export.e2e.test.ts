/**
 * The exit door: what `maps export` writes is loaded by a real HAProxy and a real nginx, which then answer for a few hundred
 * accounts of every kind. Each answer is held against `decideVersion`, and health checks against the table of classes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { findFreePort, findProgram, startServer, type Running } from "../../scripts/bench/world/process.ts";
import type { AccountRow, Root } from "../../src/contracts/maps.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { runCli } from "../support/cli.ts";
import { startOrigin, type FakeOrigin } from "../support/fake-origin.ts";
import { mustSkipHaProxy } from "../support/haproxy.ts";
import { accounts, product, published, rollout, row } from "../support/maps-builders.ts";
import { mustSkipNginx } from "../support/nginx.ts";
import { sendRaw, type RawAnswer } from "../support/raw-http.ts";

const ACCOUNTS = 300;
const PAGE = { mode: "page", message: "words", until: null } as const;
const READ_ONLY = { mode: "readOnly", message: null, until: null } as const;
const VERSIONS = ["2.7.0", "2.8.0", "2.8.1", "2.9.0"];

let folder = "";
let origins = new Map<string, FakeOrigin>();
let root: Root;
const rows: readonly AccountRow[] = [
  ...accounts(ACCOUNTS, (slug, number) => makeRow(slug, number)),
  // Custom domains carry what their account has.
  ...Array.from({ length: 30 }, (_, number) => ({
    ...makeRow(`a${number}`, number),
    key: `www.a${number}.example`,
    product: "kiln",
  })),
];

/** Accounts of every kind, by number: homes, products, groups of a running rollout, pins, quarantine, holds, tombstones. */
function makeRow(slug: string, number: number): AccountRow {
  const kiln = VERSIONS[number % 3] ?? "2.8.0";
  const homes = number % 5 === 4 ? { fogbugz: "2.8.0" } : { kiln, fogbugz: "2.8.0" };
  return row({
    slug,
    key: slug,
    homes: number < 30 ? { kiln, fogbugz: "2.8.0" } : homes,
    group: number % 2,
    deleted: number % 41 === 40,
    pins: number % 13 === 12 ? { kiln: "2.7.0" } : null,
    quarantine: number % 17 === 16 ? { kiln: "2.8.0" } : null,
    hold: number % 19 === 18 ? PAGE : number % 23 === 22 ? READ_ONLY : null,
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-export-"));
  for (const name of ["kiln", "fogbugz"]) {
    for (const version of VERSIONS) {
      const served = `${name} ${version}`;
      const origin = await startOrigin((request, response) => {
        response.setHeader("served-by", served);
        response.end(String(request.headers["x-forwarded-host"]));
      });
      origins = new Map([...origins, [served, origin]]);
    }
  }
  const made = published(
    { products: { kiln: at("kiln"), fogbugz: at("fogbugz") }, rollouts: [moving()] },
    rows,
  );
  root = made.root;
  const lines = [...made.entries].map(([key, value]) => JSON.stringify({ key, value }));
  await writeFile(join(folder, "maps.ndjson"), `${lines.join("\n")}\n`);
});
afterAll(async () => {
  for (const origin of origins.values()) await origin.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Half of group 0 moved, of group 1 a part moved and a part held for its data. */
const moving = (): Root["rollouts"][number] =>
  rollout({ moved: [5000, 2000], held: [5000, 3000], salt: "autumn" });

function at(name: string): Root["products"][string] {
  const versions = Object.fromEntries(
    VERSIONS.map((version) => {
      const origin = origins.get(`${name} ${version}`)?.url ?? "";
      return [
        version,
        {
          origin: version === "2.7.0" && name === "fogbugz" ? "binding:OLD" : origin,
          state: "live" as const,
        },
      ];
    }),
  );
  const replacements = [{ from: "2.8.0", to: "2.8.1", salt: "hotfix", below: 5000 }];
  return product(name, { versions, default: "2.9.0", standby: null, replacements });
}

interface Expected {
  readonly status: number;
  readonly servedBy: string | null;
}

/** What the edge's own decision comes to, in the words of an answer. */
function decided(slug: string | null, name: string, method: string, key = slug): Expected {
  const found = rows.find((one) => one.key === key) ?? null;
  const decision = decideVersion({
    root,
    breakGlass: null,
    product: name,
    slug,
    row: found,
    override: null,
  });
  const forward =
    decision.kind === "hold"
      ? ["GET", "HEAD", "OPTIONS"].includes(method)
        ? decision.forward
        : null
      : decision;
  if (forward === null || forward.kind === "unresolved") return { status: 503, servedBy: null };
  return { status: 200, servedBy: `${name} ${forward.version}` };
}

async function ask(port: number, method: string, host: string): Promise<RawAnswer> {
  const length = method === "POST" ? "Content-Length: 0\r\n" : "";
  const bytes = `${method} /x/y?z=1 HTTP/1.1\r\nHost: ${host}\r\n${length}Firebreak: product=kiln\r\nConnection: close\r\n\r\n`;
  return sendRaw({ port, bytes });
}

async function checkOne(
  expect: ExpectStatic,
  port: number,
  { method, host, expected }: { method: string; host: string; expected: Expected },
): Promise<void> {
  const answer = await ask(port, method, host);
  const got = { status: answer.status, servedBy: answer.header("served-by") };
  expect(got, `${method} ${host}`).toEqual(expected);
  if (expected.status === 503) expect(answer.header("retry-after"), host).not.toBeNull();
  if (got.servedBy !== null && method === "GET") expect(answer.body, host).toBe(host);
}

/** Every account by every name, and those that nobody has. */
function* questions(): Generator<{ method: string; host: string; expected: Expected }> {
  for (const name of ["kiln", "fogbugz"]) {
    for (let number = 0; number < ACCOUNTS; number++) {
      const method = number % 23 === 22 && number % 2 === 0 ? "POST" : "GET";
      const slug = `a${number}`;
      yield { method, host: `${slug}.${name}.example.com`, expected: decided(slug, name, method) };
    }
    for (const host of [`nobody.${name}.example.com`, `${name}.example.com`, `deep.a1.${name}.example.com`])
      yield { method: "GET", host, expected: decided(null, name, "GET") };
    const options = decided("a1", name, "OPTIONS");
    yield { method: "OPTIONS", host: `a1.${name}.example.com`, expected: options };
  }
  for (let number = 0; number < 30; number++) {
    const host = `www.a${number}.example`;
    yield { method: "GET", host, expected: decided(`a${number}`, "kiln", "GET", host) };
  }
  yield { method: "GET", host: "A1.Kiln.Example.Com:8080", expected: decided("a1", "kiln", "GET") };
}

const HEALTH: readonly (readonly [bytes: string, status: number])[] = [
  ["OPTIONS / HTTP/1.0\r\n\r\n", 204],
  ["GET / HTTP/1.0\r\n\r\n", 200],
  ["POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 400],
  ["OPTIONS / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 204],
  ["GET / HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n\r\n", 200],
  ["POST / HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: 0\r\n\r\n", 421],
  ["OPTIONS / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", 204],
  ["GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", 421],
  ["OPTIONS / HTTP/1.1\r\nHost: www.a1.example\r\n\r\n", 204],
  ["OPTIONS / HTTP/1.1\r\nHost: kiln.example.com\r\n\r\n", 204],
  ["GET / HTTP/1.1\r\nHost: a_b.kiln.example.com\r\n\r\n", 400],
];

async function exportFor(format: string, port: number): Promise<{ out: string; err: string; at: string }> {
  const to = join(folder, format);
  const line = `maps export --format ${format} --maps ${join(folder, "maps.ndjson")} --out-dir ${to} --listen 127.0.0.1:${port}`;
  const { code, out, err } = await runCli(line.split(" "));
  if (code !== 0) throw new Error(err);
  return { out, err, at: to };
}

async function checkAll(expect: ExpectStatic, port: number): Promise<number> {
  let asked = 0;
  const all = [...questions()];
  // The world is as mixed as it is meant to be.
  expect(all.filter(({ expected }) => expected.status === 503).length).toBeGreaterThan(20);
  expect(new Set(all.map(({ expected }) => expected.servedBy)).size).toBeGreaterThan(6);
  for (let from = 0; from < all.length; from += 32) {
    await Promise.all(all.slice(from, from + 32).map((question) => checkOne(expect, port, question)));
    asked += Math.min(32, all.length - from);
  }
  for (const [bytes, status] of HEALTH) {
    const answer = await sendRaw({ port, bytes });
    expect(answer.status, JSON.stringify(bytes)).toBe(status);
    if (status === 204) expect(answer.header("allow"), JSON.stringify(bytes)).toBe("GET, HEAD, OPTIONS");
  }
  const cors = await sendRaw({
    port,
    bytes:
      "OPTIONS / HTTP/1.1\r\nHost: www.a1.example\r\nOrigin: https://x.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
  });
  expect(cors.header("served-by")).toBe(decided("a1", "kiln", "OPTIONS", "www.a1.example").servedBy);
  return asked;
}

describe.skipIf(mustSkipHaProxy())("maps export --format haproxy", () => {
  it("is loaded by HAProxy, which answers every name as the maps decide", async ({ expect }) => {
    const port = await findFreePort();
    const { at: to, err } = await exportFor("haproxy", port);
    expect(err).toContain("Nothing moves any more");
    expect(err).toContain("Running rollouts stay where they are: autumn");
    const running = await startServer([findProgram("haproxy"), "-db", "-f", join(to, "firebreak.cfg")], port);
    try {
      expect(await checkAll(expect, port)).toBeGreaterThan(600);
      // HAProxy alone lets both through.
      for (const bytes of [
        "OPTIONS * HTTP/1.1\r\nHost: a1.kiln.example.com\r\n\r\n",
        "OPTIONS / HTTP/1.1\r\n\r\n",
      ])
        expect((await sendRaw({ port, bytes })).status).toBe(204);
      const dropped = origins.get("kiln 2.9.0")?.seen.flatMap(({ rawHeaders }) => rawHeaders) ?? [];
      expect(dropped.filter((name) => /^firebreak/i.test(name))).toEqual([]);
    } finally {
      await running.stop();
    }
  });
});

describe.skipIf(mustSkipNginx())("maps export --format nginx", () => {
  it("is loaded by nginx, which answers every name as the maps decide", async ({ expect }) => {
    const port = await findFreePort();
    const { at: to, err } = await exportFor("nginx", port);
    expect(err).toContain("nginx itself refuses HTTP/1.1 without Host");
    const running = await startNginx(to, port);
    try {
      expect(await checkAll(expect, port)).toBeGreaterThan(600);
    } finally {
      await running.stop();
    }
  });
});

/** nginx around the exported configuration, which is for its http context. */
async function startNginx(exported: string, port: number): Promise<Running> {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const config = `${process.getuid?.() === 0 ? "user root;" : ""} daemon off; worker_processes 1; pid ${folder}/nginx.pid;
    error_log ${folder}/nginx-error.log; events { worker_connections 1024; }
    http { access_log off; ${paths.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
      include ${exported}/firebreak.conf; }`;
  const file = join(folder, "nginx.conf");
  await writeFile(file, config);
  const log = join(folder, "nginx-error.log");
  return startServer([findProgram("nginx"), "-e", log, "-p", folder, "-c", file], port);
}
