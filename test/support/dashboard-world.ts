/** A dashboard over a real control plane (its own SQLite, a recording KV), and a browser-like client with a cookie. */
import { createDashboard } from "../../src/dashboard/app.tsx";
import { PROOF_FIELD, proofOf } from "../../src/dashboard/session.ts";
import { throughAccess, type Team } from "./access-team.ts";
import { ADMIN_HOST, BOOT_TOKEN, buildAdmin, type AdminParts, type TestAdmin } from "./admin-builders.ts";
import { createMemoryDb } from "./control-db.ts";
import { addProducts, createWorld, type World } from "./control-world.ts";

export interface Browser {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends a form of the session, with its proof unless `fields` say otherwise. */
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  /** The cookie that it holds, null when none. */
  cookie(): string | null;
}

export interface DashboardWorld {
  readonly world: World;
  readonly admin: TestAdmin;
  /** A browser nobody has signed in with. */
  readonly browser: () => Browser;
  /** A browser signed in with a token, the bootstrap one if not said otherwise. */
  readonly signedIn: (token?: string) => Promise<Browser>;
}

/** Two products with two versions each (or the world that is given), and nobody signed in. `team`: behind whose Access. */
export async function createDashboardWorld(
  given?: World,
  team?: Team,
  parts: AdminParts = {},
): Promise<DashboardWorld> {
  const world = given ?? createWorld({ db: createMemoryDb() });
  if (given === undefined) await addProducts(world);
  const admin = buildAdmin({
    ...parts,
    real: world.control,
    ...(team === undefined ? {} : throughAccess(team)),
  });
  admin.clock.nowMs = world.clock.now;
  const handle = createDashboard({
    admin: admin.admin,
    notes: admin.notes,
    access: team?.config ?? null,
    log: (event, fields) => void admin.log.push(JSON.stringify({ event, ...fields })),
    nowMs: () => world.clock.now,
    requestId: () => "req",
  });

  function browser(): Browser {
    let cookie: string | null = null;
    async function send(request: Request): Promise<Response> {
      if (cookie !== null) request.headers.set("cookie", cookie);
      const response = await handle(request, { waitUntil: () => undefined });
      const set = response.headers.get("set-cookie");
      if (set !== null) cookie = set.includes("Max-Age=0") ? null : (set.split(";")[0] ?? null);
      return response;
    }
    return {
      cookie: () => cookie,
      get: (path, headers = {}) => send(new Request(`https://${ADMIN_HOST}${path}`, { headers })),
      async post(path, fields, headers = {}) {
        const proof = cookie === null ? {} : { [PROOF_FIELD]: await proofOf(cookie.split("=")[1] ?? "") };
        const body = new URLSearchParams({ ...proof, ...fields }).toString();
        return send(
          new Request(`https://${ADMIN_HOST}${path}`, {
            method: "POST",
            body,
            headers: {
              "content-type": "application/x-www-form-urlencoded",
              "content-length": String(body.length),
              origin: `https://${ADMIN_HOST}`,
              "sec-fetch-site": "same-origin",
              ...headers,
            },
          }),
        );
      },
    };
  }
  return {
    world,
    admin,
    browser,
    async signedIn(token = BOOT_TOKEN) {
      const made = browser();
      const answer = await made.post("/sign-in", { token });
      if (answer.status !== 303) throw new Error(`signing in was answered ${answer.status}`);
      return made;
    },
  };
}
