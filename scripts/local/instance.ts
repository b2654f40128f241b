/**
 * Composition of the local run: state folder, demo servers, nodes, seeding, clock and control server, in the order in
 * which each needs the one before, and stopped in the opposite order. Used by `npm start`, the drill and the end-to-end
 * tests. What cannot start is told by a `StartProblem`, a sentence for people; everything else thrown is a bug.
 */
import { createServer } from "node:net";
import { createAdminClient, type AdminClient } from "./admin-client.ts";
import { startControlServer } from "./control-server.ts";
import type { DemoOrigin } from "./demo/origin.ts";
import { seedDemoWorld } from "./demo/seed.ts";
import { startDemoOrigins } from "./demo/world.ts";
import { openLogFile } from "./log-file.ts";
import { startMinuteClock } from "./minute-clock.ts";
import { startNodes, type Nodes } from "./nodes.ts";
import { ADMIN_TOKEN, LOCAL_ORIGIN_KEY, type LocalOptions } from "./options.ts";
import {
  hasCode,
  noteWorkerd,
  openStateFolder,
  releaseFolder,
  takeFolder,
  type Settings,
} from "./state-folder.ts";
import { listWorkerd } from "./workerd-processes.ts";

const HOST = "127.0.0.1";

/** Why a local run cannot start, in words for the terminal. */
export class StartProblem extends Error {}

export interface Instance {
  readonly nodes: Nodes;
  /** Front sockets, first node first. */
  readonly ports: readonly number[];
  readonly origins: readonly DemoOrigin[];
  readonly admin: AdminClient;
  readonly controlUrl: string;
  readonly logPath: string;
  /** Finds a demo server. Throws when there is none. */
  origin(product: string, version: string): DemoOrigin;
  /** Stops everything this run has started, in order; a second call waits for the first. */
  stop(): Promise<void>;
}

type Stop = () => Promise<void> | void;

/**
 * Starts a local run.
 * @throws StartProblem when a port or the folder is taken; what had been started is stopped again then.
 */
export async function startInstance(options: LocalOptions): Promise<Instance> {
  const stops: Stop[] = [];
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopping ??= stopAll(stops));
  try {
    return { ...(await start(options, stops)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stopAll(stops: Stop[]): Promise<void> {
  for (const stop of stops.reverse()) await stop();
}

async function start(options: LocalOptions, stops: Stop[]): Promise<Omit<Instance, "stop">> {
  const folder = openStateFolder(options.state);
  const control = await startControlServer();
  stops.push(() => control.stop());
  const owner = await takeFolder(folder, control.url);
  if (owner !== null) throw new StartProblem(alreadyRunning(options.state, owner));
  stops.push(() => releaseFolder(folder));

  await checkPorts(options);
  const log = openLogFile(folder.logPath);
  stops.push(() => log.close());

  const demo = options.bare ? null : await startDemoOrigins(folder.settings());
  const origins = demo?.origins ?? [];
  stops.push(async () => void (await Promise.all(origins.map((origin) => origin.stop()))));
  const settings = demo?.settings ?? folder.settings();
  folder.saveSettings(settings);

  const nodes = await startNodes({
    nodes: options.nodes,
    port: options.port,
    ...(options.unmetered === undefined ? {} : { unmetered: options.unmetered }),
    ...(options.inspected === undefined ? {} : { inspected: options.inspected }),
    storage: folder.storagePath,
    vars: createVars(options, settings),
    log: (line) => log.line(line),
  });
  stops.push(() => nodes.stop());
  noteWorkerd(folder, control.url, listWorkerd());
  const admin = createAdminClient(nodes.ports[0] ?? 0, ADMIN_TOKEN);
  stops.push(() => admin.close());

  if (!options.bare) {
    const changed = await seedDemoWorld({
      client: admin,
      origins,
      accountsImported: settings.accountsImported,
    });
    folder.saveSettings({ ...settings, accountsImported: true });
    // A node that has looked at the maps before would look again within half a minute; nobody wants to wait for that.
    if (changed)
      await Promise.all(nodes.ports.map((_, index) => nodes.act(index + 1, { action: "restart" })));
  }
  control.drive({
    ports: nodes.ports,
    origins,
    act: (node, action) => nodes.act(node, action),
    tick: (at) => nodes.tick(at),
  });
  if (options.tick) {
    const clock = startMinuteClock(
      (at) => nodes.tick(at),
      (error) => log.line(`tick failed: ${String(error)}`),
    );
    stops.push(() => clock.stop());
  }
  return {
    nodes,
    ports: nodes.ports,
    origins,
    admin,
    controlUrl: control.url,
    logPath: folder.logPath,
    origin: (product, version) => findOrigin(origins, product, version),
  };
}

function findOrigin(origins: readonly DemoOrigin[], product: string, version: string): DemoOrigin {
  const origin = origins.find((each) => each.product === product && each.version === version);
  if (origin === undefined) throw new Error(`there is no demo server ${product}/${version}`);
  return origin;
}

/** What differs from wrangler.toml: local names, loopback origins, no waiting for KV to spread, a token for one operator. */
function createVars(
  { trustedProxy, settleSeconds }: LocalOptions,
  { overrideKey }: Settings,
): Record<string, string> {
  return {
    ...(settleSeconds === undefined ? {} : { SETTLE_SECONDS: String(settleSeconds) }),
    ENVIRONMENT: "local",
    ADMIN_HOST: "localhost",
    FALLBACK: JSON.stringify({
      kiln: { domains: ["kiln.localhost"] },
      fogbugz: { domains: ["fogbugz.localhost"] },
    }),
    ORIGIN_ALLOW: `http://${HOST}:*`,
    TRUSTED_PROXY: trustedProxy === 0 ? "none" : String(trustedProxy),
    FLIP_DELAY_SECONDS: "0",
    BREAK_GLASS: "",
    ADMIN_TOKENS: `dev:admin:${ADMIN_TOKEN}`,
    OVERRIDE_KEYS: overrideKey,
    ORIGIN_KEY: LOCAL_ORIGIN_KEY,
  };
}

function alreadyRunning(state: string, owner: string): string {
  return `another run has the state folder ${state} (its control server is ${owner}).\n  Stop it with Ctrl-C, or start this one beside it with --state ANOTHER-FOLDER --port N.`;
}

/** Looks before workerd does, because its own message for a taken port does not say which. */
async function checkPorts({ port, nodes }: LocalOptions): Promise<void> {
  if (port === 0) return;
  for (let number = port; number < port + nodes; number++) {
    if (await isFree(number)) continue;
    throw new StartProblem(
      `port ${number} is in use.\n  Stop what listens there, or choose others with --port N (--port 0 takes free ones).`,
    );
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) => {
      if (hasCode(error, "EADDRINUSE") || hasCode(error, "EACCES")) resolve(false);
      else reject(error);
    });
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}
