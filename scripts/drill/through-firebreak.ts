/**
 * The second half of the drill: the same accounts, the same HAProxy with the same bare check, and Firebreak between. The
 * default is not allowed to move unseen; forced to, it hurts the unknown accounts it is for and nobody else.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../cli/program.ts";
import { createProcessTerminal } from "../cli/terminal.ts";
import { startHaProxy, waitForServers } from "../haproxy/haproxy.ts";
import { startInstance, type Instance } from "../local/instance.ts";
import { spreadAt } from "../local/spread.ts";
import { allServers, createTeller, got, type Half, type Teller } from "./story.ts";
import { look, MOVED, NOBODY, STAYED, type Look } from "./watch.ts";

const CHECK_EVERY_MS = 200;
const WITHIN_MS = 10_000;
const CONFLICT = 409;

const OLD = "2.8.0";
const NEW = "2.9.0";

/**
 * Plays it; what it started is stopped again whatever happens.
 * @param timeline file for the post-mortem draft that `firebreak timeline` writes of it; null: none.
 */
export async function playThroughFirebreak(quiet: boolean, timeline: string | null): Promise<Half> {
  const tell = createTeller("2. Through Firebreak", quiet);
  const state = mkdtempSync(join(tmpdir(), "firebreak-drill-"));
  let stop = async (): Promise<void> => {};
  try {
    const instance = await startInstance({
      port: 0,
      nodes: 2,
      state,
      bare: false,
      tick: false,
      trustedProxy: 1,
    });
    stop = () => instance.stop();
    const begun = new Date().toISOString();
    const half = await play(tell, instance);
    if (timeline !== null) await writeTimeline(instance, { from: begun, file: timeline });
    return half;
  } finally {
    await stop();
    rmSync(state, { recursive: true, force: true });
  }
}

/** As an operator would write it down afterwards, from the audit alone. */
async function writeTimeline(
  { ports }: Instance,
  { from, file }: { readonly from: string; readonly file: string },
): Promise<void> {
  const chunks: string[] = [];
  const terminal = createProcessTerminal();
  const out = { ...terminal.out, write: (text: string) => void chunks.push(text) };
  const url = `http://localhost:${ports[0] ?? 0}`;
  const code = await run(["timeline", "--from", from, "--url", url], { ...terminal, out });
  if (code !== 0) throw new Error(`the time line could not be written: exit ${code}`);
  writeFileSync(file, chunks.join(""));
}

async function play(tell: Teller, instance: Instance): Promise<Half> {
  const haproxy = await startHaProxy({ servers: instance.ports, checkEveryMs: CHECK_EVERY_MS });
  try {
    const checked = (): Promise<unknown> =>
      waitForServers(haproxy, (all) => all.every(({ check }) => check !== ""), WITHIN_MS);

    tell.say(
      "Two nodes of Firebreak instead of the two servers, behind the same HAProxy with the same bare check.",
    );
    tell.say(`${MOVED} is on ${NEW} already, the version with the bug. Everybody else is on ${OLD}.`);
    await moveOne(instance);
    await checked();
    const before = await look(haproxy);
    tell.moment(`default is ${OLD}`, before);
    tell.expect(
      "before, both nodes are up and every account is served by its version",
      isWell(before),
      before,
    );

    await askPolitely(tell, instance);

    tell.say(`Somebody forces the default to ${NEW} all the same.`);
    await setDefault(instance, { version: NEW, force: true });
    await spreadAt(instance, async (port) => (await statusOf(port, NOBODY)) === 500);
    const during = await look(haproxy);
    tell.moment(`default forced to ${NEW}`, during);
    proveContained(tell, during);

    tell.say("The default is put back.");
    await setDefault(instance, { version: OLD, force: true });
    await spreadAt(instance, async (port) => (await statusOf(port, NOBODY)) === 200);
    const after = await look(haproxy);
    tell.moment("put back", after);
    tell.expect("with the default back, all is as before", isWell(after), after);
    const servers = await haproxy.servers();
    tell.expect(
      "no node was ever taken out",
      servers.every(({ downs }) => downs === 0),
      servers,
    );
    return tell.end();
  } finally {
    await haproxy.stop();
  }
}

/** Puts one account on the new version, as an operator does by hand; for that it has to be live. */
async function moveOne(instance: Instance): Promise<void> {
  await instance.admin.must({
    method: "POST",
    path: `products/kiln/versions/${NEW}/state`,
    body: { state: "live", reason: "the drill: accounts were moved to it" },
  });
  await instance.admin.must({
    method: "PUT",
    path: `accounts/${MOVED}/pins/kiln`,
    body: { version: NEW, reason: "the drill: an account that was moved already" },
  });
  await spreadAt(instance, async (port) => (await versionOf(port, MOVED)) === `kiln/${NEW}`);
}

async function askPolitely(tell: Teller, instance: Instance): Promise<void> {
  tell.say(
    `The default is to move to ${NEW}. Nothing has tried ${NEW} with requests that name no known account.`,
  );
  const { status, body } = await setDefault(instance, { version: NEW, force: false });
  const why = typeof body === "object" && body !== null && "detail" in body ? String(body.detail) : "";
  tell.say(`Firebreak answers ${status}: ${why}`);
  tell.expect("the move of the default is refused while nothing has tried it", status === CONFLICT, {
    status,
    body,
  });
}

async function setDefault(
  { admin }: Instance,
  { version, force }: { version: string; force: boolean },
): Promise<{ status: number; body: unknown }> {
  const call = {
    method: "POST",
    path: "products/kiln/default",
    body: { version, force, reason: "the drill" },
  };
  if (!force) return admin.call(call);
  return { status: 200, body: await admin.must(call) };
}

function proveContained(tell: Teller, during: Look): void {
  const { servers, seen } = during;
  tell.expect("both nodes stay up: the router alone answers the check", allServers(during, "UP"), servers);
  tell.expect(`${STAYED} stays served by ${OLD}`, got(during, STAYED, `200 kiln/${OLD}`), seen[STAYED]);
  tell.expect(`${MOVED} stays served by ${NEW}`, got(during, MOVED, `200 kiln/${NEW}`), seen[MOVED]);
  tell.expect(
    `only unknown accounts see the 500 of ${NEW}`,
    got(during, NOBODY, `500 kiln/${NEW}`),
    seen[NOBODY],
  );
}

function isWell(at: Look): boolean {
  return (
    allServers(at, "UP") &&
    got(at, STAYED, `200 kiln/${OLD}`) &&
    got(at, MOVED, `200 kiln/${NEW}`) &&
    got(at, NOBODY, `200 kiln/${OLD}`)
  );
}

async function statusOf(port: number, account: string): Promise<number> {
  return (await ask(port, account)).status;
}

async function versionOf(port: number, account: string): Promise<string> {
  return (await ask(port, account)).version;
}

async function ask(port: number, account: string): Promise<{ status: number; version: string }> {
  return new Promise((resolve, reject) => {
    const headers = { Host: `${account}.kiln.localhost` };
    const request = httpRequest({ host: "127.0.0.1", port, headers, setHost: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, version: String(response.headers["demo-version"] ?? "") });
    });
    request.on("error", reject);
    request.end();
  });
}
