/**
 * Cloudflare Access before a node on workerd: the built Worker fetches the keys of a real server, checks real signatures and
 * asks the real control plane what is granted. Every host but the admin's knows nothing of it.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { startNodes, type Nodes } from "../../scripts/local/nodes.ts";
import { AUDIENCE, startTeam, type Team } from "../support/access-team.ts";
import { sendRaw } from "../support/edge-node.ts";

const ALICE = "alice@example.com";
const clock = { nowMs: Date.now() };

let team: Team;
let nodes: Nodes;
const lines: string[] = [];
beforeAll(async () => {
  team = await startTeam(clock);
  nodes = await startNodes({
    nodes: 2,
    port: 0,
    storage: null,
    vars: {
      ADMIN_HOST: "localhost",
      FALLBACK: '{"kiln":{"domains":["kiln.localhost"]}}',
      ADMIN_TOKENS: "dev:admin:dev-token-0001",
      ACCESS_TEAM: team.config.issuer,
      ACCESS_AUD: AUDIENCE,
      TRUSTED_PROXY: "1",
    },
    log: (line) => lines.push(line),
  });
});
afterAll(async () => {
  await nodes?.stop();
  await team?.stop();
});

interface Init extends RequestInit {
  /** Counted from 1; each is an isolate of its own. */
  readonly node?: number;
}

function ask(
  path: string,
  headers: Readonly<Record<string, string>>,
  { node = 1, ...init }: Init = {},
): Promise<Response> {
  const port = nodes.ports[node - 1] ?? 0;
  return fetch(`http://localhost:${port}${path}`, { ...init, headers, redirect: "manual" });
}

const WHO = "/api/v1/whoami";
const BEARER = { authorization: "Bearer dev-token-0001" };

describe("Access before a real node", () => {
  it("is no way in, nor in anybody's, while its keys cannot be had", async ({ expect }) => {
    team.answer = { status: 500, body: "" };
    const through = { "cf-access-jwt-assertion": await team.sign(ALICE) };
    const refused = await ask(WHO, through, { node: 2 });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(await refused.text()).toContain("A token opens everything as before");
    expect((await ask(WHO, { ...through, ...BEARER }, { node: 2 })).status).toBe(200);
    team.answer = null;
  });

  it("opens what is granted, page and API, where they are there", async ({ expect }) => {
    const body = JSON.stringify({ role: "operator" });
    const headers = { ...BEARER, "content-type": "application/json" };
    const granted = await ask(`/api/v1/access/${ALICE}`, headers, { method: "PUT", body });
    expect(granted.status).toBe(200);
    const through = { "cf-access-jwt-assertion": await team.sign(ALICE) };
    const answer = await ask(WHO, through);
    expect(await answer.json()).toEqual({ name: ALICE, role: "operator", products: null });
    expect(team.fetches()).toBe(2);
    const page = await ask("/", through);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(`Sign out ${ALICE}`)]);
  });

  it("refuses a flood of unknown keys and all that is forged, with no fetch for any", async ({ expect }) => {
    const before = team.fetches();
    const now = Date.now() / 1000;
    const bad = await Promise.all([
      ...Array.from({ length: 200 }, (_, n) => team.sign(ALICE, { header: { kid: `made-up-${n}` } })),
      team.sign(ALICE, { claims: { exp: Math.floor(now) - 3600 } }),
      team.sign(ALICE, { claims: { aud: ["f".repeat(64)] } }),
      team.sign(ALICE, { claims: { iss: "https://evil.cloudflareaccess.com" } }),
    ]);
    const none = `${btoa('{"alg":"none","kid":"key-1"}').replace(/=+$/, "")}.${(await team.sign(ALICE)).split(".")[1]}.`;
    const statuses = await Promise.all(
      [...bad, none].map(async (assertion, n) => {
        const from = { "x-forwarded-for": `192.0.2.${n % 250}` };
        return (await ask(WHO, { ...from, "cf-access-jwt-assertion": assertion })).status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([401]));
    expect(team.fetches() - before).toBeLessThanOrEqual(1);
    expect((await ask(WHO, { "cf-access-jwt-assertion": await team.sign(ALICE) })).status).toBe(200);
    expect(lines.join("\n")).not.toContain(bad[0]);
  });

  it.for(["acme.kiln.localhost", "kiln.localhost", "elsewhere.example", ""])(
    "is nothing on the host %j, where no page and no operation of the admin surface is",
    async (host, { expect }) => {
      const assertion = await team.sign(ALICE);
      for (const path of ["/", WHO, "/api/v1/status", "/sign-in", "/access", "/readyz"]) {
        const { status, headers, body } = await sendRaw(
          nodes.ports[0] ?? 0,
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nCf-Access-Jwt-Assertion: ${assertion}\r\nAuthorization: Bearer dev-token-0001\r\nConnection: close\r\n\r\n`,
        );
        // Health where there is no host, a problem of the edge everywhere else: this node has no maps.
        expect([path, status]).toEqual([path, host === "" ? 200 : 503]);
        expect(headers.join("\n")).not.toMatch(/set-cookie|www-authenticate/i);
        expect(body).not.toMatch(/operator|Sign in|Generation|openapi/);
      }
    },
  );
});
