/** `clone` between two control planes in earnest: what goes over, what is refused, and that both sides count the same. */
import { beforeEach, afterEach, describe, it } from "vitest";
import fc from "fast-check";
import { createNames } from "../../../scripts/cli/clone/names.ts";
import { mapText } from "../../../scripts/cli/clone/mapping.ts";
import { AccountQuerySchema, type Account } from "../../../src/contracts/api/accounts.ts";
import { isSlug } from "../../../src/core/slug.ts";
import type { CliRun } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  createWorld,
  must,
  settle,
  valueOf,
  type World,
} from "../../support/control-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";
import { BOOT_TOKEN } from "../../support/admin-builders.ts";

const KEY = "a key of more than sixteen characters";
const MAPS =
  "--map-domain kiln.example.com=kiln.staging.test --map-domain fogbugz.example.com=fogbugz.staging.test --map-origin 'https://*.origins.example.net=https://*.staging.origins.example.net'";

let production: World;
let staging: World;
let here: RealAdmin;
let there: RealAdmin;

beforeEach(async () => {
  production = createWorld({ db: createMemoryDb() });
  staging = createWorld({ db: createMemoryDb() });
  await addProducts(production);
  const labels = { plan: "team" };
  await addAccount(production, "acme", {
    labels,
    cell: "eu1",
    domains: [{ host: "code.acme.test", product: "kiln" }],
  });
  await addAccount(production, "beta", { labels, timeZone: "Asia/Tokyo", homes: { kiln: "2" } });
  await addAccount(production, "a-much-longer-name-of-some-customer", { products: ["fogbugz"] });
  await settle(production);
  here = await startRealAdmin(production);
  there = await startRealAdmin(staging);
});
afterEach(async () => {
  await here.stop();
  await there.stop();
});

const clone = (line: string, env: Readonly<Record<string, string>> = {}): Promise<CliRun> =>
  here.cli(`clone --from production --to staging ${line}`, {
    env: {
      FIREBREAK_URL_PRODUCTION: here.url,
      FIREBREAK_TOKEN_PRODUCTION: BOOT_TOKEN,
      FIREBREAK_URL_STAGING: there.url,
      FIREBREAK_TOKEN_STAGING: BOOT_TOKEN,
      FIREBREAK_CLONE_KEY: KEY,
      ...env,
    },
  });

async function accountsOf(world: World, deleted = false): Promise<readonly Account[]> {
  return valueOf(
    await world.control.query("accounts", AccountQuerySchema.parse({ deleted: String(deleted) })),
  ).items;
}

