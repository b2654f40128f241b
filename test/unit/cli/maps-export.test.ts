/** Exported maps as text: what becomes of origins by TLS, cells, bindings, break-glass, and of words that need care. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { createRoutingTable, HELD, UNRESOLVED } from "../../../scripts/cli/leaving/routing-table.ts";
import { openMaps } from "../../../scripts/cli/maps-dump.ts";
import type { AccountRow, BreakGlass, Root } from "../../../src/contracts/maps.ts";
import { runCli } from "../../support/cli.ts";
import { breakGlass, product, published, row } from "../../support/maps-builders.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-leaving-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const live = (origin: string): { origin: string; state: "live" } => ({ origin, state: "live" });
const VERSIONS = {
  "2.8.0": live("https://{cell}.origins.example.net:8443"),
  "2.8.0+fix": live("http://fix.origins.example.net"),
  "2.8.0-fix": live("https://other.origins.example.net"),
  "2.9.0": live("binding:NEW"),
};
const PRODUCTS: Root["products"] = {
  kiln: product("kiln", { versions: VERSIONS, default: "2.8.0-fix", stable: "2.8.0", standby: "2.9.0" }),
};
const READ = { mode: "readOnly", message: null, until: null } as const;
const ROWS: readonly AccountRow[] = [
  row({ slug: "eu", homes: { kiln: "2.8.0" }, cell: "eu1" }),
  row({ slug: "us", homes: { kiln: "2.8.0" }, cell: "us1" }),
  row({ slug: "lost", homes: { kiln: "2.8.0" } }),
  row({ slug: "plus", homes: { kiln: "2.8.0+fix" } }),
  row({ slug: "bound", homes: { kiln: "2.9.0" } }),
  row({ slug: "reads", homes: { kiln: "2.8.0" }, cell: "eu1", hold: READ }),
];

function tableOf(document: BreakGlass | null = null): ReturnType<typeof createRoutingTable> {
  const { maps } = openMaps(published({ products: PRODUCTS }, ROWS).entries);
  if (maps === null) throw new Error("the maps of this test are wrong");
  return createRoutingTable({ maps, breakGlass: document });
}

async function exportAs(format: string): Promise<{ config: string; hosts: string; err: string }> {
  const file = join(folder, "maps.ndjson");
  const { entries } = published({ products: PRODUCTS }, ROWS);
  await writeFile(file, [...entries].map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join(""));
  const to = join(folder, format);
  const line = `maps export --format ${format} --maps ${file} --out-dir ${to} --installed-at /etc/firebreak/`;
  const { code, err } = await runCli(line.split(" "));
  if (code !== 0) throw new Error(err);
  const read = (name: string): Promise<string> => readFile(join(to, name), "utf8");
  const config = await read(format === "nginx" ? "firebreak.conf" : "firebreak.cfg");
  return { config, hosts: await read("firebreak-hosts.map"), err };
}

describe("a routing table", () => {
  it("has a backend for each version and cell, and 503 for what only Cloudflare reaches", ({ expect }) => {
    const { hosts, domains, backends, limits } = tableOf();
    expect(Object.fromEntries(hosts)).toEqual({
      "eu.kiln.example.com": "kiln_2.8.0_eu1",
      "us.kiln.example.com": "kiln_2.8.0_us1",
      "lost.kiln.example.com": UNRESOLVED,
      "plus.kiln.example.com": "kiln_2.8.0-fix_2",
      "bound.kiln.example.com": UNRESOLVED,
      "reads.kiln.example.com": "kiln_2.8.0_eu1_readonly",
    });
    expect(Object.fromEntries(domains)).toEqual({ "kiln.example.com": "kiln_2.8.0-fix" });
    expect(backends.map(({ origin }) => origin.host)).toContain("eu1.origins.example.net");
    expect(limits.join("\n")).toMatch(/kiln 2\.9\.0 \(a service binding\)/);
    expect(limits.join("\n")).toMatch(/no standby/);
  });

  it("has break-glass in it, also for names that the maps do not know", ({ expect }) => {
    const { hosts, domains, backends, limits } = tableOf(
      breakGlass({
        accounts: { stranger: { kiln: "2.8.0+fix" }, eu: { kiln: "2.8.0-fix" } },
        hold: { accounts: { us: { mode: "page", message: null, until: null } }, products: {} },
        default: { kiln: "2.8.0+fix" },
      }),
    );
    expect(hosts.get("us.kiln.example.com")).toBe(HELD);
    const versionOf = (host: string): string | undefined =>
      backends.find(({ name }) => name === hosts.get(host))?.version;
    expect(versionOf("eu.kiln.example.com")).toBe("2.8.0-fix");
    expect(versionOf("stranger.kiln.example.com")).toBe("2.8.0+fix");
    expect(hosts.get("stranger.kiln.example.com")).toBe(domains.get("kiln.example.com"));
    expect(limits.join("\n")).toContain("break-glass");
  });
});

describe("maps export", () => {
  it("asks HAProxy to check certificates, and names the files where they will be", async ({ expect }) => {
    const { config, hosts, err } = await exportAs("haproxy");
    expect(config).toContain(
      "server origin eu1.origins.example.net:8443 ssl verify required ca-file @system-ca sni str(eu1.origins.example.net)",
    );
    expect(config).toContain("http-request set-header Host eu1.origins.example.net:8443");
    expect(config).toContain("server origin fix.origins.example.net:80 init-addr");
    expect(config).toContain("map_str(/etc/firebreak/firebreak-hosts.map)");
    expect(hosts).toContain("\neu.kiln.example.com kiln_2.8.0_eu1\n");
    // The same is said in the file and to whoever asked.
    for (const line of err.split("\n").filter((each) => each.startsWith("  - ")))
      expect(config).toContain(`#${line.slice(1)}`);
  });

  it("lets reads through a read-only hold, and neither writes nor WebSockets", async ({ expect }) => {
    const haproxy = await exportAs("haproxy");
    expect(haproxy.config).toContain(
      "unless { method GET HEAD OPTIONS } !{ req.hdr(upgrade) -i websocket }\n",
    );
    const { config } = await exportAs("nginx");
    const [, pattern = "none"] = /"~\*(\^kiln_2[^"]*readonly[^"]*)" 1;/.exec(config) ?? [];
    const isRefused = (rest: string): boolean =>
      new RegExp(pattern, "i").test(`kiln_2.8.0_eu1_readonly ${rest}`);
    expect(["GET ", "HEAD ", "OPTIONS ", "GET h2c"].filter(isRefused)).toEqual([]);
    const refused = ["POST ", "GETS ", "PUT h2c", "GET websocket", "GET WebSocket"];
    expect(refused.filter(isRefused)).toEqual(refused);
  });

  it("does the same for nginx", async ({ expect }) => {
    const { config, hosts } = await exportAs("nginx");
    expect(config).toContain("upstream kiln_2.8.0_eu1 { server eu1.origins.example.net:8443 max_fails=0;");
    expect(config).toContain("kiln_2.8.0_eu1 https://kiln_2.8.0_eu1;");
    expect(config).toContain("kiln_2.8.0_eu1 eu1.origins.example.net;");
    expect(config).toContain("include /etc/firebreak/firebreak-hosts.map;");
    expect(hosts).toContain("\neu.kiln.example.com kiln_2.8.0_eu1;\n");
    expect(hosts).toContain(".kiln.example.com kiln_2.8.0-fix;\n");
  });

  it.for([
    ["--format apache", /haproxy or nginx/],
    ["--format nginx --listen 8080", /\*:8080/],
    ["--format nginx --installed-at relative", /full path/],
    ["--format nginx --installed-at /a;b", /full path/],
  ] as const)("is told how to be called: %s", async ([flags, says], { expect }) => {
    const { code, err } = await runCli(`maps export ${flags}`.split(" "));
    expect(code).toBe(2);
    expect(err).toMatch(says);
  });
});
