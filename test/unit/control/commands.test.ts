/** Commands: what is refused and why, what is recorded, what a repeated request gets. */
import { describe, it } from "vitest";
import type { Account } from "../../../src/contracts/api/accounts.ts";
import type { CommandInputs, CommandName } from "../../../src/contracts/control.ts";
import { ROLES, type Role } from "../../../src/contracts/env.ts";
import { MAX_GROUPS } from "../../../src/contracts/limits.ts";
import { findAuditBreak } from "../../../src/control/store/audit.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  readMaps,
  refusalOf,
  settle,
  valueOf,
  VERSION,
  versionFor,
  type World,
} from "../../support/control-world.ts";

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  return world;
}

const ZONE = { timeZone: "Europe/Paris", cohort: "general" };

async function refused<K extends CommandName>(
  world: World,
  name: K,
  input: CommandInputs[K],
): Promise<string> {
  const { problem, detail } = refusalOf(await world.control.execute(name, input, contextOf()));
  return `${problem}: ${detail}`;
}

describe("a product that an account does not have", () => {
  it("is said not to be there at all where nobody has it", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const pin = (product: string): Promise<string> =>
      refused(world, "account.pin.set", {
        account: "acme",
        product,
        input: { version: "1", reason: "x", expires: null },
      });
    expect(await pin("kilm")).toContain("there is no product kilm");
  });
});

describe("product.put", () => {
  it("keeps domains apart: admin host, other products, custom domains, origins", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme", { domains: [{ host: "code.acme.test", product: "kiln" }] });
    const put = (domain: string): Promise<string> =>
      refused(world, "product.put", { product: "third", input: { domains: [domain], timeouts: [] } });
    expect(await put("example.com")).toContain("admin host");
    expect(await put("admin.example.com")).toContain("admin host");
    expect(await put("kiln.example.com")).toContain("overlap");
    expect(await put("deep.fogbugz.example.com")).toContain("overlap");
    expect(await put("acme.test")).toContain("code.acme.test");
    expect(await put("origins.example.net")).toContain("origin");
  });

  it("refuses a base domain below another of the same product, where it would be the host of an account", async ({
    expect,
  }) => {
    const world = await start();
    await addAccount(world, "acme", { homes: { kiln: "2" } });
    const put = (product: string, ...domains: string[]): Promise<string> =>
      refused(world, "product.put", { product, input: { domains, timeouts: [] } });
    const overlap = "overlap: a label below a base domain is an account's";
    expect(await put("kiln", "kiln.example.com", "acme.kiln.example.com")).toContain(overlap);
    // Compiled in, it is a base domain whatever is written here.
    expect(await put("kiln", "acme.kiln.example.com")).toContain(overlap);
    expect(await put("third", "third.example.org", "eu.third.example.org")).toContain(overlap);
    await must(world, "product.put", {
      product: "kiln",
      input: { domains: ["kiln.example.com", "kiln.example.org"], timeouts: [] },
    });
  });
});

