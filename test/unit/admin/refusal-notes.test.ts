/** What the admin surface refuses is in the audit of the real control plane, in bounded numbers, and slows no answer. */
import { describe, it } from "vitest";
import { createRefusalNotes } from "../../../src/admin/refusal-notes.ts";
import { MAX_REFUSED_BATCH, type RefusedAttempts } from "../../../src/contracts/refused.ts";
import { buildAdmin, NOW_MS } from "../../support/admin-builders.ts";
import { createDashboardWorld, type DashboardWorld } from "../../support/dashboard-world.ts";
import { refusedEntry, refusedIn } from "../../support/refused-entries.ts";

const FROM = { "cf-connecting-ip": "192.0.2.7" };
const FOREIGN = { origin: "https://evil.test", "sec-fetch-site": "cross-site" };

function send(made: DashboardWorld, token: string | null): Promise<Response> {
  const init = { method: "PUT", json: { halt: true, reason: "r" }, headers: FROM };
  return made.admin.call("/api/v1/halt", { ...init, token });
}

describe("what is refused", () => {
  it("is noted by kind, with the address and what was tried", async ({ expect }) => {
    const made = await createDashboardWorld();
    expect((await send(made, "no-such-token")).status).toBe(401);
    expect(await refusedEntry(made, "refused.token")).toMatchObject({
      actor: "anonymous",
      target: "source/192.0.2.7",
      reason: expect.stringContaining("tried once: "),
    });
    expect((await send(made, null)).status).toBe(401);
    expect(await refusedEntry(made, "refused.no-token")).toBeDefined();
    expect((await send(made, `fbs_${"x".repeat(43)}`)).status).toBe(401);
    expect(await refusedEntry(made, "refused.session")).toBeDefined();
  });

  it("names who may not do what was tried", async ({ expect }) => {
    const made = await createDashboardWorld();
    expect((await send(made, "boot-viewer-0001")).status).toBe(403);
    expect(await refusedEntry(made, "refused.forbidden")).toMatchObject({
      actor: "boot-viewer",
      role: "viewer",
    });
  });

  it("has what only the control plane knew to refuse", async ({ expect }) => {
    const made = await createDashboardWorld();
    const put = (path: string, json: unknown, method = "PUT"): Promise<Response> =>
      made.admin.call(path, { method, json });
    await put("/api/v1/accounts/acme", { timeZone: "UTC", cohort: "general" });
    const issued = await put(
      "/api/v1/tokens",
      { name: "narrow", role: "operator", products: ["other"] },
      "POST",
    );
    const { token }: { token: string } = await issued.json();
    const hold = { mode: "page", message: null, until: null, reason: "r" };
    const init = { method: "PUT", token, json: hold, headers: FROM };
    expect((await made.admin.call("/api/v1/accounts/acme/hold", init)).status).toBe(403);
    expect(await refusedEntry(made, "refused.forbidden")).toMatchObject({
      actor: "narrow",
      detail: { operation: "accounts.hold.set" },
    });
  });

  it("has foreign forms, forms without proof and failed sign-ins", async ({ expect }) => {
    const made = await createDashboardWorld();
    const browser = await made.signedIn();
    expect((await browser.post("/halt", { on: "true", reason: "r" }, FOREIGN)).status).toBe(403);
    expect((await refusedEntry(made, "refused.foreign-site"))?.detail).toMatchObject({
      operation: "form /halt",
    });
    expect((await browser.post("/halt", { on: "true", reason: "r", proof: "forged" })).status).toBe(403);
    expect(await refusedEntry(made, "refused.form")).toBeDefined();
    expect((await made.browser().post("/sign-in", { token: "wrong-token-0001" })).status).toBe(401);
    const failed = await refusedEntry(made, "refused.token");
    expect(failed?.detail).toMatchObject({ operation: "sessions.create" });
    expect(JSON.stringify(await refusedIn(made))).not.toContain("wrong-token-0001");
  });

  it("has clients that were slowed", async ({ expect }) => {
    const made = await createDashboardWorld();
    const statuses = new Set<number>();
    for (let n = 0; n < 25; n += 1) statuses.add((await send(made, `guess-${n}`)).status);
    expect([...statuses]).toEqual([401, 429]);
    expect(await refusedEntry(made, "refused.rate-limited")).toBeDefined();
  });

  it("is not what signed-in people see by looking around", async ({ expect }) => {
    const made = await createDashboardWorld();
    for (const token of ["boot-secret-0001", "boot-viewer-0001"]) {
      const browser = await made.signedIn(token);
      for (const path of ["/", "/rollouts", "/accounts", "/explain", "/calendar", "/preflight", "/incident"])
        expect((await browser.get(path)).status).toBe(200);
    }
    expect(await refusedIn(made)).toEqual([]);
  });

  it("is answered the same while the control plane takes no notes", async ({ expect }) => {
    const made = buildAdmin();
    made.control.port.noteRefused = () => new Promise(() => undefined);
    expect((await made.call("/api/v1/halt", { token: "no-such-token" })).status).toBe(401);
    made.control.port.noteRefused = () => Promise.reject(new Error("down"));
    expect((await made.call("/api/v1/halt", { token: "no-such-token" })).status).toBe(401);
  });
});

describe("the notes of an isolate", () => {
  it("hand a flood over in one bounded batch, and lose no count when that fails", async ({ expect }) => {
    const sent: (readonly RefusedAttempts[])[] = [];
    const work: Promise<unknown>[] = [];
    let down = true;
    let now = NOW_MS;
    const notes = createRefusalNotes({
      send: async (attempts) => {
        if (down) throw new Error("the object is gone");
        sent.push(attempts);
      },
      trustedProxy: { kind: "cloudflare" },
      clock: { nowMs: () => now, random: () => 0, sleep: async () => undefined },
      logger: { line: () => undefined },
    });
    const note = (address: string): void =>
      notes.note(
        {
          kind: "token",
          request: new Request("https://a.test/", { headers: { "cf-connecting-ip": address } }),
          actor: null,
          operation: "halt.set",
        },
        { waitUntil: (promise) => void work.push(promise) },
      );
    for (let n = 0; n < 10_000; n += 1) note(`2001:db8::${n.toString(16)}`);
    // The first goes at once, the rest waits together.
    expect(work).toHaveLength(2);
    await Promise.all(work);
    expect(sent).toEqual([]);
    down = false;
    now += 10_000;
    note("192.0.2.1");
    await Promise.all(work);
    const [batch = [], ...more] = sent;
    expect([more.length, batch.length <= MAX_REFUSED_BATCH]).toEqual([0, true]);
    expect(batch.reduce((sum, { count }) => sum + count, 0)).toBe(10_001);
  });
});
