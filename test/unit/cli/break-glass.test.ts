/** `break-glass check` and `show`: what is typed in the worst hour, against a control plane in earnest. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { BREAK_GLASS_KEY } from "../../../src/contracts/maps.ts";
import { tellBreakGlass } from "../../../src/core/break-glass-words.ts";
import { parseBreakGlass } from "../../../src/core/maps/break-glass.ts";
import { runCli } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { addAccount, addProducts, createWorld, settle, type World } from "../../support/control-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

let world: World;
let api: RealAdmin;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-glass-"));
  world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  for (const account of ["acme", "beta"]) await addAccount(world, account, { homes: { kiln: "2" } });
  await addAccount(world, "third");
  await settle(world);
  api = await startRealAdmin(world);
});
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

const ahead = (hours: number): string => new Date(world.clock.now + hours * 3_600_000).toISOString();

async function fileOf(document: unknown, name = "glass.json"): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, typeof document === "string" ? document : JSON.stringify(document));
  return file;
}

describe("break-glass check", () => {
  it("says whom a document touches, and which of its entries do nothing", async ({ expect }) => {
    const file = await fileOf({
      reason: "2 loses uploads",
      expires: ahead(6),
      written: ahead(0),
      instead: { kiln: { "2": "1", "3": "1" } },
      default: { kiln: "2" },
      hold: { accounts: { nobody: true } },
      holdGeneration: 4711,
    });
    const { code, out } = await api.cli(`break-glass check ${file}`);
    expect(code).toBe(0);
    expect(out).toMatch(/kiln +2 +1 +2 accounts/);
    expect(out).toMatch(/kiln +1 +2 +unknown accounts/);
    // What the document asks for is not yet what it does.
    expect(out).toMatch(/^asks for +kiln: who would get 2 gets 1$/m);
    expect(out).toContain("! an entry that does nothing: kiln has no 3; it has 1, 2");
    expect(out).toContain("! an entry that does nothing: there is no account nobody");
    expect(out).toContain("generation 4711 is not published yet");
    expect(out).toContain(
      `npx wrangler kv key put break-glass --path ${file} --binding MAPS --remote --env=""\n`,
    );
    expect(out).toContain(`npx wrangler deploy --env="" --var BREAK_GLASS:"$(cat ${file})"\n`);
  });

  it("prints the lines of a rehearsal on the local run, which has no deploys", async ({ expect }) => {
    const file = await fileOf({ reason: "x", expires: ahead(1) });
    const { out } = await api.cli(`break-glass check ${file} --env local`, {
      env: { FIREBREAK_STATE: "other" },
    });
    const local = `--binding MAPS --local --persist-to other --env=""\n`;
    expect(out).toContain(`npx wrangler kv key put break-glass --path ${file} ${local}`);
    expect(out).toContain(`npx wrangler kv key get break-glass ${local}`);
    expect(out).toContain(`npx wrangler kv key put break-glass '{}' ${local}`);
    expect(out).not.toMatch(/--remote|wrangler deploy/);
  });

  it("works without any admin host, and says that it does not know whom it touches", async ({ expect }) => {
    const file = await fileOf({ reason: "x", expires: ahead(1) });
    const env = { FIREBREAK_URL: "http://127.0.0.1:1", FIREBREAK_TOKEN: "t" };
    const { code, out } = await api.cli(`break-glass check ${file} --env staging`, { env });
    expect(code).toBe(0);
    expect(out).toContain("Whom it touches is not known: Nothing answers at http://127.0.0.1:1");
    expect(out).toContain("nothing: it has no entry");
    expect(out).toContain("--remote --env staging\n");
  });

  it.for([
    ['{"reason":"x","expires":"2026-11-29"}', "expires must be a time such as"],
    ['{"reason":"x","expires":"2099-01-01T00:00:00Z","insteed":{}}', "insteed is not known"],
    ['{"reason":"x","expires":"2020-01-01T00:00:00Z"}', "It expired at 2020-01-01"],
    ["{", "not a JSON object"],
  ] as const)("refuses %s as edges would", async ([text, why], { expect }) => {
    const { code, err } = await runCli(["break-glass", "check", await fileOf(text, "bad.json")]);
    expect([code, err]).toEqual([1, expect.stringContaining(why)]);
  });

  it("takes {} for what ends a document, and quotes a file name for the shell", async ({ expect }) => {
    const file = await fileOf({}, "o'clock 1.json");
    const { out } = await runCli(["break-glass", "check", file], {
      env: { FIREBREAK_URL: "http://127.0.0.1:1" },
    });
    expect(out).toContain("ends whatever is in force");
    expect(out).toContain(`--path '${folder}/o'\\''clock 1.json'`);
  });
});

describe("break-glass show", () => {
  it("reads back what is in force, by which way, until when, and status and metrics say so too", async ({
    expect,
  }) => {
    const before = await api.cli("break-glass show");
    expect(before.out).toBe("Break-glass is not in use.\n");
    const document = { reason: "rehearsal", expires: ahead(1), instead: { kiln: { "2": "1" } } };
    world.kv.values.set(BREAK_GLASS_KEY, JSON.stringify(document));
    const { out } = await api.cli("break-glass show");
    expect(out).toMatch(/reason +rehearsal/);
    expect(out).toContain("kiln: who would get 2 gets 1");
    expect(out).toContain("the key break-glass in KV");
    // --remote would aim at production: this control plane is on this machine.
    expect(out).toMatch(/end it +npx wrangler kv key put .* --local --persist-to \.firebreak --env=""$/m);
    expect((await api.cli("doctor")).out).toContain("--local --persist-to .firebreak");
    const elsewhere = await api.cli("break-glass show", { env: { FIREBREAK_STATE: "other" } });
    expect(elsewhere.out).toContain("--persist-to other");
    expect((await api.cli("status")).out).toContain("ACTIVE: rehearsal");
    world.kv.values.set(BREAK_GLASS_KEY, '{"reason":"x"}');
    const broken = await api.cli("break-glass show");
    expect(broken.out).toMatch(/^! the key break-glass cannot be read: .*\nBreak-glass is not in use/);
    world.kv.values.set(BREAK_GLASS_KEY, JSON.stringify({ ...document, expires: ahead(-1) }));
    expect((await api.cli("break-glass show")).out).toBe("Break-glass is not in use.\n");
    world.kv.values.delete(BREAK_GLASS_KEY);
  });

  it.for([
    ["production", `--remote --env=""`],
    ["staging", "--remote --env staging"],
    [null, "--remote --env ENVIRONMENT"],
  ] as const)(
    "ends it where it is in force, asked of %s, and doctor says the same",
    async ([environment, aims], { expect }) => {
      const deployed = await startRealAdmin(world, { config: { environment } });
      // Any address that does not mean this machine by its name.
      const env = { FIREBREAK_URL: deployed.url.replace("127.0.0.1", "0.0.0.0") };
      world.kv.values.set(BREAK_GLASS_KEY, JSON.stringify({ reason: "rehearsal", expires: ahead(1) }));
      try {
        for (const line of ["break-glass show", "doctor"]) {
          const { out } = await deployed.cli(line, { env });
          expect(out).toContain(`npx wrangler kv key put break-glass '{}' --binding MAPS ${aims}\n`);
        }
        const status = await deployed.cli("status", { env });
        expect(/^environment +(.*)$/m.exec(status.out)?.[1]).toBe(environment ?? undefined);
      } finally {
        world.kv.values.delete(BREAK_GLASS_KEY);
        await deployed.stop();
      }
    },
  );

  it("tells every member of a document", ({ expect }) => {
    const hold = { accounts: { acme: true }, products: { fogbugz: true } };
    const text = JSON.stringify({
      reason: "all",
      expires: "2099-01-01T00:00:00Z",
      instead: { kiln: { "2": "1" } },
      default: { kiln: "1" },
      accounts: { acme: { kiln: "1" } },
      hold,
      halt: true,
      holdGeneration: 7,
    });
    const parsed = parseBreakGlass(text);
    expect(parsed.ok && parsed.value !== null ? tellBreakGlass(parsed.value) : parsed).toEqual([
      "kiln: who would get 2 gets 1",
      "kiln: unknown accounts get 1",
      "fixed on a version: acme (kiln 1)",
      "fogbugz: held, all accounts",
      "held: acme",
      "everything automatic is stopped",
      "edges stay on the maps of generation 7",
    ]);
  });
});

describe("card", () => {
  it("puts the document where it is for: this machine, or what --env names, and never production unasked", async ({
    expect,
  }) => {
    const env = { FIREBREAK_URL: "https://admin.staging.example.com" };
    const put = async (line: string, options = {}): Promise<string> =>
      (await api.cli(line, options)).out.split("\n").find((each) => each.includes("wrangler")) ?? "";
    expect(await put("card")).toContain("--local --persist-to .firebreak");
    expect(await put("card", { env })).toContain("--remote --env ENVIRONMENT");
    expect(await put("card --env staging", { env })).toContain("--remote --env staging");
    expect(await put("card --env production", { env })).toContain('--remote --env=""');
    expect((await api.cli("card --env prod", { env })).code).toBe(2);
  });
});