describe("clone", { timeout: 60_000 }, () => {
  it("brings configuration and accounts over, unrecognisable, and both sides count the same", async ({
    expect,
  }) => {
    const dry = await clone(`${MAPS} --dry-run`);
    expect([dry.code, dry.err]).toEqual([0, ""]);
    expect(dry.out).toContain("+ version/kiln/2  → https://kiln-2.staging.origins.example.net");
    expect(dry.out).toContain("Dry run: nothing was changed.");
    expect(await accountsOf(staging)).toEqual([]);
    const { code, out, err } = await clone(MAPS);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("Both sides count the same");
    expect(new Set(out.match(/\b[0-9a-f]{64}\b/g)).size).toBe(1);
    const accounts = await accountsOf(staging);
    expect(accounts.map(({ account }) => account.length).toSorted((a, b) => a - b)).toEqual([10, 10, 40]);
    expect(JSON.stringify([accounts, out])).not.toMatch(/acme|beta|longer|"team"/);
    expect(accounts.find(({ cell }) => cell === "eu1")).toMatchObject({
      homes: { kiln: "1", fogbugz: "1" },
      domains: [],
      labels: { cloned: createNames(KEY).fingerprint },
    });
    expect(accounts.find(({ timeZone }) => timeZone === "Asia/Tokyo")?.homes["kiln"]).toBe("2");
    await settle(staging);
    const again = await clone(MAPS);
    expect(again.out).toContain("configuration: as it is there");
    expect(again.out).toContain("0 new, 3 kept, 0 brought back, 0 deleted");
    expect((await accountsOf(staging)).map(({ account }) => account)).toEqual(
      accounts.map(({ account }) => account),
    );
  });

  it("follows what goes and comes back, and hides labels and custom domains where asked to", async ({
    expect,
  }) => {
    const more = `${MAPS} --labels hash --domains-under d.test`;
    expect((await clone(more)).code).toBe(0);
    const [first] = (await accountsOf(staging)).filter(({ domains }) => domains.length > 0);
    expect(first?.domains[0]?.host).toMatch(/^[a-z0-9]{20}\.d\.test$/);
    expect(Object.keys(first?.labels ?? {}).toSorted()).toEqual(["cloned", "plan"]);
    await must(production, "account.delete", { account: "acme", reason: "left" });
    expect((await clone(more)).out).toContain("0 new, 2 kept, 0 brought back, 1 deleted");
    await must(production, "account.undelete", { account: "acme", input: { reason: "wrong" } });
    const back = await clone(more);
    expect(back.out).toContain("0 new, 2 kept, 1 brought back, 0 deleted");
    expect(back.out).toContain("Both sides count the same");
    expect(await accountsOf(staging)).toHaveLength(3);
  });

  it.for([
    ["", "no --map-origin says what https://kiln-2.origins.example.net (origin of kiln/2) becomes"],
    ["", "no --map-domain says what kiln.example.com of kiln becomes"],
    [
      `${MAPS.split(" --map-origin")[0]} --map-origin 'https://kiln-1.origins.example.net=https://kiln-2.origins.example.net'`,
      "kiln/1 would go to https://kiln-2.origins.example.net, which is an origin of production",
    ],
  ] as const)("refuses %s: %s", async ([line, why], { expect }) => {
    const { code, err } = await clone(line);
    expect([code, err]).toEqual([1, expect.stringContaining(why)]);
    expect(valueOf(await staging.control.query("products", {}))).toEqual([]);
  });

  it("refuses the same instance, accounts of somebody's own, and accounts that moved on their own", async ({
    expect,
  }) => {
    const same = await clone(MAPS, { FIREBREAK_URL_STAGING: here.url.replace("127.0.0.1", "localhost") });
    expect(same.err).toContain("staging serves kiln.example.com, which is a domain of production");
    expect((await clone(MAPS)).code).toBe(0);
    await addAccount(staging, "ours");
    const foreign = await clone(MAPS);
    expect(foreign.err).toContain("staging has 1 account that no clone made: ours");
    const replaced = await clone(`${MAPS} --replace`);
    expect([replaced.code, replaced.out]).toEqual([0, expect.stringContaining("1 deleted")]);
    expect((await accountsOf(staging, true)).map(({ account }) => account)).toContain("ours");
    const [account = null] = (await accountsOf(staging)).filter(({ homes }) => homes["kiln"] === "2");
    const pin = { version: "1", reason: "moved", expires: null };
    const where = { account: account?.account ?? "", product: "kiln" };
    await must(staging, "account.pin.set", { ...where, input: pin });
    await must(staging, "account.pin.lift", { ...where, reason: "stay" });
    const elsewhere = await clone(MAPS);
    expect(elsewhere.err).toContain("1 account of an earlier clone are on other versions");
    const renamed = await clone(MAPS, { FIREBREAK_CLONE_KEY: `another ${KEY}` });
    expect([renamed.code, renamed.out]).toEqual([0, expect.stringContaining("3 new, 0 kept")]);
  });

  it.for([
    [{ FIREBREAK_CLONE_KEY: "short" }, "FIREBREAK_CLONE_KEY is shorter than 16"],
    [{ FIREBREAK_URL_STAGING: "" }, "Set FIREBREAK_URL_STAGING"],
    [
      { FIREBREAK_URL_STAGING: "https://admin.test", FIREBREAK_TOKEN_STAGING: "" },
      "Set FIREBREAK_TOKEN_STAGING",
    ],
    [{ FIREBREAK_TOKEN_STAGING: "not the token" }, "FIREBREAK_TOKEN_STAGING holds a space"],
  ] as const)("says which variable is wrong: %o", async ([env, says], { expect }) => {
    const { code, err } = await clone(MAPS, env);
    expect([code, err]).toEqual([2, expect.stringContaining(says)]);
  });
});

describe("new names", { timeout: 60_000 }, () => {
  it("are slugs of the same class of length, stable for a key, other for another one", ({ expect }) => {
    const [one, other] = [createNames(KEY), createNames(`${KEY}!`)];
    const slug = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    fc.assert(
      fc.property(slug, (real) => {
        const name = one.slug(real);
        expect(isSlug(name)).toBe(true);
        expect(name).toBe(createNames(KEY).slug(real));
        expect(name).not.toBe(other.slug(real));
        expect([10, 20, 40, 63].find((most) => real.length <= most)).toBe(name.length);
      }),
      { numRuns: 200 },
    );
    const names = Array.from({ length: 20_000 }, (_, at) => one.slug(`account-${at}`));
    expect(new Set(names).size).toBe(20_000);
  });

  it.for([
    ["https://*.a.test=https://*.b.test", "https://x.a.test", "https://x.b.test"],
    ["https://*.a.test=https://*.b.test", "https://x-{cell}.a.test", "https://x-{cell}.b.test"],
    ["https://*.a.test=https://*.b.test", "https://.a.test", null],
    ["https://*.a.test=https://*.b.test", "https://evil.test/x.a.test", null],
    ["https://*.a.test=https://*.b.test", "https://$&.a.test", "https://$&.b.test"],
    ["binding:A=binding:B", "binding:A", "binding:B"],
    ["binding:A=binding:B", "binding:AA", null],
  ] as const)("%s makes of %s: %s", ([pair, text, expected], { expect }) => {
    const [from = "", to = ""] = pair.split("=");
    expect(mapText([{ from, to }], text)).toBe(expected);
  });
});
