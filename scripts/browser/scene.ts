/**
 * A demo world in which every page of the dashboard has something to show: a window, a freeze to come, accounts that are
 * set apart, a token, and a draft of a rollout. Made through the admin API alone; what moves afterwards is moved by the
 * pages' own buttons. Used by the tests in a real browser and by `npm run screenshots`.
 */
import type { AdminClient } from "../local/admin-client.ts";

/** The draft: staff, then forty of a hundred at a pace, then the rest when somebody says yes. */
export const ROLLOUT = "autumn";
/** A second draft, which stays one. */
export const DRAFT = "winter";

const WAVES = [
  { name: "staff", cohorts: ["internal"], percent: 100, bake: { minutes: 10 } },
  { name: "forty", cohorts: ["*"], percent: 40, percentPerMinute: 10 },
  { name: "rest", cohorts: ["*"], percent: 100, approve: "before", bake: { minutes: 600 } },
] as const;

const REASON = "a page to look at";
const DAY_MS = 24 * 60 * 60_000;

/** In UTC, at a full second. */
function inDays(days: number): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 19)}Z`;
}

/** Numbers, but nothing that a person would have to answer: for pictures with traffic behind them. */
export const WATCHED = { gate: { minAccounts: 20, minRequests: 300, onInconclusive: "hold" } } as const;

/** Sets the scene; to be done once for an instance. @param more members of the plan. */
export async function setScene(admin: AdminClient, more: object = {}): Promise<void> {
  const put = (path: string, body: object): Promise<unknown> => admin.must({ method: "PUT", path, body });
  const post = (path: string, body: object): Promise<unknown> => admin.must({ method: "POST", path, body });
  await put("windows/weekend-nights", {
    windows: [{ days: ["fri", "sat", "sun"], from: "20:00", to: "06:00", zone: "account" }],
  });
  await put("freezes/year-end", {
    from: "2030-12-20",
    to: "2031-01-03",
    zone: "Europe/Vienna",
    scope: { products: ["kiln"] },
    reason: "Closing of the books",
  });
  await put("accounts/acme/hold", { mode: "page", message: "Back at ten", until: null, reason: REASON });
  await put("accounts/acme/quarantine/kiln", { version: "2.8.0", reason: "prints are cut off" });
  await put("accounts/acme/deferral", { until: inDays(30), owner: "eva", reason: "audit week" });
  await post("tokens", { name: "eva", role: "support", products: null });
  for (const version of ["2.8.0", "2.9.0"]) await post(`products/kiln/versions/${version}/preflight`, {});
  const targets = { kiln: "2.9.1", fogbugz: "8.8.0" };
  await put(`rollouts/${ROLLOUT}`, { id: ROLLOUT, targets, waves: WAVES, ...more });
  await put(`rollouts/${DRAFT}`, { id: DRAFT, targets: { kiln: "2.9.0" }, waves: WAVES });
}

/** Every page, by a name for its picture. Empty states are pages too. */
export const PAGES: Readonly<Record<string, string>> = {
  now: "/",
  rollouts: "/rollouts",
  rollout: `/rollouts/${ROLLOUT}`,
  "rollout-draft": `/rollouts/${DRAFT}`,
  rollback: `/rollouts/${ROLLOUT}/back?to=all`,
  product: "/products/kiln",
  accounts: "/accounts",
  "accounts-none": "/accounts?prefix=zzz-nobody",
  account: "/accounts/acme",
  "account-plain": "/accounts/amber-anchor",
  "account-request": "/accounts/amber-anchor?request=9f2c01ab34de-7k",
  explain: "/explain",
  "explain-now": "/explain?host=acme.kiln.localhost",
  "explain-later": "/explain?host=nobody.kiln.localhost&at=2030-01-01T00:00:00Z",
  calendar: "/calendar",
  "calendar-before": "/calendar?before=2030-12-24",
  preflights: "/preflight",
  preflight: "/preflight/kiln/2.8.0",
  "preflight-failed": "/preflight/kiln/2.9.0",
  "preflight-never": "/preflight/fogbugz/8.7.0",
  incident: "/incident",
  "incident-instead": `/incident?from=${encodeURIComponent("kiln 2.9.1")}&to=${encodeURIComponent("kiln 2.8.0")}&hours=2&why=uploads+fail`,
  audit: "/audit",
  "audit-none": "/audit?target=account/nobody-at-all",
  tokens: "/tokens",
  access: "/access",
};