describe("version.put", () => {
  it("makes the first version of a product live, stable and default, and the second one registered", async ({
    expect,
  }) => {
    const world = createWorld({ db: createMemoryDb() });
    await must(world, "product.put", {
      product: "kiln",
      input: { domains: ["kiln.example.com"], timeouts: [] },
    });
    const input = { ...VERSION, origin: "https://a.origins.example.net" };
    expect((await must(world, "version.put", { product: "kiln", version: "1", input })).state).toBe("live");
    expect((await must(world, "version.put", { product: "kiln", version: "2", input })).state).toBe(
      "registered",
    );
    const product = valueOf(await world.control.query("product", { product: "kiln" }));
    expect(product).toMatchObject({ stable: "1", default: "1", standby: null });
  });

  it("refuses origins outside ORIGIN_ALLOW and under our own hosts", async ({ expect }) => {
    const world = await start();
    const put = (origin: string): Promise<string> =>
      refused(world, "version.put", { product: "kiln", version: "9", input: { ...VERSION, origin } });
    expect(await put("https://evil.test")).toContain("ORIGIN_ALLOW");
    expect(await put("https://acme.kiln.example.com")).toContain("circle");
  });

  it("refuses an asset prefix that meets another version's, until that one is retired or says otherwise", async ({
    expect,
  }) => {
    const world = await start();
    const origin = "https://kiln-9.origins.example.net";
    const put = (version: string, assets: string[]) => ({
      product: "kiln",
      version,
      input: { ...VERSION, origin, assets },
    });
    await must(world, "version.put", put("2", ["/assets/2/"]));
    expect(await refused(world, "version.put", put("9", ["/assets/2/img/"]))).toContain(
      "/assets/2/ of kiln 2",
    );
    expect(await refused(world, "version.put", put("9", ["/assets/"]))).toContain("/assets/9/");
    expect((await must(world, "version.put", put("9", ["/assets/9/"]))).assets).toEqual(["/assets/9/"]);
    await must(world, "version.put", put("2", []));
    expect((await must(world, "version.put", put("9", ["/assets/2/"]))).assets).toEqual(["/assets/2/"]);
  });

  it("shows before and after in the audit when an origin is edited", async ({ expect }) => {
    const world = await start();
    const input = { ...VERSION, origin: "https://new.origins.example.net" };
    await must(world, "version.put", { product: "kiln", version: "2", input });
    const { items } = valueOf(
      await world.control.query("audit", { cursor: null, limit: 1, target: "version/kiln/2", actor: null }),
    );
    expect(items[0]?.detail).toMatchObject({
      before: { origin: "https://kiln-2.origins.example.net" },
      after: { origin: "https://new.origins.example.net" },
    });
  });
});

describe("version.state.set", () => {
  const retire = { state: "retired", reason: "old" } as const;

  it("refuses to retire while anything refers to the version, and lists what", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme", { homes: { kiln: "2" } });
    await addAccount(world, "pinned");
    await must(world, "account.pin.set", {
      account: "pinned",
      product: "kiln",
      input: { version: "2", reason: "x", expires: null },
    });
    await settle(world);
    await must(world, "version.state.set", {
      product: "kiln",
      version: "2",
      input: { state: "draining", reason: "old" },
    });
    const result = await world.control.execute(
      "version.state.set",
      { product: "kiln", version: "2", input: retire },
      contextOf(),
    );
    expect(refusalOf(result)).toMatchObject({
      problem: "in-use",
      extensions: { uses: { homes: 1, pins: 1, "published or waiting shards": 1 } },
    });
  });

  it("retires once nothing refers to it, shards that are still out included", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme", { products: ["fogbugz"], homes: { fogbugz: "2" } });
    await settle(world);
    await must(world, "account.delete", { account: "acme", reason: "left" });
    await must(world, "version.state.set", {
      product: "fogbugz",
      version: "2",
      input: { state: "draining", reason: "old" },
    });
    expect(
      await refused(world, "version.state.set", { product: "fogbugz", version: "2", input: retire }),
    ).toContain("homes of deleted accounts (1)");
    await settle(world);
    world.clock.now += 91 * 86_400_000;
    await world.control.tick(world.clock.now);
    expect(
      await refused(world, "version.state.set", { product: "fogbugz", version: "2", input: retire }),
    ).toContain("shards");
    await settle(world);
    await must(world, "version.state.set", { product: "fogbugz", version: "2", input: retire });
    await settle(world);
    expect(Object.keys(readMaps(world.kv.values).root.products["fogbugz"]?.versions ?? {})).toEqual(["1"]);
  });

  it("refuses steps that skip and draining what is stable", async ({ expect }) => {
    const world = await start();
    expect(
      await refused(world, "version.state.set", { product: "kiln", version: "2", input: retire }),
    ).toContain("draining or candidate");
    const drain = { state: "draining", reason: "old" } as const;
    expect(
      await refused(world, "version.state.set", { product: "kiln", version: "1", input: drain }),
    ).toContain("stable");
  });
});

