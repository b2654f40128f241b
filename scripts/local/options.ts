/**
 * The flags of `npm start`. All problems are told together, each as a sentence that names the flag.
 * Defaults live here and nowhere else; `--port 0` takes free ports, for tests and second copies.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../src/contracts/result.ts";

const DEFAULT_PORT = 8787;
const DEFAULT_NODES = 2;
const MAX_NODES = 8;
const MAX_PORT = 65_535;
const MAX_HOPS = 8;

/** The one token of a local run, with the role admin. */
export const ADMIN_TOKEN = "dev";

/** Signs what the router sends to the demo versions. No secret: everything here is on loopback. */
export const LOCAL_ORIGIN_KEY = "local:not-a-secret-on-loopback";

export interface LocalOptions {
  /** Port of the first node, the others follow it; 0: any free ones. */
  readonly port: number;
  readonly nodes: number;
  /** Absolute path of the folder that keeps everything between starts. */
  readonly state: string;
  /** Without the demo world: no products, no accounts, no demo servers. */
  readonly bare: boolean;
  /** Whether the runner ticks once a minute by itself. */
  readonly tick: boolean;
  /** Load balancers in front whose X-Forwarded-For is believed; 0: nobody's. */
  readonly trustedProxy: number;
  /** Nodes without meters, not the first; no flag, see `NodesOptions`. */
  readonly unmetered?: readonly number[];
  /** Whether what nodes hold in memory can be asked; no flag: for the soak. */
  readonly inspected?: boolean;
  /** How old what KV answers may be, for moves that carry data; no flag: for tests and the drill, whose KV does not lag. */
  readonly settleSeconds?: number;
}

export const USAGE = `npm start -- [flags]

  --port N           port of the first node, the others follow it (${DEFAULT_PORT}; 0: any free ones)
  --nodes N          how many nodes (${DEFAULT_NODES})
  --state FOLDER     where everything is kept between starts (.firebreak)
  --bare             without demo products, accounts and servers
  --tick on|off      the minute clock of the runner (on)
  --trusted-proxy N  load balancers in front whose X-Forwarded-For is believed (0)
  --help             this text
`;

/**
 * Parses the command line.
 * @returns `help` when it was asked for, the options, or every problem found.
 */
export function parseOptions(args: readonly string[]): Result<LocalOptions | "help", readonly string[]> {
  const problems: string[] = [];
  const values = readFlags(args, problems);
  if (values["help"] === true) return ok("help");
  const options: LocalOptions = {
    port: parseNumber("--port", values["port"], {
      otherwise: DEFAULT_PORT,
      lowest: 0,
      highest: MAX_PORT,
      problems,
    }),
    nodes: parseNumber("--nodes", values["nodes"], {
      otherwise: DEFAULT_NODES,
      lowest: 1,
      highest: MAX_NODES,
      problems,
    }),
    state: resolve(typeof values["state"] === "string" ? values["state"] : ".firebreak"),
    bare: values["bare"] === true,
    tick: parseSwitch(values["tick"], problems),
    trustedProxy: parseNumber("--trusted-proxy", values["trusted-proxy"], {
      otherwise: 0,
      lowest: 0,
      highest: MAX_HOPS,
      problems,
    }),
  };
  if (options.port !== 0 && options.port + options.nodes - 1 > MAX_PORT) {
    problems.push(`--port ${options.port} leaves no room for ${options.nodes} nodes below ${MAX_PORT}`);
  }
  return problems.length === 0 ? ok(options) : err(problems);
}

type Flags = Readonly<Record<string, string | boolean | undefined>>;

function readFlags(args: readonly string[], problems: string[]): Flags {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string" },
        nodes: { type: "string" },
        state: { type: "string" },
        bare: { type: "boolean" },
        tick: { type: "string" },
        "trusted-proxy": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    return values;
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return {};
  }
}

interface Bounds {
  readonly otherwise: number;
  readonly lowest: number;
  readonly highest: number;
  readonly problems: string[];
}

function parseNumber(flag: string, text: string | boolean | undefined, bounds: Bounds): number {
  const { otherwise, lowest, highest, problems } = bounds;
  if (text === undefined) return otherwise;
  const value = typeof text === "string" && /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= lowest && value <= highest) return value;
  problems.push(`${flag} must be a whole number from ${lowest} to ${highest}, not "${text}"`);
  return otherwise;
}

function parseSwitch(text: string | boolean | undefined, problems: string[]): boolean {
  if (text === undefined || text === "on") return true;
  if (text !== "off") problems.push(`--tick must be on or off, not "${text}"`);
  return false;
}
