/** Preflight in the control plane: runs and their evidence, what counts, waivers, and what the default needs. */
import { describe, it } from "vitest";
import type { CommandInputs, CommandName } from "../../../src/contracts/control.ts";
import type { PreflightView } from "../../../src/contracts/api/preflight-runs.ts";
import type { PreflightDone } from "../../../src/contracts/preflight-port.ts";
import type { ExchangePort, ProbeResult } from "../../../src/contracts/preflight.ts";
import { exportPage } from "../../../src/control/transfer/export.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  refusalOf,
  valueOf,
  VERSION,
  type World,
} from "../../support/control-world.ts";

const MINUTE_MS = 60_000;
const ORIGIN = "https://kiln-2.origins.example.net";
const KILN_2 = { product: "kiln", version: "2" };

/** A network that answers by what was sent, and what it was asked. */
interface Network {
  answer(request: string): string | null;
  readonly asked: string[];
  /** Called before each answer. */
  meanwhile: () => Promise<void>;
}

const WELL = "HTTP/1.1 204 No Content\r\n\r\n";
const ILL = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops";
/** As kiln 2.9.0 of the incident: whoever names no known account gets 500. */
const incident = (request: string): string => (request.includes("account=probe") ? WELL : ILL);

async function start(): Promise<{ world: World; network: Network }> {
  const network: Network = { answer: () => WELL, asked: [], meanwhile: async () => undefined };
  const exchange: ExchangePort = async ({ bytes, host }) => {
    await network.meanwhile();
    const text = new TextDecoder("latin1").decode(bytes);
    network.asked.push(`${host} ${text}`);
    const answer = network.answer(text);
    return answer === null
      ? { end: "not-connected", fault: "connect-failed", detail: "", received: new Uint8Array(), ms: 1 }
      : { end: "complete", fault: null, detail: "", received: new TextEncoder().encode(answer), ms: 1 };
  };
  const routerHeader = ({ account }: { account: string | null }): string =>
    `signed, account=${account ?? "-"}`;
  const world = createWorld({ db: createMemoryDb(), preflight: { exchange, routerHeader } });
  await addProducts(world);
  return { world, network };
}

const run = async (world: World, purpose: "wave" | "default" = "default"): Promise<PreflightDone> =>
  valueOf(await world.control.runPreflight({ ...KILN_2, purpose }, contextOf("deployer")));
const look = async (world: World): Promise<PreflightView> =>
  valueOf(await world.control.query("preflight", KILN_2));

async function refused<K extends CommandName>(
  world: World,
  name: K,
  input: CommandInputs[K],
): Promise<string> {
  const { problem, detail } = refusalOf(await world.control.execute(name, input, contextOf()));
  return `${problem}: ${detail}`;
}

const promote = (force = false): CommandInputs["product.default.set"] => ({
  product: "kiln",
  input: { version: "2", reason: "last step", force },
});
const waive = (probe: string, target: "wave" | "default"): CommandInputs["preflight.waive"] => ({
  ...KILN_2,
  probe,
  input: { target, reason: "ours never send it" },
});
const edit = (origin: string): CommandInputs["version.put"] => ({ ...KILN_2, input: { ...VERSION, origin } });

/** A report of the whole matrix, every probe with this outcome. */
async function reportOf(
  world: World,
  outcome: ProbeResult["outcome"],
): Promise<CommandInputs["preflight.record"]> {
  const { probes } = valueOf(await world.control.query("preflight.probes", { ...KILN_2, via: null }));
  const evidence = { sent: "s", received: "r", status: 200, ms: 1, fault: null, from: "here" } as const;
  const results = probes.map(({ id, class: of, cell }) => ({
    id,
    title: "another title",
    class: of,
    cell,
    outcome,
    evidence,
    sentence: "said",
  }));
  return { ...KILN_2, report: { origin: ORIGIN, via: null, results } };
}

