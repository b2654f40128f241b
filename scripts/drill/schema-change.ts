/**
 * A schema change on a local instance: accounts that write all the time, a version that must not serve them together with
 * the one before, and its hooks, the very example that teams copy, of which some fail and some never answer.
 * Used by the drill of data moves and by its end-to-end test; what is expected of it is theirs.
 */
import type { AddressInfo } from "node:net";
import { run } from "../cli/program.ts";
import { createProcessTerminal } from "../cli/terminal.ts";
import { createHookServer } from "../examples/migration-hook.ts";
import { createMigration, DATA_PATH } from "../local/demo/account-data.ts";
import type { DemoOrigin } from "../local/demo/origin.ts";
import { waitUntilPublished } from "../local/demo/seed.ts";
import type { Instance } from "../local/instance.ts";
import { startLoad, type Load, type LoadAnswer } from "../local/load.ts";
import { LOCAL_ORIGIN_KEY } from "../local/options.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";

const [OLD, NEW] = ["2.8.0", "2.9.1"] as const;
const ROLLOUT = "schema-change";
const COHORT = "shops";
const TICK_EVERY_MS = 500;
const CLIENTS = 4;
const PAUSE_MS = 5;
const TIMEOUT_MS = 20_000;

export interface SchemaChangeOptions {
  /** Imported with one product, in a cohort of their own. */
  readonly accounts: readonly string[];
  /** Time that carrying one account over takes. */
  readonly takesMs: number;
  /** Accounts whose hook fails, and why. */
  readonly fails: ReadonlyMap<string, string>;
  /** Accounts whose hook never answers. */
  readonly hangs: ReadonlySet<string>;
  /** Longest wait of `tickUntil`. */
  readonly withinMs: number;
}

export interface SchemaChange {
  readonly rollout: string;
  /** The version that accounts leave, and the one they are moved to. */
  readonly home: DemoOrigin;
  readonly target: DemoOrigin;
  /** Everybody writes, again and again, at every node; faults are answers that are neither a version's nor a hold's. */
  readonly startWriting: () => Load;
  /** Declares the version and its hooks, and starts the rollout. */
  readonly begin: () => Promise<void>;
  readonly show: () => Promise<RolloutView>;
  /**
   * Ticks with the time of the wall until there is an answer: hooks and settling take real time.
   * @throws Error with the rollout's own reason when there is none in time.
   */
  readonly tickUntil: <T>(what: string, ask: () => Promise<T | null>) => Promise<T>;
  /** Ends the hooks. The instance is its owner's. */
  readonly stop: () => Promise<void>;
}

/** Host of an account. */
export function hostOf(account: string): string {
  return `${account}.kiln.localhost`;
}

/** Imports the accounts and starts the hooks; nothing moves yet. */
export async function prepareSchemaChange(
  instance: Instance,
  { accounts, withinMs, ...migration }: SchemaChangeOptions,
): Promise<SchemaChange> {
  const [home, target] = [instance.origin("kiln", OLD), instance.origin("kiln", NEW)];
  const work = createMigration({ from: home.data, to: target.data, ...migration });
  const secret = LOCAL_ORIGIN_KEY.slice(LOCAL_ORIGIN_KEY.indexOf(":") + 1);
  const hooks = createHookServer({ secret, work });
  await new Promise<void>((resolve) => hooks.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}`;
  await importAccounts(instance, accounts);

  const show = async (): Promise<RolloutView> =>
    RolloutSchema.parse(await instance.admin.must({ method: "GET", path: `rollouts/${ROLLOUT}` }));
  return {
    rollout: ROLLOUT,
    home,
    target,
    show,
    startWriting: () => startWriting(instance, accounts),
    async begin() {
      const urls = ["prepare", "verify", "undo"].flatMap((step) => [`--${step}`, `${url}/${step}`]);
      const limits = ["--hook-timeout", "1", "--hook-concurrency", "100"];
      const words = ["--mixed", "never", "--migration", "perAccount", ...urls, ...limits];
      await firebreak(instance, ["version", "register", "kiln", NEW, ...words]);
      await start(instance);
    },
    async tickUntil(what, ask) {
      const end = Date.now() + withinMs;
      for (;;) {
        await instance.nodes.tick(Date.now());
        const found = await ask();
        if (found !== null) return found;
        if (Date.now() > end) throw new Error(`waited in vain for ${what}: ${(await show()).reason}`);
        await new Promise((resolve) => setTimeout(resolve, TICK_EVERY_MS));
      }
    },
    async stop() {
      hooks.closeAllConnections();
      await new Promise((resolve) => hooks.close(resolve));
    },
  };
}

async function importAccounts({ admin }: Instance, accounts: readonly string[]): Promise<void> {
  const lines = accounts.map((account) =>
    JSON.stringify({ account, timeZone: "Europe/Paris", cohort: COHORT, products: ["kiln"] }),
  );
  await admin.must({ method: "POST", path: `accounts/import?mode=import&id=${COHORT}`, lines });
}

async function start({ admin }: Instance): Promise<void> {
  const body = {
    id: ROLLOUT,
    targets: { kiln: NEW },
    waves: [{ name: "all", cohorts: [COHORT], percent: 100, bake: { minutes: 1 } }],
  };
  await admin.must({ method: "PUT", path: `rollouts/${ROLLOUT}`, body });
  await admin.must({ method: "POST", path: `rollouts/${ROLLOUT}/start`, body: {} });
  await waitUntilPublished(admin);
}

function startWriting({ ports }: Instance, accounts: readonly string[]): Load {
  const askers = accounts.map((account) => ({
    host: hostOf(account),
    path: DATA_PATH,
    method: "POST",
    judge: judgeWrite,
  }));
  return startLoad(
    ports.map((port, node) => ({
      name: `node ${node + 1}`,
      port,
      askers: node === 0 ? askers : askers.toReversed(),
      concurrency: CLIENTS,
      pauseMs: PAUSE_MS,
      timeoutMs: TIMEOUT_MS,
    })),
  );
}

function judgeWrite({ status, headers }: LoadAnswer): string | null {
  if (status === 503) return headers["retry-after"] === undefined ? "held without Retry-After" : null;
  const by = String(headers["demo-version"] ?? "nobody");
  return status === 200 && [`kiln/${OLD}`, `kiln/${NEW}`].includes(by) ? null : `${status} by ${by}`;
}

/** Runs a verb of the command line in this process. @returns what it prints. */
export async function firebreak({ ports }: Instance, argv: readonly string[]): Promise<string> {
  const chunks: string[] = [];
  const terminal = createProcessTerminal();
  const out = { ...terminal.out, write: (text: string) => void chunks.push(text) };
  const env = { ...terminal.env, FIREBREAK_TOKEN: "dev" };
  const code = await run([...argv, "--url", `http://localhost:${ports[0] ?? 0}`], { ...terminal, env, out });
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit ${code}`);
  return chunks.join("");
}
