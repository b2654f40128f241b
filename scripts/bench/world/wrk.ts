/**
 * Load by wrk over keep-alive connections, with the headers of a browser and many hosts in turn, all of them made before
 * the first request so that the generator costs as little as it can. An answer that is no 2xx makes the round worthless.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, HOST, outputOf } from "./process.ts";

const CONNECTIONS = 32;

/** As a browser sends them, without Host. */
const HEADERS = {
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Encoding": "gzip, deflate, br",
  "Accept-Language": "en-GB,en;q=0.7,de;q=0.3",
  Cookie: "session=0123456789abcdef0123456789abcdef; theme=dark",
  "Sec-Fetch-Dest": "document",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Site": "same-origin",
  "Upgrade-Insecure-Requests": "1",
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
};

export interface Wrk {
  /** Asks one port for so long. @throws when an answer was no 2xx or 3xx, or a connection failed. */
  run(
    port: number,
    seconds: number,
  ): Promise<{ readonly requestsPerSecond: number; readonly requests: number }>;
  stop(): void;
}

/** Prepares a load over these hosts. */
export function createWrk(hosts: readonly string[]): Wrk {
  const program = findProgram("wrk");
  const folder = mkdtempSync(join(tmpdir(), "firebreak-wrk-"));
  const file = join(folder, "hosts.lua");
  writeFileSync(file, script(hosts));
  return {
    async run(port, seconds) {
      const flags = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "10s", "-s", file];
      const text = await outputOf(program, [...flags, `http://${HOST}:${port}/`]);
      const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(text)?.[1];
      const requests = /(\d+) requests in/.exec(text)?.[1];
      const isBad = text.includes("Non-2xx") || text.includes("Socket errors");
      if (rate === undefined || requests === undefined || isBad) throw new Error(`wrk says: ${text}`);
      return { requestsPerSecond: Number(rate), requests: Number(requests) };
    },
    stop: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function script(hosts: readonly string[]): string {
  const headers = Object.entries(HEADERS).map(([name, value]) => `["${name}"]="${value}"`);
  const list = hosts.map((host) => `"${host}"`).join(",\n");
  return `local hosts = {\n${list}\n}
local made = {}
local at = 0
function init(args)
  for i, host in ipairs(hosts) do
    made[i] = wrk.format("GET", "/cases/4711?tab=history", { ["Host"]=host, ${headers.join(", ")} })
  end
end
function request()
  at = at % #made + 1
  return made[at]
end
`;
}
