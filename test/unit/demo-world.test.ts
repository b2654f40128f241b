/** The demo world of `npm start`: always the same accounts, and servers that are ill exactly as they are told. */
import { afterEach, describe, it } from "vitest";
import { ACME, createDemoAccounts } from "../../scripts/local/demo/accounts.ts";
import { parseDemoRequest, WELL } from "../../scripts/local/demo/faults.ts";
import { startDemoOrigin, type DemoOrigin } from "../../scripts/local/demo/origin.ts";
import { parseNodeAction } from "../../scripts/local/node-actions.ts";
import { parseOptions } from "../../scripts/local/options.ts";
import { request, sendRaw, type RawAnswer } from "../support/raw-http.ts";

describe("createDemoAccounts", () => {
  const accounts = createDemoAccounts();
  const share = (cohort: string): number =>
    accounts.filter((account) => account.cohort === cohort).length / accounts.length;

  it("makes 10,000 accounts with names of their own, the same every time", ({ expect }) => {
    expect(accounts).toHaveLength(10_000);
    expect(new Set(accounts.map(({ account }) => account)).size).toBe(10_000);
    for (const { account } of accounts) expect(account).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
    expect(createDemoAccounts()).toEqual(accounts);
    expect(accounts.slice(1, 3).map(({ account }) => account)).toEqual(["amber-acorn", "amber-anchor"]);
  });

  it("spreads them over cohorts as a company does", ({ expect }) => {
    expect(share("internal")).toBeCloseTo(0.01, 2);
    expect(share("early")).toBeCloseTo(0.09, 2);
    expect(share("general")).toBeCloseTo(0.9, 2);
  });

  it("spreads them over at least 40 zones that exist, the awkward ones among them", ({ expect }) => {
    const zones = new Set(accounts.map(({ timeZone }) => timeZone));
    expect(zones.size).toBeGreaterThanOrEqual(40);
    for (const timeZone of zones) expect(() => new Intl.DateTimeFormat("en", { timeZone })).not.toThrow();
    for (const awkward of ["Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "America/St_Johns"]) {
      expect(zones).toContain(awkward);
    }
  });

  it("has acme with both products and a domain of its own, and a few accounts with one product", ({
    expect,
  }) => {
    expect(accounts.find(({ account }) => account === ACME)).toMatchObject({
      timeZone: "Europe/Paris",
      cohort: "general",
      products: ["kiln", "fogbugz"],
      domains: [{ host: "code.acme.example", product: "kiln" }],
    });
    const single = accounts.filter(({ products }) => products?.length === 1);
    expect(single.length).toBeGreaterThan(5);
    expect(single.length).toBeLessThan(100);
  });
});

describe("a demo origin", () => {
  let origin: DemoOrigin;
  const begin = async (failsWithoutAccount: boolean): Promise<void> => {
    const options = { product: "kiln", version: "2.9.0", port: 0, failsWithoutAccount };
    origin = await startDemoOrigin({ ...options, knows: (account) => account === "acme" });
  };
  const get = (...headers: string[]): Promise<RawAnswer> =>
    sendRaw({ port: origin.port, bytes: request("GET /x HTTP/1.1", ...headers), timeoutMs: 500 });

  afterEach(async () => {
    await origin.stop();
  });

  it("with the incident's bug answers 500 to whatever names no known account, the bare check first", async ({
    expect,
  }) => {
    await begin(true);
    const check = await sendRaw({ port: origin.port, bytes: request("OPTIONS / HTTP/1.0") });
    expect(check.status).toBe(500);
    expect((await get("Host: nobody.kiln.localhost")).status).toBe(500);
    expect((await get("Host: 10.0.0.7")).status).toBe(500);
    expect((await get("Host: acme.kiln.localhost")).status).toBe(200);
    expect((await get("Host: origin", 'Firebreak: product=kiln, account=acme, version="2.9.0"')).status).toBe(
      200,
    );
    expect((await get("Host: acme.kiln.localhost", "Firebreak: product=kiln")).status).toBe(500);
  });

  it("says who it is and echoes what it was asked", async ({ expect }) => {
    await begin(false);
    const answer = await get("Host: acme.kiln.localhost", "X-A: b");
    expect(answer.header("demo-version")).toBe("kiln/2.9.0");
    expect(JSON.parse(answer.body)).toMatchObject({
      method: "GET",
      url: "/x",
      account: "acme",
      headers: { "x-a": "b" },
    });
    expect(origin.recent()).toEqual([
      { method: "GET", url: "/x", host: "acme.kiln.localhost", account: "acme", mirrored: false },
    ]);
  });

  it("counts the copies among its requests, and can be given the incident's bug", async ({ expect }) => {
    await begin(false);
    await get("Host: origin", 'Firebreak: product=kiln, version="2.9.0", mirror, request="r"');
    await get("Host: origin", 'Firebreak: product=kiln, version="2.9.0", request="mirror"');
    expect([origin.received(), origin.mirrored()]).toEqual([2, 1]);
    await origin.setFaults({ ...WELL, failsWithoutAccount: true });
    expect((await get("Host: nobody.kiln.localhost")).status).toBe(500);
    expect((await get("Host: acme.kiln.localhost")).status).toBe(200);
  });

  it("fails the share of requests that it is told, evenly", async ({ expect }) => {
    await begin(false);
    await origin.setFaults({ ...WELL, errorRate: 0.25 });
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) statuses.push((await get("Host: acme.kiln.localhost")).status);
    expect(statuses).toEqual([200, 200, 200, 500, 200, 200, 200, 500]);
  });

  it("is ill for the accounts that it is told, and for no other", async ({ expect }) => {
    await begin(false);
    await origin.setFaults({ ...WELL, hang: true, onlyAccounts: ["acme"] });
    expect((await get("Host: acme.kiln.localhost")).status).toBe(0);
    expect((await get("Host: other.kiln.localhost")).status).toBe(200);
    await origin.setFaults({ ...WELL, reset: true });
    expect((await get("Host: other.kiln.localhost")).status).toBe(0);
  });

  it("closes its port and opens the same one again", async ({ expect }) => {
    await begin(false);
    await origin.setFaults({ ...WELL, refuse: true });
    await expect(get("Host: acme.kiln.localhost")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await origin.setFaults(WELL);
    expect((await get("Host: acme.kiln.localhost")).status).toBe(200);
  });
});

describe("parseDemoRequest", () => {
  it("takes what is named and makes all else well", ({ expect }) => {
    const parsed = parseDemoRequest({
      product: "kiln",
      version: "2.9.1",
      errorRate: 0.05,
      onlyAccounts: ["acme"],
    });
    expect(parsed.faults).toEqual({ ...WELL, errorRate: 0.05, onlyAccounts: ["acme"] });
    expect(parseDemoRequest({ product: "kiln", version: "2.9.1" }).faults).toEqual(WELL);
  });

  it.for([
    { errorrate: 1 },
    { errorRate: 1.1 },
    { latencyMs: -1 },
    { refuse: "yes" },
    { refuse: true, onlyAccounts: ["a"] },
  ])("refuses %j", (faults, { expect }) => {
    expect(() => parseDemoRequest({ product: "kiln", version: "2.9.1", ...faults })).toThrow();
  });
});

describe("parseNodeAction", () => {
  it.for([
    [{ action: "restart" }, { action: "restart" }],
    [
      { action: "kv", mode: "hang" },
      { action: "kv", mode: "hang" },
    ],
    [{ action: "flush" }, { action: "flush" }],
    [{ action: "kv" }, null],
    [{ action: "restart", mode: "ok" }, null],
    [{ action: "kv", mode: "slow" }, null],
    [{ action: "disk", mode: "ok" }, null],
    [null, null],
  ] as const)("reads %j as %j", ([body, action], { expect }) => {
    expect(parseNodeAction(body)).toEqual(action);
  });
});

describe("parseOptions", () => {
  it("has defaults that need no flag", ({ expect }) => {
    expect(parseOptions([])).toMatchObject({
      ok: true,
      value: { port: 8787, nodes: 2, bare: false, tick: true, trustedProxy: 0 },
    });
  });

  it("tells every problem at once, each with its flag", ({ expect }) => {
    const parsed = parseOptions(["--port", "70000", "--nodes", "9", "--tick", "1", "--trusted-proxy", "-"]);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.error.map((problem) => problem.split(" ")[0])).toHaveLength(4);
  });

  it("refuses unknown flags and ports that leave no room for the nodes", ({ expect }) => {
    expect(parseOptions(["--prot", "1"]).ok).toBe(false);
    expect(parseOptions(["--port", "65535", "--nodes", "2"]).ok).toBe(false);
  });
});
