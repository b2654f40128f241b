/** What pages add to the API's answers: grids, hours, words about who must act, commands to paste, and the audit's file. */
import { describe, it } from "vitest";
import { AuditEntrySchema } from "../../../src/contracts/api/operations.ts";
import type { KeptFailure } from "../../../src/contracts/failed-request.ts";
import { addHours } from "../../../src/dashboard/parts/hours-plot.tsx";
import { wayBack, whoActs } from "../../../src/dashboard/parts/rollout-next.tsx";
import { createMemoryDb } from "../../support/control-db.ts";
import { addAccount, must } from "../../support/control-world.ts";
import { createDashboardWorld, type Browser } from "../../support/dashboard-world.ts";
import { FRIDAY, MINUTE, PLAN, prepareRollouts, tick } from "../../support/rollout-world.ts";

/** A rollout with its forecasts, on a machine that has much else to do. */
const SLOW_MS = 30_000;

async function read(browser: Browser, path: string): Promise<string> {
  const answer = await browser.get(path);
  return `${answer.status} ${(await answer.text()).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ")}`;
}

async function running(): Promise<Browser> {
  const accounts = Array.from({ length: 30 }, (_unused, n) => `account-${n}`);
  const world = await prepareRollouts(createMemoryDb(), { accounts });
  await must(world, "rollout.create", { id: "autumn", input: PLAN });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await tick(world, FRIDAY + MINUTE);
  const { signedIn } = await createDashboardWorld(world);
  return signedIn();
}

describe("what is ahead of a rollout", { timeout: SLOW_MS }, () => {
  it("is on its page: places with both clocks, the way back, who must act", async ({ expect }) => {
    const page = await read(await running(), "/rollouts/autumn");
    expect(page).toContain("Must act nobody, it goes on by itself");
    expect(page).toContain("Way back for all 3 accounts that have moved");
    expect(page).toMatch(/Asia\/Kolkata .* 2026-11-27 22:00 to 22:\d\d \(\+05:30\) UTC 2026-11-27 16:30 to/);
    expect(page).toContain("Moves by the hour");
    expect(page).toContain("Dashed: the plan");
  });

  it("is on the calendar, with who is not reached by a date", async ({ expect }) => {
    const browser = await running();
    expect(await read(browser, "/calendar?before=2026-11-28")).toMatch(/autumn \d+ .*America\/New_York/);
    expect(await read(browser, "/calendar?before=soon")).toMatch(/must be|invalid|time/i);
  });
});

describe("whoActs", () => {
  it.for([
    ["draft", "new", "an operator starts it"],
    ["paused", "operator", "an operator resumes it, stops it or rolls it back"],
    ["paused", "unheard-of", "an operator resumes it, stops it or rolls it back"],
    ["awaiting-approval", "approval", "an operator approves it"],
    ["baking", "gate", "nobody while requests come; if too few do, an operator waives the gate"],
    ["waiting", "window", "nobody, it goes on by itself"],
    ["waiting", "halted", "an operator ends the halt"],
  ] as const)("says of %s by %s: %s", ([phase, cause, words], { expect }) => {
    expect(whoActs({ phase, cause })).toBe(words);
  });
});

describe("wayBack", () => {
  it("promises nobody a way back from a target that has none", ({ expect }) => {
    expect(wayBack({ wayBack: { accounts: 1, oneWay: ["kiln 2"] } })).toBe(
      "for none of 1 account without a confirmation: kiln 2 not declared reversible",
    );
  });
});

describe("addHours", () => {
  it("adds rollouts up on one clock", ({ expect }) => {
    const [first, second] = ["2026-11-27T16:00:00.000Z", "2026-11-27T17:00:00.000Z"];
    expect(
      addHours([
        [{ from: second, accounts: 1 }],
        [
          { from: first, accounts: 2 },
          { from: second, accounts: 3 },
        ],
      ]),
    ).toEqual([
      { from: first, accounts: 2 },
      { from: second, accounts: 4 },
    ]);
  });
});

