/**
 * `npm run release -- --env production`: uploads this checkout and takes traffic to it in shares, or back. Exit code 0 when
 * the new version has all traffic, 1 when it was refused or taken back, 2 when called otherwise, 3 when the way back failed
 * and somebody must act, 130 when interrupted. Wrangler signs in as it always does; the router's token is FIREBREAK_TOKEN.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { askStatus, probe, type Target } from "./release/probes.ts";
import { release, type Outcome, type World } from "./release/release.ts";
import { tellRelease, type Wanted } from "./release/shares.ts";
import { createWrangler } from "./release/wrangler.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const EXIT_USAGE = 2;
const EXIT_CODES: Readonly<Record<Outcome, number>> = {
  done: 0,
  refused: 1,
  back: 1,
  stuck: 3,
  interrupted: 130,
};

const USAGE = `npm run release -- --env production|staging [flags]

  --shares 1,10,50,100   percent of the traffic, step by step
  --wait 300             seconds at each share, looking every 30
  --account SLUG         probe this account too, at the first domain of the first product
  --admin-host HOST, --domain DOMAIN   where to probe (default: as wrangler.toml says)
  --message TEXT         kept with the version (default: release)
  --through URL          connect there for probes, whatever the host
  --timeout 300          seconds that wrangler may take for one thing
  --wrangler FILE        another executable in wrangler's place
  --dry-run              print the command lines and do nothing

FIREBREAK_TOKEN: a token of the router (viewer is enough). Ctrl-C stops and says how to go back.
`;

const OPTIONS = {
  env: { type: "string" },
  shares: { type: "string", default: "1,10,50,100" },
  wait: { type: "string", default: "300" },
  account: { type: "string" },
  "admin-host": { type: "string" },
  domain: { type: "string" },
  message: { type: "string", default: "release" },
  through: { type: "string" },
  timeout: { type: "string", default: "300" },
  wrangler: { type: "string" },
  "dry-run": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

interface Asked {
  readonly wanted: Wanted;
  readonly target: Omit<Target, "worker">;
  readonly timeoutMs: number;
  readonly wrangler: string | null;
  readonly dryRun: boolean;
}

/** @throws Error with a sentence for people. */
async function readArguments(args: readonly string[]): Promise<Asked | null> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) return null;
  const { env, domain, "admin-host": adminHost } = values;
  if ((domain === undefined) !== (adminHost === undefined))
    throw new Error("--admin-host and --domain go together");
  if (env !== "production" && env !== "staging") throw new Error("--env must be production or staging");
  const shares = values.shares.split(",").map(Number);
  const rising = shares.every((share, at) => share > (shares[at - 1] ?? 0) && share <= 100);
  if (!rising || shares.at(-1) !== 100)
    throw new Error("--shares must rise and end with 100, as in 1,10,50,100");
  const seconds = (name: "wait" | "timeout"): number => {
    const value = Number(values[name]);
    if (values[name] === "" || !(value >= 0)) throw new Error(`--${name} must be a number of seconds`);
    return value * 1000;
  };
  const through = values.through === undefined ? null : URL.parse(values.through);
  if (values.through !== undefined && through === null) throw new Error("--through must be a URL");
  const token = process.env["FIREBREAK_TOKEN"] ?? "";
  if (token === "" && !values["dry-run"]) throw new Error("FIREBREAK_TOKEN is not set: `status` needs it");
  return {
    wanted: {
      env: env === "production" ? "--env=" : `--env=${env}`,
      shares,
      waitMs: seconds("wait"),
      message: values.message,
    },
    target: {
      ...(adminHost === undefined || domain === undefined
        ? await readHosts(env === "production" ? undefined : env)
        : { adminHost, domain }),
      account: values.account ?? null,
      token,
      through,
    },
    timeoutMs: seconds("timeout"),
    wrangler: values.wrangler ?? null,
    dryRun: values["dry-run"],
  };
}

/** The admin host and a base domain, as wrangler.toml says them for that environment. */
async function readHosts(env: string | undefined): Promise<Pick<Target, "adminHost" | "domain">> {
  // All of wrangler is a second of reading, which is not needed where both are given.
  const { unstable_readConfig } = await import("wrangler");
  const { vars } = unstable_readConfig({
    config: join(ROOT, "wrangler.toml"),
    ...(env === undefined ? {} : { env }),
  });
  const fallback = JSON.parse(String(vars["FALLBACK"])) as Record<string, { domains: string[] }>;
  const domain = Object.values(fallback)[0]?.domains[0];
  if (domain === undefined) throw new Error("FALLBACK of wrangler.toml names no domain to probe");
  return { adminHost: String(vars["ADMIN_HOST"]), domain };
}

function createWorld({ target, timeoutMs, wrangler }: Asked): {
  readonly world: World;
  readonly interrupt: () => void;
} {
  const own = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  let interrupted = false;
  let wake: (() => void) | null = null;
  const world: World = {
    wrangler: createWrangler({
      command: wrangler === null ? [process.execPath, own] : [wrangler],
      cwd: ROOT,
      timeoutMs,
    }),
    probe: (versions) => probe({ ...target, worker: versions.worker }, versions),
    alarms: async (version, worker) => (await askStatus({ ...target, worker }, version)).alarms,
    reached: async (version, worker) => (await askStatus({ ...target, worker }, version)).version,
    sleep: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, interrupted ? 0 : ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    interrupted: () => interrupted,
    say: (line) => void process.stdout.write(`${line}\n`),
  };
  return {
    world,
    interrupt: () => {
      interrupted = true;
      wake?.();
    },
  };
}

async function main(args: readonly string[]): Promise<number> {
  let asked: Asked | null;
  try {
    asked = await readArguments(args);
  } catch (error) {
    process.stderr.write(`release: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (asked === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { world, interrupt } = createWorld(asked);
  if (asked.dryRun) {
    const lines = tellRelease(world.wrangler, asked.wanted);
    process.stdout.write(
      `${lines.join("\n")}\nProbes at ${asked.target.adminHost} and ${asked.target.domain} after each share.\nDry run: nothing was done.\n`,
    );
    return 0;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      world.say("Stopping: what wrangler is doing is waited for.");
      interrupt();
    });
  return EXIT_CODES[await release(world, asked.wanted)];
}

process.exitCode = await main(process.argv.slice(2));