describe("a version that comes back from retirement", () => {
  const stateOf = (version: string, state: "registered" | "retired") => ({
    product: "kiln",
    version,
    input: { state, reason: "t" },
  });

  it("is held to what others claim by then, and to where origins may be", async ({ expect }) => {
    const world = await start();
    const put = (version: string, assets: string[]): Promise<unknown> =>
      must(world, "version.put", {
        product: "kiln",
        version,
        input: { ...VERSION, origin: `https://${version}.eu.origins.example.net`, assets },
      });
    await put("8", ["/assets/x/"]);
    await must(world, "version.state.set", stateOf("8", "retired"));
    await put("9", ["/assets/x/"]);
    const back = stateOf("8", "registered");
    expect(await refused(world, "version.state.set", back)).toContain("/assets/x/ of kiln 9");
    await must(world, "version.state.set", stateOf("9", "retired"));
    await must(world, "product.put", {
      product: "third",
      input: { domains: ["eu.origins.example.net"], timeouts: [] },
    });
    expect(await refused(world, "version.state.set", back)).toContain("circle");
    await must(world, "product.put", {
      product: "third",
      input: { domains: ["third.example.org"], timeouts: [] },
    });
    expect((await must(world, "version.state.set", back)).state).toBe("registered");
  });
});

describe("product.default.set", () => {
  it("needs force, keeps the predecessor as standby and refuses bad versions", async ({ expect }) => {
    const world = await start();
    const input = { version: "2", reason: "last step", force: false };
    expect(await refused(world, "product.default.set", { product: "kiln", input })).toContain("force");
    const product = await must(world, "product.default.set", {
      product: "kiln",
      input: { ...input, force: true },
    });
    expect(product).toMatchObject({ default: "2", standby: "1", stable: "1" });
    const told = world.db.rows("SELECT detail FROM audit WHERE action = 'product.default.set'");
    expect(JSON.parse(String(told[0]?.["detail"]))).toMatchObject({ forced: true });
    world.db.run(
      `UPDATE versions SET bad = '{"reason":"crashes","by":"x","at":"2026-01-01T00:00:00.000Z"}' WHERE name = '1'`,
    );
    const back = { version: "1", reason: "back", force: true };
    expect(await refused(world, "product.default.set", { product: "kiln", input: back })).toContain(
      "crashes",
    );
  });
});