describe("runPreflight", () => {
  it("keeps the evidence of a version that bears everything, and the audit says so", async ({ expect }) => {
    const { world, network } = await start();
    expect(await run(world)).toMatchObject({ run: 1, wave: "pass", default: "pass" });
    const view = await look(world);
    expect(view.results.map(({ id }) => id)).toEqual(view.probes.map(({ id }) => id));
    expect(view.runs).toMatchObject([
      { by: "the-deployer", from: "control", purpose: "default", stale: false },
    ]);
    expect(view.uncovered).toEqual(["known"]);
    expect(network.asked[0]).toBe("kiln-2.origins.example.net OPTIONS / HTTP/1.0\r\n\r\n");
    expect(network.asked.some((text) => text.includes("Firebreak: signed, account=-"))).toBe(true);
    const query = { cursor: null, limit: 1, target: "version/kiln/2", actor: null };
    expect(valueOf(await world.control.query("audit", query)).items[0]).toMatchObject({
      action: "preflight.run",
      actor: "the-deployer",
      detail: { from: "control", purpose: "default", wave: "pass", failed: [] },
    });
  });

  it("asks the synthetic account once the settings name one, and every cell that accounts are in", async ({
    expect,
  }) => {
    const { world, network } = await start();
    await must(world, "preflight.settings.set", {
      product: "kiln",
      input: { presets: ["alb"], syntheticAccount: "probe", syntheticByCell: {}, cells: [], own: [] },
    });
    await addAccount(world, "acme", { cell: "eu1" });
    await must(world, "version.put", edit("https://{cell}.origins.example.net"));
    network.answer = (request) => (request.startsWith("OPTIONS") ? WELL : "HTTP/1.1 200 OK\r\n\r\n");
    expect(await run(world)).toMatchObject({ default: "pass" });
    expect((await look(world)).uncovered).toEqual([]);
    expect(network.asked.every((text) => text.startsWith("eu1.origins.example.net "))).toBe(true);
    expect((await look(world)).probes.map(({ id }) => id)).toContain("get-ip-aws@eu1");
  });

  it("names what failed with the bytes", async ({ expect }) => {
    const { world, network } = await start();
    network.answer = incident;
    expect(await run(world)).toMatchObject({ wave: "fail", default: "fail" });
    const view = await look(world);
    expect(view.wave.failed).toEqual(expect.arrayContaining(["options-hostless", "unknown-account"]));
    expect(view.results.find(({ id }) => id === "options-hostless")?.evidence).toMatchObject({
      sent: "OPTIONS / HTTP/1.0\\r\\n\n\\r\\n\n",
      received: expect.stringContaining("500 Internal Server Error"),
    });
  });

  it("is one run for two who ask at once, and one for a repeated key", async ({ expect }) => {
    const { world, network } = await start();
    const keyed = contextOf("admin", { idempotencyKey: "k" });
    const asked = { ...KILN_2, purpose: "wave" } as const;
    const [first, second] = await Promise.all([run(world), world.control.runPreflight(asked, keyed)]);
    expect(valueOf(second)).toEqual(first);
    const sent = network.asked.length;
    const once = valueOf(await world.control.runPreflight(asked, keyed));
    expect(valueOf(await world.control.runPreflight(asked, keyed))).toEqual(once);
    expect(network.asked.length).toBe(2 * sent);
    const other = await world.control.runPreflight({ ...asked, purpose: "default" }, keyed);
    expect(refusalOf(other).problem).toBe("idempotency-mismatch");
  });

  it("sends nothing where the router may not connect, or for whom may not", async ({ expect }) => {
    const { world, network } = await start();
    const asked = { ...KILN_2, purpose: "wave" } as const;
    const by = async (context: ReturnType<typeof contextOf>): Promise<string> =>
      refusalOf(await world.control.runPreflight(asked, context)).problem;
    expect(await by(contextOf("support"))).toBe("forbidden");
    const limited = { name: "l", role: "deployer", products: ["fogbugz"] } as const;
    expect(await by({ ...contextOf(), actor: limited })).toBe("forbidden");
    expect(await by(contextOf("admin", { ifMatch: 99 }))).toBe("stale-revision");
    world.db.run("UPDATE versions SET origin = 'https://elsewhere.example.org' WHERE name = '2'");
    expect(await by(contextOf())).toBe("conflict");
    expect(network.asked).toEqual([]);
  });

  it("is given up when the origin changes while it is under way", async ({ expect }) => {
    const { world, network } = await start();
    let changed = false;
    network.meanwhile = async () => {
      if (changed) return;
      changed = true;
      await must(world, "version.put", edit("https://other.origins.example.net"));
    };
    const result = await world.control.runPreflight({ ...KILN_2, purpose: "wave" }, contextOf());
    expect(refusalOf(result)).toMatchObject({ problem: "conflict" });
    expect((await look(world)).runs).toEqual([]);
  });
});

