/**
 * The first half of the drill: the incident as it happened. HAProxy with its bare check in front of two servers that run
 * all versions and choose between them, no router. The default is moved last, and everybody gets 503.
 */
import { startHaProxy, waitForServers } from "../haproxy/haproxy.ts";
import { startDemoOrigin } from "../local/demo/origin.ts";
import { allServers, createTeller, got, type Half } from "./story.ts";
import { look, MOVED, NOBODY, STAYED } from "./watch.ts";
import { startWebServer } from "./web-server.ts";

const CHECK_EVERY_MS = 200;
const WITHIN_MS = 10_000;

const OLD = "2.8.0";
const NEW = "2.9.0";

/** Plays it; what it started is stopped again whatever happens. */
export async function playStraight(quiet: boolean): Promise<Half> {
  const stops: (() => Promise<void>)[] = [];
  const keep = <T extends { stop(): Promise<void> }>(started: T): T => {
    stops.push(() => started.stop());
    return started;
  };
  try {
    return await play(createTeller("1. Straight to the versions", quiet), keep);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

type Keep = <T extends { stop(): Promise<void> }>(started: T) => T;

async function play(tell: ReturnType<typeof createTeller>, keep: Keep): Promise<Half> {
  const accounts = new Map([
    [STAYED, OLD],
    [MOVED, NEW],
  ]);
  const versions = new Map<string, number>();
  for (const version of [OLD, NEW]) {
    const options = { product: "kiln", version, port: 0, knows: (account: string) => accounts.has(account) };
    versions.set(
      version,
      keep(await startDemoOrigin({ ...options, failsWithoutAccount: version === NEW })).port,
    );
  }
  let defaultVersion = OLD;
  const web = { accounts, versions, defaultVersion: () => defaultVersion };
  const servers = [keep(await startWebServer(web)).port, keep(await startWebServer(web)).port];
  const haproxy = keep(await startHaProxy({ servers, checkEveryMs: CHECK_EVERY_MS }));
  const settle = (status: "UP" | "DOWN"): Promise<unknown> =>
    waitForServers(
      haproxy,
      (all) => all.every((server) => server.status === status && server.check !== ""),
      WITHIN_MS,
    );

  tell.say(
    "Two servers run both versions. HAProxy checks each with a bare `option httpchk`: OPTIONS, without a Host.",
  );
  tell.say(`${MOVED} is among the accounts already moved to ${NEW}. Nobody has noticed anything.`);
  await settle("UP");
  const before = await look(haproxy);
  tell.moment(`default is ${OLD}`, before);

  tell.say(
    `Last night of the upgrade: the default moves to ${NEW}. The check names no account, so it goes there too.`,
  );
  defaultVersion = NEW;
  await settle("DOWN");
  const during = await look(haproxy);
  tell.moment(`default is ${NEW}`, during);

  tell.say("The default is put back.");
  defaultVersion = OLD;
  await settle("UP");
  const after = await look(haproxy);
  tell.moment("put back", after);

  tell.expect("before, both servers are up and every account is served", isWell(before), before);
  tell.expect("the moved default takes both servers out at once", allServers(during, "DOWN"), during.servers);
  for (const account of [STAYED, MOVED, NOBODY]) {
    tell.expect(
      `${account} gets 503 then, whatever its version`,
      got(during, account, "503"),
      during.seen[account],
    );
  }
  tell.expect("with the default back, all is as before", isWell(after), after);
  return tell.end();
}

function isWell(at: Awaited<ReturnType<typeof look>>): boolean {
  return (
    allServers(at, "UP") &&
    got(at, STAYED, `200 kiln/${OLD}`) &&
    got(at, MOVED, `200 kiln/${NEW}`) &&
    got(at, NOBODY, `200 kiln/${OLD}`)
  );
}