describe("account.put", () => {
  it("keeps homes: an edit that names another one is refused", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    await must(world, "product.stable.set", { product: "kiln", input: { version: "2", reason: "new ones" } });
    await addAccount(world, "acme", { cohort: "early" });
    await addAccount(world, "later");
    expect(valueOf(await world.control.query("account", { account: "acme" })).homes["kiln"]).toBe("1");
    expect(valueOf(await world.control.query("account", { account: "later" })).homes["kiln"]).toBe("2");
    expect(
      await refused(world, "account.put", { account: "acme", input: { ...ZONE, homes: { kiln: "2" } } }),
    ).toContain("move-not-allowed");
  });

  it("gives a product that is added later its stable version", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme", { products: ["kiln"] });
    await must(world, "product.stable.set", {
      product: "fogbugz",
      input: { version: "2", reason: "new ones" },
    });
    await addAccount(world, "acme", { products: ["kiln", "fogbugz"] });
    expect(valueOf(await world.control.query("account", { account: "acme" })).homes).toEqual({
      kiln: "1",
      fogbugz: "2",
    });
  });

  it("keeps custom domains to one account, away from base domains and the admin host", async ({ expect }) => {
    const world = await start();
    const claim = (account: string, host: string): CommandInputs["account.put"] => ({
      account,
      input: { ...ZONE, domains: [{ host, product: "kiln" }] },
    });
    await must(world, "account.put", claim("acme", "code.acme.test"));
    expect(await refused(world, "account.put", claim("other", "code.acme.test"))).toContain("acme");
    expect(await refused(world, "account.put", claim("other", "x.fogbugz.example.com"))).toContain(
      "base domain",
    );
    expect(await refused(world, "account.put", claim("other", "admin.example.com"))).toContain("admin host");
    await must(world, "account.delete", { account: "acme", reason: "left" });
    await must(world, "account.put", claim("other", "code.acme.test"));
    await settle(world);
    const maps = readMaps(world.kv.values);
    expect(maps.find("code.acme.test")?.slug).toBe("other");
    expect(maps.root).toMatchObject({ accounts: 1, domains: 1, removed: { accounts: 1, domains: 1 } });
  });

  it("keeps a deleted slug for 90 days and then gives it out again", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    await must(world, "account.delete", { account: "acme", reason: "left" });
    await settle(world);
    expect(versionFor(readMaps(world.kv.values), "kiln", "acme")).toBe("1");
    expect(await refused(world, "account.put", { account: "acme", input: ZONE })).toContain("90 days");
    world.clock.now += 90 * 86_400_000;
    await world.control.tick(world.clock.now);
    await addAccount(world, "acme");
    expect(valueOf(await world.control.query("account", { account: "acme" })).deleted).toBeNull();
  });

  it("takes a deletion back: homes, pin, domains and counts as before, and nobody is answered otherwise", async ({
    expect,
  }) => {
    const world = await start();
    const domains = ["code.acme.test", "wiki.acme.test"].map((host) => ({ host, product: "kiln" }));
    await addAccount(world, "acme", { domains, homes: { kiln: "2" } });
    await addAccount(world, "other");
    const pin = { version: "1", reason: "asked", expires: null };
    await must(world, "account.pin.set", { account: "acme", product: "fogbugz", input: pin });
    await settle(world);
    const show = async (): Promise<Account> =>
      valueOf(await world.control.query("account", { account: "acme" }));
    const before = await show();
    const served = (): unknown =>
      ["acme", "code.acme.test", "wiki.acme.test"].map((key) =>
        versionFor(readMaps(world.kv.values), "kiln", key),
      );
    expect(served()).toEqual(["2", "2", "2"]);
    await must(world, "account.delete", { account: "acme", reason: "wrong one" });
    await settle(world);
    expect(await refused(world, "account.put", { account: "acme", input: ZONE })).toContain(
      "`firebreak accounts undelete acme --reason …` brings it back",
    );
    world.clock.now += 89 * 86_400_000;
    await world.control.tick(world.clock.now);
    const input = { reason: "case 4711" };
    await must(world, "account.undelete", { account: "acme", input });
    await settle(world);
    expect(await show()).toEqual({
      ...before,
      revision: before.revision + 2,
      updatedAt: expect.any(String),
      visibleBy: expect.any(String),
    });
    expect(served()).toEqual(["2", "2", "2"]);
    expect(readMaps(world.kv.values).root).toMatchObject({ accounts: 2, domains: 2 });
    const { items } = valueOf(
      await world.control.query("audit", { cursor: null, limit: 10, target: "account/acme", actor: null }),
    );
    expect(items.find(({ action }) => action === "account.undelete")).toMatchObject({
      target: "account/acme",
      reason: "case 4711",
      detail: { homes: { kiln: "2" } },
    });
    expect(await refused(world, "account.undelete", { account: "acme", input })).toContain("is not deleted");
    expect(await refused(world, "account.undelete", { account: "nobody", input })).toContain("not-found");
    world.clock.now += 10 * 86_400_000;
    await world.control.tick(world.clock.now);
    expect((await show()).deleted).toBeNull();
  });

  it("leaves what others took while it was deleted, and forgets for good after 90 days", async ({
    expect,
  }) => {
    const world = await start();
    const domains = ["code.acme.test", "wiki.acme.test"].map((host) => ({ host, product: "kiln" }));
    await addAccount(world, "acme", { domains });
    await must(world, "account.delete", { account: "acme", reason: "left" });
    await addAccount(world, "other", { domains: domains.slice(0, 1) });
    const input = { reason: "back" };
    const back = await must(world, "account.undelete", { account: "acme", input });
    expect(back.domains).toEqual(domains.slice(1));
    await settle(world);
    const maps = readMaps(world.kv.values);
    expect(maps.root).toMatchObject({ accounts: 2, domains: 2 });
    expect(["code.acme.test", "wiki.acme.test"].map((host) => maps.find(host)?.slug)).toEqual([
      "other",
      "acme",
    ]);
    await must(world, "account.delete", { account: "acme", reason: "left" });
    world.clock.now += 91 * 86_400_000;
    await world.control.tick(world.clock.now);
    expect(await refused(world, "account.undelete", { account: "acme", input })).toContain("not-found");
  });

  it("gives alike accounts one group, others another, and refuses one group too many", async ({ expect }) => {
    const world = await start();
    for (const [account, cell] of [
      ["a", "c1"],
      ["b", "c1"],
      ["c", "c2"],
    ] as const)
      await addAccount(world, account, { cell });
    await settle(world);
    const maps = readMaps(world.kv.values);
    const groups = ["a", "b", "c"].map((account) => maps.find(account)?.group);
    expect(groups[0]).toBe(groups[1]);
    expect(groups[0]).not.toBe(groups[2]);
    world.db.run(
      `WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO groups (id, identity, cohort, time_zone, accounts) SELECT i, i, 'x', 'y', 1 FROM n`,
      MAX_GROUPS + 100,
    );
    expect(await refused(world, "account.put", { account: "d", input: { ...ZONE, cell: "c3" } })).toContain(
      "move groups",
    );
    await addAccount(world, "e", { cell: "c2" });
  });

  it("says honestly from when every edge knows the change", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const said = Date.parse(
      valueOf(await world.control.query("account", { account: "acme" })).visibleBy ?? "",
    );
    await settle(world);
    const root = readMaps(world.kv.values).root.publishedAt;
    expect(said).toBeGreaterThanOrEqual(root + 96_000);
    world.clock.now = root + 96_001;
    expect(valueOf(await world.control.query("account", { account: "acme" })).visibleBy).toBeNull();
  });
});

