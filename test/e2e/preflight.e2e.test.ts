/**
 * Preflight and the calendar on a real local instance, by the command line alone: kiln 2.9.0 (the incident's bug) is
 * stopped with the bytes sent and received, 2.9.1 passes, and the default moves accordingly.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Instance } from "../../scripts/local/instance.ts";
import { PreflightSchema, type PreflightView } from "../../src/contracts/api/preflight-runs.ts";
import { StoredWindowSchema } from "../../src/contracts/api/calendar.ts";
import { runCli, type CliRun } from "../support/cli.ts";
import { startTestInstance } from "../support/local-instance.ts";

const HOSTLESS = "OPTIONS / HTTP/1.0\\r\\n\n\\r\\n\n";

let instance: Instance;
let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "firebreak-preflight-"));
  instance = await startTestInstance({ nodes: 1 });
});
afterAll(async () => {
  await instance?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function cli(...argv: string[]): Promise<CliRun> {
  return runCli(argv, {
    env: { FIREBREAK_URL: `http://localhost:${instance.ports[0]}`, FIREBREAK_TOKEN: "dev" },
  });
}

async function preflight(...argv: string[]): Promise<{ code: number; view: PreflightView }> {
  const { code, out, err } = await cli("preflight", ...argv, "--json");
  if (out === "") throw new Error(err);
  return { code, view: PreflightSchema.parse(JSON.parse(out)) };
}

async function defaultOf(product: string): Promise<unknown> {
  const { default: version }: { default: unknown } = JSON.parse(
    (await cli("default", "show", product, "--json")).out,
  );
  return version;
}

describe("preflight on a local instance", () => {
  it("refuses the default while nothing has tried the version", async ({ expect }) => {
    const { code, err } = await cli("default", "promote", "kiln", "2.9.1", "--reason", "x");
    expect(code).toBe(1);
    expect(err).toContain("nothing has tried it");
    expect(err).toContain("preflight-missing");
  });

  it("stops kiln 2.9.0, naming the hostless OPTIONS and the unknown account with their bytes", async ({
    expect,
  }) => {
    const { code, view } = await preflight("kiln", "2.9.0");
    expect(code).toBe(1);
    expect(view.wave.verdict).toBe("fail");
    expect(view.wave.failed).toEqual(expect.arrayContaining(["options-hostless", "unknown-account"]));
    const evidence = (id: string) => view.results.find((result) => result.id === id)?.evidence;
    expect(evidence("options-hostless")).toMatchObject({ sent: HOSTLESS, status: 500, from: "control" });
    expect(evidence("options-hostless")?.received).toContain("HTTP/1.1 500 Internal Server Error\\r\\n");
    expect(evidence("unknown-account")?.sent).toContain(
      "X-Forwarded-Host: firebreak-preflight-no-such-account.kiln.localhost",
    );
    expect(evidence("unknown-account")?.received).toContain("500: no such account");

    const shown = await cli("preflight", "show", "kiln", "2.9.0");
    expect(shown.code).toBe(1);
    expect(shown.out).toMatch(/for accounts +FAIL: Of \d+ probes \d+ failed: options-hostless/);
    expect(shown.out).toMatch(/^options-hostless +fail +OPTIONS \/ HTTP\/1\.0 without Host: answered 500/m);
    expect(shown.out).toMatch(/^2 probes passed /m);
    const all = await cli("preflight", "show", "kiln", "2.9.0", "--all");
    expect(all.out).toContain("options-hostless fail: OPTIONS / HTTP/1.0 without Host: answered 500");
    expect(all.out).toContain("    OPTIONS / HTTP/1.0\\r\\n\n");
    expect(all.out).toContain("    HTTP/1.1 500 Internal Server Error\\r\\n\n");
  });

  it("refuses the default to 2.9.0 with these names, waived or not, and forces it with a reason", async ({
    expect,
  }) => {
    const refused = async (): Promise<void> => {
      const { code, err } = await cli("default", "promote", "kiln", "2.9.0", "--reason", "x");
      expect(code).toBe(1);
      expect(err).toMatch(/failed: options-hostless, .*unknown-account/);
      expect(err).toContain("firebreak -- preflight kiln 2.9.0 --for default");
    };
    await refused();
    const { view } = await preflight("show", "kiln", "2.9.0");
    for (const probe of view.wave.failed)
      await cli("preflight", "waive", "kiln", "2.9.0", probe, "--reason", "drill");
    expect(await preflight("show", "kiln", "2.9.0")).toMatchObject({ code: 0 });
    expect(await preflight("show", "kiln", "2.9.0", "--for", "default")).toMatchObject({ code: 1 });
    await refused();
    const probe = "options-hostless";
    expect((await cli("preflight", "unwaive", "kiln", "2.9.0", probe, "--reason", "no")).out).toContain(
      "FAIL",
    );
    expect((await cli("default", "promote", "kiln", "2.9.0", "--reason", "drill", "--force")).code).toBe(0);
    expect(await defaultOf("kiln")).toBe("2.9.0");
    expect((await cli("default", "promote", "kiln", "2.8.0", "--reason", "back", "--force")).code).toBe(0);
  });

  it("passes 2.9.1, after which the default moves to it", async ({ expect }) => {
    const { code, view } = await preflight("kiln", "2.9.1", "--for", "default");
    expect([code, view.default.verdict, view.default.failed]).toEqual([0, "pass", []]);
    expect(view.uncovered).toEqual([]);
    expect((await cli("default", "promote", "kiln", "2.9.1", "--reason", "preflight passed")).code).toBe(0);
    expect(await defaultOf("kiln")).toBe("2.9.1");
    const audit = await cli("audit", "list", "--target", "version/kiln/2.9.1");
    expect(audit.out).toContain("preflight.run");
  });

  it("covers known accounts only with a synthetic one, and makes older runs stale when it changes", async ({
    expect,
  }) => {
    expect((await cli("preflight", "settings", "kiln", "--synthetic", "none")).code).toBe(0);
    expect((await preflight("kiln", "2.9.1")).view.uncovered).toEqual(["known"]);
    const set = await cli("preflight", "settings", "kiln", "--synthetic", "acme", "--presets", "haproxy,nlb");
    expect([set.code, set.err]).toEqual([0, ""]);
    expect((await preflight("show", "kiln", "2.9.1")).view.runs).toMatchObject([{ stale: true }]);
    const { view } = await preflight("kiln", "2.9.1");
    expect(view.uncovered).toEqual([]);
    expect(view.results.map(({ id }) => id)).toEqual(expect.arrayContaining(["known-account", "get-ip-aws"]));
  });

  it("runs from here as well, recorded as such, and turns nothing round", async ({ expect }) => {
    const here = await preflight("fogbugz", "8.8.0", "--from", "here");
    expect(here.code).toBe(0);
    expect(here.view.runs).toMatchObject([{ from: "here", by: "dev" }]);
    expect(here.view.results.every(({ evidence }) => evidence.from === "here")).toBe(true);
    await preflight("kiln", "2.9.0");
    const well = instance.origin("kiln", "2.9.1").url;
    const elsewhere = await preflight("kiln", "2.9.0", "--from", "here", "--origin", well);
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.view.runs.map(({ from, via }) => [from, via])).toEqual([
      ["here", well],
      ["control", null],
    ]);
  });

  it("does not pass a version that cannot be reached", async ({ expect }) => {
    await instance.origin("fogbugz", "8.8.0").stop();
    const { code, view } = await preflight("fogbugz", "8.8.0");
    expect(code).toBe(0); // What was heard from here a moment ago still counts where the control plane hears nothing.
    expect(view.results.every(({ evidence }) => evidence.from === "here")).toBe(true);
    const probe = "options-hostless";
    const { out } = await cli(
      "preflight",
      "waive",
      "fogbugz",
      "8.8.0",
      probe,
      "--reason",
      "x",
      "--for",
      "default",
    );
    expect(out).toContain("options-hostless for the default: x");
  });
});

describe("windows and freezes on a local instance", () => {
  it("are put from flags or a file, and answered with the next openings", async ({ expect }) => {
    const flags = [
      "--days",
      "fri,sat",
      "--nth",
      "2-tue",
      "--from",
      "22:00",
      "--to",
      "04:00",
      "--zone",
      "Asia/Kathmandu",
    ];
    const put = await cli("window", "put", "nights", ...flags);
    expect([put.code, put.err]).toEqual([0, ""]);
    expect(put.out).toContain("fri, sat, 2 tue of the month 22:00-04:00, Asia/Kathmandu");
    expect(put.out.match(/T22:00:00\+05:45 .*T16:15:00Z/g)).toHaveLength(3);

    const shown = await cli("window", "show", "nights", "--json");
    const before = StoredWindowSchema.parse(JSON.parse(shown.out));

    const file = join(folder, "windows.json");
    writeFileSync(file, JSON.stringify([{ from: "01:00", to: "05:00", zone: "account" }]));
    const { out } = await cli("window", "put", "nights", "--file", file, "--json");
    expect(StoredWindowSchema.parse(JSON.parse(out))).toMatchObject({
      revision: before.revision + 1,
      windows: [{ from: "01:00" }],
    });
    expect((await cli("window", "put", "nights", "--file", file, "--dry-run")).out).toContain(
      "Nothing would change",
    );
    expect((await cli("window", "list")).out).toMatch(
      /nights +every day 01:00-05:00, each account's own time/,
    );
    expect((await cli("window", "delete", "nights", "--reason", "r")).out).toBe("Deleted window nights.\n");
    expect((await cli("window", "show", "nights")).err).toContain("no window nights");
  });

  it("freeze a scope", async ({ expect }) => {
    const argv = ["--from", "2036-12-20", "--to", "2037-01-03", "--label", "tier=gold", "--products", "kiln"];
    const put = await cli(
      "freeze",
      "put",
      "year-end",
      ...argv,
      "--zone",
      "Europe/Paris",
      "--reason",
      "close",
    );
    expect([put.code, put.err]).toEqual([0, ""]);
    expect(put.out).toMatch(/covers +kiln; tier=gold\n/);
    expect(put.out).toContain("2036-12-19T23:00:00Z to 2037-01-03T23:00:00Z (UTC)");
    expect((await cli("freeze", "list")).out).toMatch(/year-end +ahead/);
    expect((await cli("freeze", "delete", "year-end", "--reason", "r")).code).toBe(0);
  });
});