describe("the command for another version instead", { timeout: SLOW_MS }, () => {
  it("keeps a hostile reason inside its quotes", async ({ expect }) => {
    const why = "it's $(reboot)";
    const query = new URLSearchParams({ from: "kiln 2", to: "kiln 1", hours: "2", why }).toString();
    const page = await read(await running(), `/incident?${query}`);
    expect(page).toContain(String.raw`it&#39;\&#39;&#39;s $(reboot)`);
  });

  it.for([
    ["production", [`--remote --env=&quot;&quot;`, `deploy --env=&quot;&quot;`]],
    ["staging", ["--remote --env staging", "deploy --env staging"]],
    ["local", ["--local --persist-to .firebreak"]],
    [null, ["--remote --env ENVIRONMENT", "deploy --env ENVIRONMENT", "the variable is not set"]],
  ] as const)(
    "is for the environment that these pages are of: %s",
    async ([environment, lines], { expect }) => {
      const { world, signedIn } = await createDashboardWorld(undefined, undefined, {
        config: { environment },
      });
      await addAccount(world, "acme");
      const browser = await signedIn();
      const query = new URLSearchParams({ from: "kiln 2", to: "kiln 1", hours: "2", why: "slow" });
      const page = await read(browser, `/incident?${query.toString()}`);
      for (const line of lines) expect(page).toContain(line);
      if (environment !== "production") expect(page).not.toContain("--remote --env=&quot;");
      const tail = await read(browser, "/accounts/acme?request=9f2c01ab34de-7k");
      const [way = ""] = lines;
      if (environment === "local") expect(tail).not.toContain("wrangler tail");
      else expect(tail).toContain(`wrangler tail ${way.replace("--remote ", "")} --search`);
    },
  );

  it("is made of versions that are there, and of one product", async ({ expect }) => {
    const browser = await running();
    const ask = (from: string, to: string): Promise<string> =>
      read(browser, `/incident?${new URLSearchParams({ from, to, hours: "2", why: "slow" }).toString()}`);
    expect(await ask("kiln 2", "kiln 1")).toContain(
      "&quot;instead&quot;:{&quot;kiln&quot;:{&quot;2&quot;:&quot;1&quot;}}",
    );
    expect(await ask("kiln 2", "fogbugz 1")).toContain("Both must be of one product");
    expect(await ask("kiln 9", "kiln 1")).toContain("There is no such version");
  });
});

describe("the look-up by request id", () => {
  it("takes nothing that a shell would run", async ({ expect }) => {
    const { world, signedIn } = await createDashboardWorld();
    await addAccount(world, "acme");
    const browser = await signedIn();
    expect(await read(browser, "/accounts/acme?request=9f2c01ab34de-7k")).toContain("9f2c01ab34de-7k");
    const hostile = await read(browser, `/accounts/acme?request=${encodeURIComponent("'; reboot")}`);
    expect(hostile).toContain("That is no request id.");
    expect(hostile).not.toContain("wrangler tail");
  });

  it("shows what the meters keep, with a way to the decision, and says when they keep or answer nothing", async ({
    expect,
  }) => {
    const failed = { product: "kiln", account: "acme", version: "1", generation: 7, at: 0 } as const;
    const kept: readonly KeptFailure[] = [
      { ...failed, id: "r1", outcome: "origin-timeout", why: "timeout", status: 504 },
      { ...failed, id: "r2", account: "globex", outcome: "forwarded", why: "home", status: 503 },
    ];
    let silent = false;
    const { world, signedIn } = await createDashboardWorld(undefined, undefined, {
      failed: async ({ id, account }) => {
        if (silent) throw new Error("no meters");
        return kept.filter((one) => one.id === (id ?? one.id) && one.account === (account ?? one.account));
      },
    });
    await addAccount(world, "acme");
    const browser = await signedIn();
    const raw = async (query: string): Promise<string> =>
      (await browser.get(`/accounts/acme${query}`)).text();
    const known = await raw("?request=r1");
    expect(known).toContain("origin-timeout: timeout");
    expect(known).toContain("/explain?host=acme.kiln.example.com&amp;at=1970-01-01T00%3A00%3A00.000Z");
    expect(await raw("?request=r2")).toContain('<a href="/accounts/globex">');
    expect(await raw("?request=r3")).toContain("not in the sample");
    expect(await raw("")).not.toContain("globex");
    silent = true;
    expect(await read(browser, "/accounts/acme?request=r1")).toContain("The meters do not answer.");
  });
});

describe("the audit's file", () => {
  it("has every entry that the filter names, each on a line, and is for who is signed in alone", async ({
    expect,
  }) => {
    const { world, signedIn, browser: stranger } = await createDashboardWorld();
    await addAccount(world, "acme");
    const browser = await signedIn();
    const answer = await browser.get("/audit/export?target=account%2Facme");
    expect(answer.headers.get("content-disposition")).toContain("firebreak-audit.ndjson");
    const lines = (await answer.text()).trimEnd().split("\n");
    const entries = lines.map((line) => AuditEntrySchema.parse(JSON.parse(line)));
    expect(new Set(entries.map(({ target }) => target))).toEqual(new Set(["account/acme"]));
    const all = (await (await browser.get("/audit/export")).text()).trimEnd().split("\n");
    expect(all.length).toBeGreaterThan(lines.length);
    expect((await stranger().get("/audit/export")).status).toBe(303);
  });
});