describe("pins and quarantine", () => {
  const pin = (version: string, expires: string | null = null): CommandInputs["account.pin.set"] => ({
    account: "acme",
    product: "kiln",
    input: { version, reason: "asked", expires },
  });

  it("end where they held: by hand, by time, and with quarantine above the pin", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    await must(world, "account.pin.set", pin("2", new Date(world.clock.now + 3_600_000).toISOString()));
    world.clock.now += 3_600_000;
    const { happened } = await world.control.tick(world.clock.now);
    expect(happened.join()).toContain("stays there");
    const account = valueOf(await world.control.query("account", { account: "acme" }));
    expect(account).toMatchObject({ homes: { kiln: "2" }, pins: {} });

    await must(world, "account.pin.set", pin("2"));
    await must(world, "account.quarantine.set", {
      account: "acme",
      product: "kiln",
      input: { version: "1", reason: "sick" },
    });
    const lift = { account: "acme", product: "kiln", reason: "well" };
    expect(await refused(world, "account.quarantine.lift", lift)).toContain("would move it");
    await must(world, "account.pin.lift", lift);
    const after = await must(world, "account.quarantine.lift", lift);
    expect(after.homes["kiln"]).toBe("1");
  });

  it("can be lifted from a deleted account, which goes on answering without them", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const of = { account: "acme", product: "kiln" };
    const hold = { mode: "page", message: null, until: null, reason: "asked" } as const;
    await must(world, "account.pin.set", pin("2"));
    await must(world, "account.quarantine.set", { ...of, input: { version: "2", reason: "sick" } });
    await must(world, "account.hold.set", { account: "acme", input: hold });
    await must(world, "account.delete", { account: "acme", reason: "left" });
    await settle(world);
    const standing = (): unknown => readMaps(world.kv.values).find("acme");
    expect(standing()).toMatchObject({ deleted: true, pins: { kiln: "2" }, hold: { mode: "page" } });
    await must(world, "account.hold.lift", { account: "acme", reason: "t" });
    await must(world, "account.quarantine.lift", { ...of, reason: "t" });
    await must(world, "account.pin.lift", { ...of, reason: "t" });
    await settle(world);
    expect(standing()).toMatchObject({
      deleted: true,
      homes: { kiln: "2" },
      pins: null,
      quarantine: null,
      hold: null,
    });
    const [counted] = world.db.rows("SELECT sum(accounts) AS n, sum(tombstones) AS gone FROM home_sets");
    expect(counted).toMatchObject({ n: 0, gone: 1 });
    expect(await refused(world, "account.pin.set", pin("1"))).toContain("acme was deleted");
  });

  it("can be lifted from a product that the account has lost, which then holds no version back", async ({
    expect,
  }) => {
    const world = await start();
    await addAccount(world, "acme");
    const of = { account: "acme", product: "kiln" };
    await must(world, "account.pin.set", pin("2"));
    await must(world, "account.quarantine.set", { ...of, input: { version: "1", reason: "sick" } });
    await addAccount(world, "acme", { products: ["fogbugz"] });
    expect(await refused(world, "account.pin.set", pin("2"))).toContain("does not have kiln");
    await must(world, "account.quarantine.lift", { ...of, reason: "gone" });
    const after = await must(world, "account.pin.lift", { ...of, reason: "gone" });
    expect(after).toMatchObject({ homes: { fogbugz: "1" }, pins: {} });
    expect(after.homes).not.toHaveProperty("kiln");
    await settle(world);
    for (const state of ["draining", "retired"] as const)
      await must(world, "version.state.set", {
        product: "kiln",
        version: "2",
        input: { state, reason: "old" },
      });
  });

  it("refuse versions that may not serve, are bad, or break a requirement", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const origin = "https://x.origins.example.net";
    await must(world, "version.put", { product: "kiln", version: "3", input: { ...VERSION, origin } });
    expect(await refused(world, "account.pin.set", pin("3"))).toContain("registered");
    expect(await refused(world, "account.pin.set", pin("4"))).toContain("not-found");
    await must(world, "version.put", {
      product: "kiln",
      version: "2",
      input: { ...VERSION, origin, requires: { fogbugz: ["2"] } },
    });
    expect(await refused(world, "account.pin.set", pin("2"))).toContain("requires fogbugz 2");
  });
});

