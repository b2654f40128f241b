/**
 * Taking accounts over from today's fleet: how lines of its map are read, what `accounts import --from` does with a real
 * control plane, and what `compare` finds. Nobody may move by any of it.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { placeAccount, readMapLine } from "../../../scripts/cli/adoption/haproxy-map.ts";
import { runCli } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld, settle, type World } from "../../support/control-world.ts";
import { product, published, rollout, row } from "../../support/maps-builders.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

const KILN = { product: "kiln", domains: ["kiln.example.com"], backends: new Map<string, string>() };
const read = (line: string): ReturnType<typeof readMapLine> =>
  readMapLine(line, (key) => placeAccount(key, KILN));
const MAP_FLAGS = "--product kiln --backend be_kiln_2_8_0=2.8.0 --backend be_kiln_2_9_0=2.9.0";

describe("a line of a HAProxy map", () => {
  it.for([
    ["acme.kiln.example.com be_kiln_2_8_0", "acme", "be_kiln_2_8_0"],
    ["  ACME.Kiln.Example.com\tbe_x  ", "acme", "be_x"],
    ["acme be_x", "acme", "be_x"],
    ["acme.kiln.example.com:443 be_x", "acme", "be_x"],
    ["acme.kiln.example.com. be_x", "acme", "be_x"],
    // HAProxy has no comments at the end of a line: they belong to the value.
    ["acme be_x # the old one", "acme", "be_x # the old one"],
  ] as const)("%j is an account", ([line, account, backend], { expect }) => {
    expect(read(line)).toEqual({ kind: "entry", account, backend });
  });

  it.for(["", "   ", "# acme.kiln.example.com be_x", "\t#"])("%j is nothing", (line, { expect }) => {
    expect(read(line)).toEqual({ kind: "blank" });
  });

  it.for([
    [".kiln.example.com be_x", /whole domain \(map_dom/],
    ["*.kiln.example.com be_x", /whole domain/],
    ["^acme[0-9]+\\. be_x", /expression \(map_reg\)/],
    ["acme.kiln.example.com/api be_x", /prefix or a path \(map_beg/],
    ["acme. be_x", /prefix or a path/],
    ["use_backend %[req.hdr(host),lower,map_dom(/etc/haproxy/hosts.map,be_x)]", /line of a configuration/],
    ["acme.kiln.example.com", /no backend/],
    ["kiln.example.com be_x", /base domain of kiln, no account/],
    ["a.b.kiln.example.com be_x", /more than one label/],
    ["www.acme.example be_x", /no base domain of kiln .*custom domains/],
    ["xn--acme-9na be_x", /no account slug/],
    ["ac_me.kiln.example.com be_x", /no host name/],
    ["10.0.0.1 be_x", /no host name/],
  ] as const)("%j is told with the reason", ([line, reason], { expect }) => {
    const found = read(line);
    expect(found.kind === "unreadable" ? found.reason : found).toMatch(reason);
  });
});

let folder = "";
let world: World;
let api: RealAdmin;

async function save(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-adoption-"));
  world = createWorld({ db: createMemoryDb() });
  api = await startRealAdmin(world);
  const origin = (version: string): string => `https://v-${version.replaceAll(".", "-")}.origins.example.net`;
  for (const line of [
    "product put kiln --domain kiln.example.com",
    "product put fogbugz --domain fogbugz.example.com",
    ...["2.8.0", "2.9.0", "2.9.1"].map(
      (version) => `version register kiln ${version} --origin ${origin(version)}`,
    ),
    'version state kiln 2.9.0 candidate --reason "test"',
    'version state kiln 2.9.0 live --reason "test"',
    `version register fogbugz 8.8.0 --origin ${origin("8.8.0")}`,
    "accounts put known --time-zone Europe/Paris --cohort early --label tier=gold --products fogbugz",
    "accounts put settled --time-zone Europe/Paris --cohort early",
  ]) {
    const { code, err } = await api.cli(line);
    if (code !== 0) throw new Error(`${line}: ${err}`);
  }
  await settle(world);
});
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("accounts import --from haproxy-map", () => {
  const MAP = [
    "# today's fleet",
    "acme.kiln.example.com be_kiln_2_9_0",
    "",
    "beta be_kiln_2_8_0",
    "known.kiln.example.com be_kiln_2_9_0",
    "settled.kiln.example.com be_kiln_2_9_0",
    ".kiln.example.com be_kiln_2_8_0",
    "gamma be_old",
    "acme be_kiln_2_8_0",
    "beta.kiln.example.com be_kiln_2_8_0",
  ].join("\r\n");

  it("shows in a dry run what would come, by version and line, and changes nothing", async ({ expect }) => {
    const file = await save("hosts.map", MAP);
    const { code, out, err } = await api.cli(
      `accounts import ${file} --from haproxy-map ${MAP_FLAGS} --dry-run`,
    );
    expect(code).toBe(1);
    expect(out).toMatch(/^2\.9\.0\s+2$/m);
    expect(out).toMatch(/^2\.8\.0\s+1$/m);
    expect(out).toMatch(/^\s*2\s+acme\s+2\.9\.0$/m);
    expect(out).toContain("1 name is on be_old, which no --backend gives a version.");
    expect(err).toMatch(/^\s+6\s+settled\s+.*the account's home of kiln is 2\.8\.0, not 2\.9\.0/m);
    expect(err).toMatch(/^\s+7\s+\.kiln\.example\.com\s+is for a whole domain/m);
    expect(err).toMatch(/^\s+8\s+gamma\s+is on be_old, and no --backend/m);
    expect(err).toMatch(/^\s+9\s+acme\s+stands on an earlier line already, with be_kiln_2_9_0/m);
    expect((await api.cli("accounts show acme")).code).toBe(1);
  });

  it("gives new accounts the version of the map, known ones a missing product, and moves nobody", async ({
    expect,
  }) => {
    const file = await save("hosts.map", MAP);
    const line = `accounts import ${file} --from haproxy-map ${MAP_FLAGS} --time-zone America/New_York --cohort adopted`;
    expect((await api.cli(line)).code).toBe(1);
    const show = async (account: string): Promise<unknown> =>
      JSON.parse((await api.cli(`accounts show ${account} --json`)).out);
    expect(await show("acme")).toMatchObject({
      homes: { kiln: "2.9.0" },
      timeZone: "America/New_York",
      cohort: "adopted",
    });
    expect(await show("beta")).toMatchObject({ homes: { kiln: "2.8.0" } });
    // What the system of record said of it stays as it was.
    expect(await show("known")).toMatchObject({
      homes: { fogbugz: "8.8.0", kiln: "2.9.0" },
      timeZone: "Europe/Paris",
      cohort: "early",
      labels: { tier: "gold" },
    });
    expect(await show("settled")).toMatchObject({ homes: { kiln: "2.8.0", fogbugz: "8.8.0" } });
    const audit: unknown = JSON.parse((await api.cli("audit list --limit 1 --json")).out);
    expect(audit).toMatchObject({
      items: [
        {
          action: "accounts.adopt",
          detail: { added: 2, changed: 1, rejected: 4, homes: { kiln: { "2.9.0": 2, "2.8.0": 1 } } },
        },
      ],
    });
  });

  it("does nothing when it comes again, whatever zone and cohort it names", async ({ expect }) => {
    const file = await save("again.map", "acme be_kiln_2_9_0\nbeta be_kiln_2_8_0\n");
    const line = `accounts import ${file} --from haproxy-map ${MAP_FLAGS} --cohort other --json`;
    const { code, out } = await api.cli(line);
    expect(code).toBe(0);
    expect(JSON.parse(out.trim().split("\n").at(-1) ?? "")).toMatchObject({
      summary: { mode: "adopt", added: 0, changed: 0, unchanged: 2 },
    });
  });

  it("never moves a known account, whatever the map says", async ({ expect }) => {
    const file = await save("move.map", "acme be_kiln_2_8_0\n");
    const { code, err } = await api.cli(`accounts import ${file} --from haproxy-map ${MAP_FLAGS}`);
    expect(code).toBe(1);
    expect(err).toContain("the account's home of kiln is 2.9.0, not 2.8.0");
  });

  it("is refused before anything is sent when a version serves nobody", async ({ expect }) => {
    const file = await save("hosts.map", MAP);
    const flags = "--product kiln --backend be_a=2.9.1 --backend be_b=3.0.0";
    const { code, err } = await api.cli(`accounts import ${file} --from haproxy-map ${flags}`);
    expect(code).toBe(1);
    expect(err).toMatch(/Of kiln: 2\.9\.1 is registered, 3\.0\.0 is not registered/);
  });

  it.for([
    ["--from haproxy-map", /--product/],
    ["--from haproxy-map --product kiln", /--backend/],
    ["--product kiln", /--product goes with --from/],
    ["--from csv --product kiln --format csv", /leave --format out/],
    ["--from haproxy-map --product kiln --backend a=1 --backend a=2", /two versions/],
  ] as const)("is told how to be called: %s", async ([flags, says], { expect }) => {
    const { code, err } = await api.cli(`accounts import ${await save("hosts.map", MAP)} ${flags}`);
    expect(code).toBe(2);
    expect(err).toMatch(says);
  });
});

describe("accounts import --from csv", () => {
  it("takes version or backend, what the row says besides, and lists bad rows", async ({ expect }) => {
    const csv = [
      "account,backend,cohort,labels,version",
      "csv-one.kiln.example.com,be_kiln_2_8_0,early,tier=gold,",
      "csv-two,,,,2.9.0",
      "csv-three,,,,",
      "www.acme.example,be_kiln_2_8_0,,,",
      "csv-four,be_kiln_2_8_0",
    ].join("\n");
    const file = await save("fleet.csv", csv);
    const { code, err } = await api.cli(`accounts import ${file} --from csv ${MAP_FLAGS}`);
    expect(code).toBe(1);
    expect(err).toMatch(/^\s+4\s+csv-three\s+has neither a version nor a backend/m);
    expect(err).toMatch(/^\s+5\s+www\.acme\.example\s+lies under no base domain/m);
    expect(err).toMatch(/^\s+6\s+csv-four\s+.*the row has 2 cells, the header 5/m);
    const show = async (account: string): Promise<unknown> =>
      JSON.parse((await api.cli(`accounts show ${account} --json`)).out);
    expect(await show("csv-one")).toMatchObject({
      homes: { kiln: "2.8.0" },
      cohort: "early",
      timeZone: "UTC",
      labels: { tier: "gold" },
    });
    expect(await show("csv-two")).toMatchObject({ homes: { kiln: "2.9.0" }, cohort: "general" });
  });
});

describe("compare", () => {
  const rows = [
    row({ slug: "acme", homes: { kiln: "2.8.0" } }),
    row({ slug: "pinned", homes: { kiln: "2.8.0" }, pins: { kiln: "2.7.0" } }),
    row({ slug: "moved", homes: { kiln: "2.8.0" }, group: 0 }),
    row({ slug: "held", homes: { kiln: "2.8.0" }, hold: { mode: "page", message: null, until: null } }),
    row({ slug: "other", homes: { fogbugz: "2.8.0" } }),
    row({ key: "www.acme.example", slug: "acme", product: "kiln", homes: { kiln: "2.8.0" } }),
  ];
  const dump = async (): Promise<string> => {
    const partial = { products: { kiln: product("kiln") }, rollouts: [rollout({ moved: [10_000] })] };
    const lines = [...published(partial, rows).entries].map(([key, value]) => JSON.stringify({ key, value }));
    return save("maps.ndjson", `${lines.join("\n")}\n`);
  };
  const flags = "--product kiln --backend old=2.8.0 --backend new=2.9.0";

  it("agrees with exit 0 where the map says what the maps decide", async ({ expect }) => {
    const map = await save(
      "good.map",
      "acme old\nmoved new\nnobody old\nwww.acme.example old\nkiln.example.com old\n",
    );
    const { code, out, err } = await runCli(
      `compare ${map} ${flags} --maps ${await dump()} --json`.split(" "),
    );
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ compared: 5, agree: 5, disagreements: [], absent: 2 });
  });

  it("lists every name that would get something else, with the reason, and exits 1", async ({ expect }) => {
    const map = await save(
      "bad.map",
      "pinned old\nmoved old\nheld old\nother new\nshop.example old\n.x old\nacme lost\n",
    );
    const { code, out } = await runCli(`compare ${map} ${flags} --maps ${await dump()}`.split(" "));
    expect(code).toBe(1);
    expect(out).toMatch(/^\s*1\s+pinned\s+2\.8\.0\s+2\.7\.0\s+pin$/m);
    expect(out).toMatch(/^\s*2\s+moved\s+2\.8\.0\s+2\.9\.0\s+rollout$/m);
    expect(out).toMatch(/^\s*3\s+held\s+2\.8\.0\s+held\s+hold$/m);
    expect(out).toMatch(/^\s*4\s+other\s+2\.9\.0\s+2\.8\.0\s+no account here: default/m);
    expect(out).toMatch(/^\s*5\s+shop\.example\s+2\.8\.0\s+not served/m);
    expect(out).toMatch(/^\s*6\s+\.x\s+is for a whole domain/m);
    expect(out).toContain("1 name is on lost, which no --backend gives a version.");
    expect(out).toMatch(/^differ\s+5$/m);
  });

  it("compares accounts that the map lacks with its default backend", async ({ expect }) => {
    const map = await save("short.map", "acme old\n");
    const line = `compare ${map} ${flags} --default-backend old --maps ${await dump()}`;
    const { code, out } = await runCli(line.split(" "));
    expect(code).toBe(1);
    expect(out).toMatch(/^pinned\s+2\.8\.0\s+2\.7\.0\s+pin$|–\s+pinned/m);
    expect(out).toMatch(/^accounts not in the map\s+0$/m);
  });

  it("decides by the published maps when no dump is named", async ({ expect }) => {
    await settle(world);
    const map = await save("live.map", "acme be_kiln_2_9_0\nbeta be_kiln_2_8_0\nunknown be_kiln_2_8_0\n");
    const { code, out } = await api.cli(`compare ${map} ${MAP_FLAGS}`);
    expect([code, out]).toEqual([0, expect.stringMatching(/^agree\s+3$/m)]);
  });
});
