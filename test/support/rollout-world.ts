/**
 * Worlds for rollouts over the real control plane: two products with a candidate each, accounts over three zones, origins
 * that answer as they are told. The clock stands while something goes on in the background, so that no probe is cut off.
 */
import type { RolloutInput } from "../../src/contracts/api/rollouts.ts";
import type { SendEvent } from "../../src/contracts/handover-port.ts";
import { KV_LAG_MS } from "../../src/contracts/move-data.ts";
import type { ExchangePort } from "../../src/contracts/preflight.ts";
import { settlingFor, type Settling } from "../../src/contracts/settling.ts";
import type { Db } from "../../src/control/db.ts";
import type { MeasureTraffic } from "../../src/control/observations/gather.ts";
import type { HookPorts } from "../../src/control/rollouts/work-on.ts";
import type { ReadMirrored } from "../../src/control/publisher/ports.ts";
import { createWorld, must, settle, VERSION, type World } from "./control-world.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const at = (text: string): number => Date.parse(text);
export const FRIDAY = at("2026-11-27T12:00:00Z");
export const ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata"];
export const ACCOUNTS = Array.from({ length: 500 }, (_unused, n) => `account-${n}`);

/** Answers everything as a healthy origin does. */
export const healthy: ExchangePort = async () => ({
  end: "complete",
  fault: null,
  detail: "",
  received: new TextEncoder().encode(
    "HTTP/1.1 200 OK\r\nAllow: GET, HEAD, OPTIONS\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n",
  ),
  ms: 5,
});

const NIGHTS = [{ days: ["fri" as const, "sat" as const], from: "22:00", to: "02:00", zone: "account" }];

export const PLAN: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2", fogbugz: "2" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100 },
    { name: "forty", cohorts: ["*"], percent: 40, window: "nights", percentPerMinute: 5 },
    { name: "rest", cohorts: ["*"], percent: 100, window: "nights", approve: "before" },
  ],
};

/** A settled world on a Friday noon in UTC. */
export async function prepareRollouts(
  db: Db,
  {
    exchange = healthy,
    accounts = ACCOUNTS,
    mirrored,
    measure,
    sendEvent,
    sendHook,
    settling = settlingFor(KV_LAG_MS),
  }: {
    exchange?: ExchangePort;
    accounts?: readonly string[];
    mirrored?: ReadMirrored;
    measure?: MeasureTraffic;
    sendEvent?: SendEvent;
    sendHook?: HookPorts["sendHook"];
    settling?: Settling;
  } = {},
): Promise<World> {
  const parts = { db, preflight: { exchange, routerHeader: null }, config: { settling } };
  const world = createWorld({
    ...parts,
    ...(mirrored === undefined ? {} : { mirrored }),
    ...(measure === undefined ? {} : { measure }),
    ...(sendEvent === undefined ? {} : { sendEvent }),
    ...(sendHook === undefined ? {} : { sendHook }),
  });
  for (const product of ["kiln", "fogbugz"]) {
    await must(world, "product.put", {
      product,
      input: { domains: [`${product}.example.com`], timeouts: [] },
    });
    for (const version of ["1", "2"]) {
      const origin = `https://${product}-${version}.origins.example.net`;
      await must(world, "version.put", { product, version, input: { ...VERSION, reversible: true, origin } });
    }
    await must(world, "version.state.set", {
      product,
      version: "2",
      input: { state: "candidate", reason: "t" },
    });
  }
  for (const product of ["kiln", "fogbugz"]) {
    const input = { presets: [], syntheticAccount: "account-0", syntheticByCell: {}, cells: [], own: [] };
    await must(world, "preflight.settings.set", { product, input });
  }
  await must(world, "window.put", { name: "nights", windows: NIGHTS });
  for (const [n, account] of accounts.entries()) {
    const cohort = n % 10 === 0 ? "internal" : "general";
    await must(world, "account.put", {
      account,
      input: { timeZone: ZONES[n % ZONES.length] ?? "UTC", cohort },
    });
  }
  await settle(world);
  world.clock.now = FRIDAY;
  await tick(world, FRIDAY);
  return world;
}

/** Alarms until nothing is due soon; the clock stands while something goes on behind one. */
export async function quiet(world: World): Promise<void> {
  for (let alarms = 0; alarms < 300; alarms += 1) {
    const { at: due } = world.wakeUp;
    if (due === null || due > world.clock.now + 100_000) return;
    world.clock.now = Math.max(world.clock.now, due);
    world.wakeUp.at = null;
    await world.control.alarm();
    await world.control.idle();
  }
  throw new Error("the control plane does not come to rest");
}

/** A tick and what follows from it. @returns what happened. */
export async function tick(world: World, nowMs: number): Promise<readonly string[]> {
  world.clock.now = Math.max(world.clock.now, nowMs);
  const { happened } = await world.control.tick(nowMs);
  await quiet(world);
  return happened;
}