describe("urgent rows", () => {
  it("never drop an account that is out, whatever else wants to go out", async ({ expect }) => {
    const world = await start();
    const accounts = Array.from({ length: 90 }, (_unused, n) => `account-${n}`);
    for (const account of accounts) await addAccount(world, account);
    await settle(world);
    const hold = (account: string, message: string): Promise<unknown> =>
      must(world, "account.hold.set", {
        account,
        input: { mode: "page", message, until: null, reason: "x" },
      });
    for (const account of accounts.slice(0, 45)) await hold(account, "short");
    world.clock.now += 5000;
    await world.control.alarm();
    const first = readMaps(world.kv.values).root.urgent.map(({ key }) => key);
    expect(first).toHaveLength(45);
    // Longer messages and as many accounts again: far over the bytes that the root has for them.
    for (const account of accounts) await hold(account, "é".repeat(200));
    world.clock.now += 5000;
    await world.control.alarm();
    const second = new Set(readMaps(world.kv.values).root.urgent.map(({ key }) => key));
    expect(first.filter((key) => !second.has(key))).toEqual([]);
    await settle(world);
    const maps = readMaps(world.kv.values);
    expect(maps.root.urgent).toEqual([]);
    expect(accounts.filter((account) => maps.find(account)?.hold?.message !== "é".repeat(200))).toEqual([]);
  });
});