describe("the default", () => {
  it("moves on a preflight that passed within the hour, and on no older one", async ({ expect }) => {
    const { world } = await start();
    expect(await refused(world, "product.default.set", promote())).toMatch(
      /^preflight-missing: kiln 2: nothing has tried it .*firebreak preflight kiln 2 --for default.*force/,
    );
    await run(world);
    world.clock.now += 61 * MINUTE_MS;
    expect(await refused(world, "product.default.set", promote())).toContain("more than 60 minutes ago");
    world.clock.now -= 2 * MINUTE_MS;
    expect(await must(world, "product.default.set", promote())).toMatchObject({ default: "2", standby: "1" });
  });

  it("is refused with the names of what failed, and moves by force", async ({ expect }) => {
    const { world, network } = await start();
    network.answer = incident;
    await run(world);
    const refusal = refusalOf(await world.control.execute("product.default.set", promote(), contextOf()));
    expect(refusal.problem).toBe("preflight-missing");
    expect(refusal.detail).toMatch(/failed: options-hostless.*unknown-account/);
    expect(refusal.extensions).toMatchObject({
      verdict: "fail",
      failed: expect.arrayContaining(["options-hostless"]),
    });
    expect(await must(world, "product.default.set", promote(true))).toMatchObject({ default: "2" });
  });

  it("does not move on a run of other settings or another origin", async ({ expect }) => {
    const { world } = await start();
    await run(world);
    const input = { presets: [], syntheticAccount: null, syntheticByCell: {}, cells: [], own: [] };
    await must(world, "preflight.settings.set", { product: "kiln", input });
    expect(await refused(world, "product.default.set", promote())).toContain("settings have changed since");
    expect((await look(world)).runs).toMatchObject([{ stale: true }]);
    await run(world);
    await must(world, "version.put", edit("https://other.origins.example.net"));
    expect(await refused(world, "product.default.set", promote())).toContain("nothing has tried it");
    expect((await look(world)).runs).toEqual([]);
  });
});

describe("a waiver", () => {
  it("lets accounts move past a failure, and never the default", async ({ expect }) => {
    const { world, network } = await start();
    network.answer = (request) => (request.startsWith("OPTIONS *") ? ILL : WELL);
    await run(world);
    await must(world, "preflight.waive", waive("options-asterisk", "wave"));
    const view = await look(world);
    expect([view.wave.verdict, view.default.verdict]).toEqual(["pass", "fail"]);
    expect(view.waivers).toMatchObject([{ probe: "options-asterisk", target: "wave", by: "the-admin" }]);
    expect(await refused(world, "preflight.waive", waive("options-asterisk", "default"))).toMatch(
      /^conflict: .*not waived/,
    );
    expect(await refused(world, "preflight.waive", waive("no-such-probe", "wave"))).toMatch(
      /^not-found: .*get-ip/,
    );
    const back = { ...KILN_2, probe: "options-asterisk", target: "wave", reason: "fixed" } as const;
    await must(world, "preflight.waiver.withdraw", back);
    expect((await look(world)).wave.verdict).toBe("fail");
    expect(await refused(world, "preflight.waiver.withdraw", back)).toMatch(/^not-found/);
  });

  it("lets the default past what nothing was heard of, until the origin changes", async ({ expect }) => {
    const { world, network } = await start();
    network.answer = (request) => (request.startsWith("OPTIONS *") ? null : WELL);
    await run(world);
    expect((await look(world)).default).toMatchObject({
      verdict: "inconclusive",
      unreachable: ["options-asterisk"],
    });
    await must(world, "preflight.waive", waive("options-asterisk", "default"));
    expect((await look(world)).default.verdict).toBe("pass");
    await must(world, "version.put", edit("https://other.origins.example.net"));
    expect((await look(world)).waivers).toEqual([]);
  });
});

