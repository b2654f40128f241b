/**
 * Moving 400,000 of 1,000,000 accounts: one tick of a rollout whose waves are 40 percent each and know no pace, and the
 * publish that it leads to. Counted are the keys written to KV and workerd's processor time, both beside a tick and publish that
 * move 400 of 1,000. Peers: nginx, whose map is written anew and reloaded until the new one answers, and HAProxy, whose map
 * is set account by account through its runtime socket (some are set, and the rest is reckoned).
 */
import { request } from "node:http";
import { z } from "zod";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import { isReached } from "../results.ts";
import type { Key, Measured, Numbers, Prepared, Row } from "../row.ts";
import { startControl, type Control } from "../tick-world.ts";
import { homeOf, hostOf } from "../world/accounts.ts";
import {
  startHaProxyRouter,
  startNginxRouter,
  startOrigin,
  tellHaProxy,
  writeNginxMap,
  type Peer,
} from "../world/peers.ts";
import { HOST } from "../world/process.ts";

const MANY = 1_000_000;
const FEW = 1000;
/** Fifty zones with two cohorts each; what more groups cost, ticks show. */
const GROUPS = 100;
const SHARE = 0.4;
/** Beginning and ending a rollout takes far longer than all that is measured, so each gives as many rounds. */
const WAVES = 2;
const MOST_WRITES = 2;
const MOST_MS = 50;
/** KV takes one write a second for a key, so a root may wait for that. */
const ROOT_EVERY_MS = 1150;
const MINUTE_MS = 60_000;
const TICKS = 10;
/** The first tick may be two minutes after the start, and is to take one wave only. */
const BAKE_MINUTES = 3;
/** What is completed is not rolled back: so it is not completed. */
const LAST_BAKE_MINUTES = 10_000;
const HAPROXY_SAMPLE = 20;
const RELOADED_WITHIN_MS = 60_000;

const SIDES = {
  many: "400,000 of 1,000,000",
  few: "400 of 1,000",
  again: "400 of 1,000 again",
  nginx: "nginx, 400,000 of 1,000,000",
  haproxy: "HAProxy, 400,000 of 1,000,000",
} as const;

const WRITES = "KV writes";
const WORK = "work ms";
const MS = "ms";
const EACH = "ms an account";

export const shiftRow: Row = {
  name: "shift",
  about: "moving two accounts of five at once, and the publish it leads to",
  gives: ["shift400k.kvWrites", "shift400k.ms"],
  // To prepare a rollout of 1,000,000 accounts takes longer than all that is measured.
  warmUp: false,
  reach: `400,000 of 1,000,000 accounts with ${MOST_WRITES} writes to KV and ${MOST_MS} ms of work`,
  prepare,
};