describe("conditions of a write", () => {
  it("refuses a stale revision and says the current one", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const put = (ifMatch: number): ReturnType<World["control"]["execute"]> =>
      world.control.execute(
        "account.put",
        { account: "acme", input: { ...ZONE, cohort: `c${ifMatch}` } },
        contextOf("operator", { ifMatch }),
      );
    valueOf(await put(1));
    expect(refusalOf(await put(1))).toMatchObject({
      problem: "stale-revision",
      extensions: { current_revision: 2 },
    });
    const absent = await world.control.execute(
      "account.put",
      { account: "new", input: ZONE },
      contextOf("operator", { ifMatch: 3 }),
    );
    expect(refusalOf(absent).problem).toBe("stale-revision");
  });

  it("never takes a thing for one of that name that was deleted before", async ({ expect }) => {
    const world = await start();
    const freeze = (from: string, to: string): Promise<{ revision: number }> =>
      must(world, "freeze.put", {
        name: "sale",
        input: { from, to, zone: "UTC", scope: {}, reason: "sale" },
      });
    const { revision } = await freeze("2026-12-01T00:00", "2026-12-02T00:00");
    await must(world, "freeze.delete", { name: "sale", reason: "over" });
    expect((await freeze("2026-12-24T00:00", "2026-12-27T00:00")).revision).toBeGreaterThan(revision);
    const dropped = await world.control.execute(
      "freeze.delete",
      { name: "sale", reason: "the old one" },
      contextOf("operator", { ifMatch: revision }),
    );
    expect(refusalOf(dropped).problem).toBe("stale-revision");
    const draft = (product: string): Promise<{ revision: number }> =>
      must(world, "rollout.create", {
        id: "night",
        input: {
          id: "night",
          targets: { [product]: "2" },
          waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
        },
      });
    const read = await draft("kiln");
    await must(world, "rollout.delete", { id: "night" });
    expect((await draft("fogbugz")).revision).toBeGreaterThan(read.revision);
  });

  it("answers the same request under the same key once done, and refuses another one", async ({ expect }) => {
    const world = await start();
    const context = contextOf("operator", { idempotencyKey: "k1" });
    const first = valueOf(
      await world.control.execute("account.put", { account: "acme", input: ZONE }, context),
    );
    await addAccount(world, "acme", { cohort: "early" });
    expect(
      valueOf(await world.control.execute("account.put", { account: "acme", input: ZONE }, context)),
    ).toEqual(first);
    const other = await world.control.execute("account.put", { account: "acme2", input: ZONE }, context);
    expect(refusalOf(other).problem).toBe("idempotency-mismatch");
    world.clock.now += 86_400_001;
    valueOf(await world.control.execute("account.put", { account: "acme2", input: ZONE }, context));
  });

  it("stays serialisable with two writers in between each other: each revision is won once, each loss is told", async ({
    expect,
  }) => {
    const world = await start();
    await addAccount(world, "acme");
    const seen = { a: 1, b: 1 };
    const won: number[] = [];
    let lost = 0;
    for (let round = 0; round < 200; round++) {
      const writer = (round * 7919) % 3 === 0 ? "a" : "b";
      const input = { ...ZONE, cohort: `${writer}${round}` };
      const result = await world.control.execute(
        "account.put",
        { account: "acme", input },
        contextOf("operator", { ifMatch: seen[writer] }),
      );
      if (result.ok) won.push(result.value.revision);
      else lost++;
      seen[writer] = result.ok
        ? result.value.revision
        : Number(result.error.extensions?.["current_revision"]);
    }
    expect(won).toEqual(won.map((_unused, at) => at + 2));
    const { items } = valueOf(
      await world.control.query("audit", { cursor: null, limit: 1000, target: "account/acme", actor: null }),
    );
    expect(items).toHaveLength(won.length + 1);
    expect(lost).toBeGreaterThan(20);
    expect(findAuditBreak(world.db)).toBeNull();
  });

  it("changes nothing at all when it refuses", async ({ expect }) => {
    const world = await start();
    const before = world.db.rows("SELECT * FROM counters");
    await refused(world, "account.put", { account: "acme", input: { ...ZONE, products: ["nothing"] } });
    await refused(world, "account.put", { account: "x".repeat(64), input: ZONE });
    expect(world.db.rows("SELECT * FROM counters")).toEqual(before);
  });
});

