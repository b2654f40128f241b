/**
 * Reads what HAProxy thinks of its servers, from `show stat` on the stats socket: CSV with a head line, one row each.
 * https://docs.haproxy.org/2.6/management.html#9.1
 */
import { connect } from "node:net";

const TIMEOUT_MS = 2000;

export interface ServerState {
  readonly name: string;
  /** `UP`, `DOWN`, `UP 1/2` while going down, `DOWN 1/2` while coming back, `no check`. */
  readonly status: string;
  /** Result of the last check, such as `L7OK` or `L7STS`. */
  readonly check: string;
  /** HTTP status of the last check, null when there was none. */
  readonly checkCode: number | null;
  /** How often it went down since the start. */
  readonly downs: number;
}

/** Asks HAProxy once. Rejects when the socket does not answer. */
export async function readServers(socketPath: string): Promise<readonly ServerState[]> {
  return parseStats(await ask(socketPath, "show stat\n"));
}

function parseStats(csv: string): ServerState[] {
  const [head = "", ...rows] = csv.replace(/^# /, "").split("\n");
  const columns = head.split(",");
  return rows
    .map((row) => {
      const cells = row.split(",");
      return (column: string): string => cells[columns.indexOf(column)] ?? "";
    })
    .filter((cell) => cell("pxname") === "nodes" && cell("svname") !== "BACKEND")
    .map((cell) => ({
      name: cell("svname"),
      status: cell("status"),
      check: cell("check_status").replace("* ", ""),
      checkCode: cell("check_code") === "" ? null : Number(cell("check_code")),
      downs: Number(cell("chkdown") || "0"),
    }));
}

async function ask(socketPath: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(socketPath, () => socket.write(command));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("the stats socket does not answer")));
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("error", reject);
    socket.on("end", () => resolve(text));
  });
}
