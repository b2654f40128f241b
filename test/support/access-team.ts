/**
 * A team of Cloudflare Access as far as the Worker sees one: RSA keys, a real HTTP server that publishes them and counts who
 * asks, and tokens signed with them. Every token can be made wrong in one way.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";
import { connectAccess } from "../../src/adapters/access.ts";
import type { Clock } from "../../src/adapters/clock.ts";
import type { AccessConfig } from "../../src/contracts/access-env.ts";
import type { AdminParts } from "./admin-builders.ts";

export const AUDIENCE = "a".repeat(64);

export interface TokenParts {
  /** Left out: the newest. */
  readonly key?: TeamKey;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Over those of a person that is well; undefined takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface TeamKey {
  readonly kid: string;
  readonly secret: CryptoKey;
  readonly shown: JWK;
}

export interface Team {
  readonly config: AccessConfig;
  readonly verify: NonNullable<AdminParts["access"]>;
  /** Times that the keys were asked for. */
  fetches(): number;
  /** Makes a key, published from now on beside those before. */
  rotate(): Promise<TeamKey>;
  /** What the server answers in place of the keys; null: the keys. `hang`: nothing, ever. */
  answer: { readonly status: number; readonly body: string } | "hang" | null;
  readonly clock: { nowMs: number };
  sign(email: string, parts?: TokenParts): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a team whose clock, and that of whoever verifies, is `clock`. */
export async function startTeam(clock: { nowMs: number }): Promise<Team> {
  const keys: TeamKey[] = [];
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches += 1;
    const { answer } = team;
    if (answer === "hang") return;
    const body = answer?.body ?? JSON.stringify({ keys: keys.map(({ shown }) => shown), public_certs: [] });
    response.writeHead(answer?.status ?? 200, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = { issuer, keysUrl: `${issuer}/cdn-cgi/access/certs`, audiences: [AUDIENCE] };
  // Real time for what waits, the test's for what is judged.
  const timer: Clock = {
    nowMs: () => clock.nowMs,
    random: () => 0,
    sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms).unref()),
  };
  const verify = connectAccess(config, { clock: timer, logger: { line: () => undefined } });
  if (verify === null) throw new Error("a team that is configured has a verifier");
  const team: Team = {
    config,
    verify,
    clock,
    answer: null,
    fetches: () => fetches,
    rotate: async () => {
      const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
      const kid = `key-${keys.length + 1}`;
      const shown = { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" };
      const made = { kid, secret: privateKey, shown };
      keys.push(made);
      return made;
    },
    sign: async (email, { key, header = {}, claims = {} } = {}) => {
      const chosen = key ?? keys.at(-1);
      if (chosen === undefined) throw new Error("the team has no key yet");
      const now = Math.floor(clock.nowMs / 1000);
      const whole = {
        aud: [AUDIENCE],
        email,
        exp: now + 3600,
        iat: now,
        nbf: now,
        iss: issuer,
        type: "app",
        sub: "7335d417-61da-459d-899c-0a01c76a2f94",
        country: "DE",
        ...claims,
      };
      const kept = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
      return new SignJWT(kept)
        .setProtectedHeader({ alg: "RS256", kid: chosen.kid, ...header })
        .sign(chosen.secret);
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  await team.rotate();
  return team;
}

/** What an admin API needs to stand behind a team's Access. */
export function throughAccess({ config, verify }: Team): Pick<AdminParts, "access" | "config"> {
  return { access: verify, config: { access: config } };
}
