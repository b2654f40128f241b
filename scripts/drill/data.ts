/**
 * The drill of data moves: a schema change of 300 accounts that write all the time, whose hooks take a second each, three
 * failing and one never answering. Nobody may be written by both versions, and nobody may lose a write.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { totalOf } from "../local/demo/account-data.ts";
import { startInstance, type Instance } from "../local/instance.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import { firebreak, prepareSchemaChange, type SchemaChange } from "./schema-change.ts";
import { createTeller, type Half, type Teller } from "./story.ts";

const ACCOUNTS = Array.from({ length: 300 }, (_, index) => `shop-${index}`);
const HANGING = "shop-290";
const FAILING = ["shop-7", "shop-77", "shop-177"];
const FAILS = new Map(FAILING.map((account) => [account, "its attachments have no owner"]));
const STAYING = new Set([...FAILING, HANGING]);
const SETTLE_SECONDS = 2;
const WITHIN_MS = 180_000;
const SHOWN_LINES = 20;
/** Phases that a wave does not come out of by itself. */
const ENDED = new Set<string>(["stopped", "preflight-failed", "rolled-back"]);

/** Plays it; what it started is stopped again whatever happens. */
export async function playDataMove(quiet: boolean): Promise<Half> {
  const tell = createTeller("Moving data with the accounts", quiet);
  const state = mkdtempSync(join(tmpdir(), "firebreak-drill-"));
  const stops: (() => Promise<void>)[] = [];
  try {
    const instance = await startInstance({
      port: 0,
      nodes: 2,
      state,
      bare: false,
      tick: false,
      trustedProxy: 0,
      settleSeconds: SETTLE_SECONDS,
    });
    stops.push(() => instance.stop());
    const change = await prepareSchemaChange(instance, {
      accounts: ACCOUNTS,
      takesMs: 1000,
      fails: FAILS,
      hangs: new Set([HANGING]),
      withinMs: WITHIN_MS,
    });
    stops.push(() => change.stop());
    return await play(tell, instance, change);
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(state, { recursive: true, force: true });
  }
}

async function play(tell: Teller, instance: Instance, change: SchemaChange): Promise<Half> {
  const { home, target, rollout } = change;
  tell.say(
    `${ACCOUNTS.length} accounts write to kiln ${home.version} all the time. ${target.version} has another schema: it must not serve`,
  );
  tell.say(
    "an account in the same minutes, and its hooks carry each over in a second. Three fail, one hangs.",
  );
  const writing = change.startWriting();
  await change.tickUntil("everybody to have written", async () =>
    ACCOUNTS.every((account) => home.data.read(account).written > 0) ? true : null,
  );
  await change.begin();
  await followStages(tell, change);
  const done = Date.now();
  await change.tickUntil("everybody to write again", async () =>
    ACCOUNTS.every((account) => (served(change, account).read(account).lastMs ?? 0) > done) ? true : null,
  );
  const tallies = [...(await writing.stop()).values()];
  tell.say(
    `\n$ firebreak rollout show ${rollout}\n${await firebreak(instance, ["rollout", "show", rollout])}`,
  );
  const left = await firebreak(instance, ["rollout", "left-behind", rollout, "--all"]);
  tell.say(`$ firebreak rollout left-behind ${rollout} --all\n${shops(left)}`);

  const view = await change.show();
  const faults = tallies.flatMap((tally) => tally.faults);
  const held = tallies.reduce((sum, { outcomes }) => sum + (outcomes.get("503") ?? 0), 0);
  tell.expect(`${ACCOUNTS.length - STAYING.size} accounts moved`, view.moved === 296, view.moved);
  tell.expect("the four that could not be carried over stay and are listed", areListed(left), left);
  tell.expect(
    "every answer was a version's, or a hold page that says when to come again",
    faults.length === 0,
    faults,
  );
  tell.expect("somebody was held", held > 0, held);
  proveStores(tell, change);
  return tell.end();
}

/** One line for each stage of each batch. */
async function followStages(tell: Teller, change: SchemaChange): Promise<void> {
  const begun = Date.now();
  let last = "";
  await change.tickUntil("the wave to bake", async () => {
    const { phase, reason, data } = await change.show();
    const held = data?.held ?? null;
    const now = held === null ? phase : `${held.accounts} accounts held: ${held.stage}`;
    if (now !== last) tell.say(`  ${String(Math.round((Date.now() - begun) / 1000)).padStart(3)} s  ${now}`);
    last = now;
    if (ENDED.has(phase)) throw new Error(reason);
    return phase === "baking" ? true : null;
  });
}

/** By what the two versions have in their own stores. */
function proveStores(tell: Teller, { home, target }: SchemaChange): void {
  const leastMs = settlingFor(SETTLE_SECONDS * 1000).leastMs;
  const moved = ACCOUNTS.filter((account) => !STAYING.has(account));
  const close = moved.filter(
    (account) => (target.data.read(account).firstMs ?? 0) - (home.data.read(account).lastMs ?? 0) < leastMs,
  );
  tell.expect("no account was written by both versions within one settling", close.length === 0, close);
  const lost = moved.filter(
    (account) => target.data.read(account).migrated !== totalOf(home.data.read(account)),
  );
  tell.expect("every write came along", lost.length === 0, lost);
  const strays = [...STAYING].filter((account) => totalOf(target.data.read(account)) > 0);
  tell.expect("nothing of those that stay is at the new version", strays.length === 0, strays);
}

function served({ home, target }: SchemaChange, account: string): SchemaChange["home"]["data"] {
  return STAYING.has(account) ? home.data : target.data;
}

function areListed(left: string): boolean {
  return [...STAYING].every((account) => new RegExp(String.raw`\b${account}\b`).test(left));
}

/** The list without the demo's other accounts, which the rollout was not for. */
function shops(left: string): string {
  const [head = "", ...lines] = left.split("\n");
  return [head, ...lines.filter((line) => line.includes("shop-")).slice(0, SHOWN_LINES)].join("\n");
}