describe("roles", () => {
  const attempts: readonly [
    string,
    readonly Role[],
    (world: World, role: Role) => ReturnType<World["control"]["execute"]>,
  ][] = [
    [
      "account.hold.set",
      ["support", "operator", "admin"],
      (world, role) =>
        world.control.execute(
          "account.hold.set",
          { account: "acme", input: { mode: "page", message: null, until: null, reason: "x" } },
          contextOf(role),
        ),
    ],
    [
      "version.put",
      ["deployer", "operator", "admin"],
      (world, role) =>
        world.control.execute(
          "version.put",
          {
            product: "kiln",
            version: `v-${role}`,
            input: { ...VERSION, origin: "https://x.origins.example.net" },
          },
          contextOf(role),
        ),
    ],
    [
      "version.put of a live one",
      ["operator", "admin"],
      (world, role) =>
        world.control.execute(
          "version.put",
          { product: "kiln", version: "1", input: { ...VERSION, origin: "https://x.origins.example.net" } },
          contextOf(role),
        ),
    ],
    [
      "account.put",
      ["operator", "admin"],
      (world, role) =>
        world.control.execute(
          "account.put",
          { account: "acme", input: { ...ZONE, cohort: role } },
          contextOf(role),
        ),
    ],
    [
      "token.create",
      ["admin"],
      (world, role) =>
        world.control.execute(
          "token.create",
          {
            input: { name: `t-${role}`, role: "viewer", products: null, expires: null },
            sha256: role.padEnd(64, "0").replace(/[^0-9a-f]/g, "0"),
          },
          contextOf(role),
        ),
    ],
  ];

  it.for(attempts)("allow %s to whom it belongs", async ([, allowed, attempt], { expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const could: Role[] = [];
    for (const role of ROLES) {
      const result = await attempt(world, role);
      if (result.ok) could.push(role);
      else expect(result.error.problem).toBe("forbidden");
    }
    expect(could).toEqual(allowed);
  });

  it.for(["default", "standby"] as const)(
    "keep a deployer's hands off a candidate that is the %s",
    async (place, { expect }) => {
      const world = await start();
      const version = { product: "kiln", version: "3" };
      const input = { ...VERSION, origin: "https://kiln-3.origins.example.net" };
      const elsewhere = { ...VERSION, origin: "https://else.origins.example.net" };
      const state = (to: "candidate" | "registered") => ({ ...version, input: { state: to, reason: "x" } });
      await must(world, "version.put", { ...version, input });
      await must(world, "version.state.set", state("candidate"));
      const moves = place === "default" ? ["3"] : ["3", "1"];
      for (const to of moves)
        await must(world, "product.default.set", {
          product: "kiln",
          input: { version: to, reason: "x", force: true },
        });
      const edit = { ...version, input: elsewhere };
      const edited = await world.control.execute("version.put", edit, contextOf("deployer"));
      expect(refusalOf(edited)).toMatchObject({
        problem: "forbidden",
        detail: expect.stringMatching(new RegExp(`kiln 3 is the ${place} .*takes the role operator`)),
      });
      const step = await world.control.execute(
        "version.state.set",
        state("registered"),
        contextOf("deployer"),
      );
      expect(refusalOf(step).problem).toBe("forbidden");
      expect(await refused(world, "version.state.set", state("registered"))).toContain(`${place} (1)`);
      await must(world, "version.put", edit);
    },
  );

  it("hold a token to its products", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "both");
    await addAccount(world, "only", { products: ["kiln"] });
    const context = {
      ...contextOf(),
      actor: { name: "kiln-team", role: "operator" as const, products: ["kiln"] },
    };
    const hold = { mode: "page" as const, message: null, until: null, reason: "x" };
    valueOf(await world.control.execute("account.hold.set", { account: "only", input: hold }, context));
    const both = await world.control.execute("account.hold.set", { account: "both", input: hold }, context);
    expect(refusalOf(both).detail).toContain("fogbugz");
    const halt = await world.control.execute("halt.set", { input: { on: true, reason: "x" } }, context);
    expect(refusalOf(halt).problem).toBe("forbidden");
  });
});

describe("tokens", () => {
  it("find their actor until they are revoked or expire", async ({ expect }) => {
    const world = await start();
    const sha256 = "ab".repeat(32);
    const expires = new Date(world.clock.now + 1000).toISOString();
    await must(world, "token.create", {
      input: { name: "ci", role: "deployer", products: ["kiln"], expires },
      sha256,
    });
    expect(await world.control.authenticate(sha256)).toEqual({
      name: "ci",
      role: "deployer",
      products: ["kiln"],
    });
    world.clock.now += 1000;
    expect(await world.control.authenticate(sha256)).toBeNull();
    world.clock.now -= 1000;
    await must(world, "token.revoke", { name: "ci", reason: "leaked" });
    expect(await world.control.authenticate(sha256)).toBeNull();
    expect(await world.control.authenticate("cd".repeat(32))).toBeNull();
    const again = {
      input: { name: "ci", role: "viewer" as const, products: null, expires: null },
      sha256: "ef".repeat(32),
    };
    expect(await refused(world, "token.create", again)).toContain("not given out twice");
  });
});

describe("audit", () => {
  it("is a chain that shows any edit, and pages newest first", async ({ expect }) => {
    const world = await start();
    for (const account of ["a", "b", "c"]) await addAccount(world, account);
    expect(findAuditBreak(world.db)).toBeNull();
    const first = valueOf(
      await world.control.query("audit", { cursor: null, limit: 2, target: null, actor: null }),
    );
    const second = valueOf(
      await world.control.query("audit", { cursor: first.cursor, limit: 2, target: null, actor: null }),
    );
    expect([...first.items, ...second.items].map(({ seq }) => seq)).toEqual([13, 12, 11, 10]);
    world.db.run("UPDATE audit SET actor = 'somebody else' WHERE seq = 5");
    expect(findAuditBreak(world.db)).toContain("5");
    world.db.run("DELETE FROM audit WHERE seq = 5");
    expect(findAuditBreak(world.db)).toContain("5");
  });
});
