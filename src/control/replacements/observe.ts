/**
 * What the engine of replacements is told at one advance: facts, freezes, what preflight says of the new version, whether
 * the rule may leave the maps. Reads groups and counters, no account row but for the last look before it leaves. Gates are
 * not measured here: none is known, and a replacement asks for none. What is missing is not healthy.
 */
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { isReplacing } from "../../core/rollout/replacement-plan.ts";
import type { ReplacementTurn } from "../../core/rollout/replacement.ts";
import type { Db } from "../db.ts";
import { readText } from "../row.ts";
import type { Drive } from "../rollouts/drive.ts";
import { isHalted, loadFacts } from "../rollouts/facts.ts";
import { createWeigher, heardOf, targetVersions } from "../rollouts/heard.ts";
import { isOut } from "../publisher/is-out.ts";
import { loadFreezes } from "../store/freezes.ts";
import { loadActiveReplacements, type ReplacementRecord } from "../store/replacements.ts";
import { mayPutBackOn } from "../store/replaced-homes.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { isAnybodyLeft } from "./sweep.ts";

/** Everything for one advance. */
export function observeReplacement({ db, nowMs, memo }: Drive, record: ReplacementRecord): ReplacementTurn {
  const { plan, rollback } = record.state;
  const facts = loadFacts(db);
  const weigher = createWeigher(db);
  const freezes = loadFreezes(db);
  // Itself alone: whoever goes back is served by it, and not by what takes its place.
  const probe = rollback === null ? null : heardOf(weigher, plan.product, [plan.from]);
  return {
    nowMs,
    halt: isHalted(db),
    facts,
    freezes,
    zones: freezes.length === 0 ? [] : loadZones(db),
    preflight: heardOf(weigher, plan.product, targetVersions(facts, plan.product, plan.to)),
    gate: null,
    probe: probe === null ? null : { atMs: probe.atMs, ...probe.wave },
    homesWritten: areHomesOut(db, record) && !isAnybodyLeft(db, record),
    heldBy: heldBy(db, plan.product, plan.from),
    memo,
  };
}

/** Whether every edge can know what a pass has written. */
export function areHomesOut(db: Db, { homes, homesSeq }: ReplacementRecord): boolean {
  return homes === "written" && isOut(db, homesSeq);
}

/** Zones of accounts, from the groups; those that came while groups are frozen are in none. */
function loadZones(db: Db): readonly string[] {
  return db
    .rows(
      `SELECT time_zone FROM groups WHERE accounts > 0
       UNION SELECT time_zone FROM accounts WHERE group_id = -1 ORDER BY 1`,
    )
    .map((row) => readText(row, "time_zone"));
}

/** Who else still sends accounts to the old version, or may put them back there, so that the rule must stay. */
function heldBy(db: Db, product: ProductName, from: VersionName): string | null {
  for (const { id, state, homes } of loadActiveRollouts(db)) {
    const target = own(state.plan.targets, product);
    if (target === from) return `rollout ${id} moves accounts to ${product} ${from}`;
    const writes = homes === "writing" || homes === "written" || homes === "restoring";
    if (target !== undefined && writes) return `rollout ${id} is writing homes`;
    if (target !== undefined && mayPutBackOn(db, id, { product, version: from }))
      return `a rollback of rollout ${id} would put accounts back on ${product} ${from}`;
  }
  const feeder = loadActiveReplacements(db).find(
    ({ state }) => state.plan.product === product && state.plan.to === from && isReplacing(state),
  );
  return feeder === undefined ? null : `${product} ${feeder.state.plan.from} is being replaced by ${from}`;
}