describe("preflight.record", () => {
  it("counts where the control plane heard nothing, under the sender's name", async ({ expect }) => {
    const { world, network } = await start();
    network.answer = () => null;
    await run(world);
    expect((await look(world)).wave.verdict).toBe("inconclusive");
    await must(world, "preflight.record", await reportOf(world, "pass"));
    const view = await look(world);
    expect([view.wave.verdict, view.default.verdict]).toEqual(["pass", "pass"]);
    expect(view.runs.map(({ from, by }) => [from, by])).toEqual([
      ["here", "the-admin"],
      ["control", "the-deployer"],
    ]);
    expect(view.results[0]).toMatchObject({
      title: "OPTIONS / HTTP/1.0 without Host",
      evidence: { from: "here" },
    });
  });

  it("turns no failure into a pass", async ({ expect }) => {
    const { world, network } = await start();
    network.answer = incident;
    await run(world);
    await must(world, "preflight.record", await reportOf(world, "pass"));
    expect((await look(world)).wave.verdict).toBe("fail");
  });

  it("refuses another origin, strange probes and one twice", async ({ expect }) => {
    const { world } = await start();
    const sound = await reportOf(world, "pass");
    const [one] = sound.report.results;
    if (one === undefined) throw new Error("an empty matrix");
    const send = (report: Partial<typeof sound.report>): Promise<string> =>
      refused(world, "preflight.record", { ...KILN_2, report: { ...sound.report, ...report } });
    expect(await send({ origin: "https://old.origins.example.net" })).toMatch(/^conflict: .*run it again/);
    expect(await send({ results: [{ ...one, id: "own-strange" }] })).toMatch(/^invalid: .*own-strange/);
    expect(await send({ results: [one, one] })).toMatch(/^invalid: .*twice/);
  });
});

describe("an export", () => {
  it("takes windows, freezes, settings, runs with evidence and waivers along", async ({ expect }) => {
    const { world } = await start();
    await run(world);
    await must(world, "preflight.waive", waive("options-asterisk", "wave"));
    await must(world, "window.put", { name: "n", windows: [{ from: "22:00", to: "02:00", zone: "UTC" }] });
    const freeze = { from: "2026-12-20", to: "2027-01-03", zone: "UTC", scope: {}, reason: "r" };
    await must(world, "freeze.put", { name: "f", input: freeze });
    const lines: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page = exportPage(world.db, cursor, world.clock.now);
      lines.push(...page.lines);
      cursor = page.cursor;
      if (cursor === null) break;
    }
    const before = await look(world);
    const { actor } = contextOf();
    const other = createWorld({ db: createMemoryDb() });
    valueOf(await other.control.restoreBegin(actor, "drill"));
    valueOf(await other.control.restoreLines(lines));
    valueOf(await other.control.restoreEnd(0));
    expect(await look(other)).toEqual(before);
    expect(valueOf(await other.control.query("windows", {}))).toMatchObject([{ name: "n" }]);
    expect(valueOf(await other.control.query("freezes", {}))).toMatchObject([{ name: "f" }]);
  });
});