async function prepare(say: (text: string) => void): Promise<Prepared> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    say("preparing 1,000,000 and twice 1,000 accounts, nginx, HAProxy");
    const control = async (accounts: number): Promise<Control> => {
      const started = await startControl({ accounts, groups: GROUPS });
      stops.push(() => started.stop());
      return started;
    };
    const peer = async (starting: Promise<Peer>): Promise<Peer> => {
      const started = await starting;
      stops.push(() => started.stop());
      return started;
    };
    const origin = await peer(startOrigin());
    const options = { accounts: MANY, origin: origin.port };
    return {
      sides: [
        { name: SIDES.many, round: createShift(await control(MANY), MANY) },
        { name: SIDES.few, round: createShift(await control(FEW), FEW) },
        { name: SIDES.again, round: createShift(await control(FEW), FEW) },
        { name: SIDES.nginx, round: createReload(await peer(startNginxRouter(options))) },
        { name: SIDES.haproxy, round: createSet(await peer(startHaProxyRouter(options))) },
      ],
      conclude,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const RolloutSchema = z.looseObject({ phase: z.string(), reason: z.string(), moved: z.number() });
const WrittenSchema = z.array(z.string());

/** Each round is a wave; after the last one the rollout is rolled back, and the next round begins another. */
function createShift(control: Control, accounts: number): () => Promise<Numbers> {
  let rounds = 0;
  let nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  const tick = async (): Promise<void> => {
    nowMs += MINUTE_MS;
    await control.ask({ call: "tick", at: nowMs });
    // Whoever asks again and again whether it is out makes work of his own.
    await new Promise((resolve) => setTimeout(resolve, ROOT_EVERY_MS));
    await control.published();
  };
  const rolloutOf = async (id: string) => RolloutSchema.parse(await control.query("rollout", { id }));
  return async () => {
    const wave = rounds % WAVES;
    const id = `shift-${Math.floor(rounds / WAVES)}`;
    rounds += 1;
    if (wave === 0) await begin(control, id);
    let measured: Numbers | null = null;
    for (let ticks = 0; ticks < TICKS && measured === null; ticks += 1) {
      await control.published();
      await control.ask({ call: "written" });
      const [cpu, from] = [control.cpuMs(), performance.now()];
      await tick();
      const [after, ms] = [control.cpuMs(), performance.now() - from];
      const written = WrittenSchema.parse(await control.ask({ call: "written" }));
      const { moved } = await rolloutOf(id);
      // A bucket is a ten thousandth: the share is met to within what chance leaves.
      const waves = moved / (accounts * SHARE) - wave;
      if (waves < 0.8) continue;
      if (waves > 1.2) throw new Error(`${moved} of ${accounts} moved at once, which is more than a wave`);
      measured = { [WRITES]: written.length, [WORK]: (after ?? ms) - (cpu ?? 0), [MS]: ms };
    }
    if (measured === null) {
      const { phase, reason, moved } = await rolloutOf(id);
      throw new Error(`${moved} of ${accounts} moved; the rollout is ${phase}: ${reason}`);
    }
    if (wave === WAVES - 1) {
      await control.execute("rollout.rollback", {
        id,
        input: { reason: "bench", confirmed: true, markBad: false },
      });
      await tick();
    }
    return measured;
  };
}

async function begin(control: Control, id: string): Promise<void> {
  const waves = Array.from({ length: WAVES }, (_, index) => ({
    name: `wave-${index + 1}`,
    cohorts: ["*"],
    percent: SHARE * 100 * (index + 1),
    bake: { minutes: index === WAVES - 1 ? LAST_BAKE_MINUTES : BAKE_MINUTES },
  }));
  const input = RolloutInputSchema.parse({ id, targets: { kiln: "2" }, waves });
  await control.execute("rollout.create", { id, input });
  await control.execute("rollout.start", { id, input: { again: true } });
}

function createReload({ pid, port, folder }: Peer): () => Promise<Numbers> {
  let isMoved = false;
  const accounts = Array.from({ length: 5 }, (_, number) => number);
  const first = accounts.find((number) => homeOf(number) === "1") ?? 0;
  return async () => {
    isMoved = !isMoved;
    writeNginxMap(folder, MANY, isMoved ? MANY * SHARE : 0);
    const from = performance.now();
    process.kill(pid, "SIGHUP");
    const wanted = isMoved ? "v2" : `v${homeOf(first)}`;
    while ((await servedBy(port, hostOf(first))) !== wanted) {
      if (performance.now() - from > RELOADED_WITHIN_MS) throw new Error("nginx does not take the new map");
    }
    return { [MS]: performance.now() - from };
  };
}

/** Which version answers, by a connection of its own: old workers go on serving those they have. */
function servedBy(port: number, host: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: HOST, port, agent: false, headers: { Host: host } }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.headers["served-by"]));
    });
    asked.on("error", reject);
    asked.end();
  });
}

function createSet({ folder }: Peer): () => Promise<Numbers> {
  let version = 1;
  return async () => {
    version = 3 - version;
    const from = performance.now();
    for (let number = 0; number < HAPROXY_SAMPLE; number += 1) {
      const host = hostOf(Math.floor((number * MANY * SHARE) / HAPROXY_SAMPLE));
      const said = await tellHaProxy(folder, `set map ${folder}/accounts.map ${host} v${version}`);
      if (said.trim() !== "") throw new Error(`HAProxy says ${said}`);
    }
    const each = (performance.now() - from) / HAPROXY_SAMPLE;
    return { [MS]: each * MANY * SHARE, [EACH]: each };
  };
}

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const of = (side: keyof typeof SIDES, number: string): number => measured.of(SIDES[side], number).median;
  const peers = `nginx ${(of("nginx", MS) / 1000).toFixed(1)} s for its reload, HAProxy ${of("haproxy", EACH).toFixed(1)} ms an account: ${(of("haproxy", MS) / 3_600_000).toFixed(1)} hours`;
  const writes = measured.of(SIDES.many, WRITES);
  const keys: readonly Key[] = [
    {
      key: "shift400k.kvWrites",
      value: writes.highest,
      spread: writes,
      limit: { most: MOST_WRITES },
      comparedTo: `${of("few", WRITES)} for 400 of 1,000; ${peers}`,
    },
    {
      key: "shift400k.ms",
      value: of("many", WORK),
      spread: measured.of(SIDES.many, WORK),
      limit: { most: MOST_MS },
      comparedTo: `${of("few", WORK).toFixed(0)} ms for 400 of 1,000; ${peers}`,
    },
  ];
  return { reached: keys.every((key) => isReached(key) !== false), said: [], figures: {}, keys };
}
