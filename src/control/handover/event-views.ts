/** How receivers of events do, and what they never took, for people. Reads only, but for sending again what was given up. */
import type { CommandInputs, CommandOutputs } from "../../contracts/control.ts";
import type {
  DeadEvent,
  EventReceiver,
  HandoverQueryInputs,
  HandoverQueryOutputs,
} from "../../contracts/handover-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Change, Work } from "../commands/work.ts";
import type { Db, SqlRow } from "../db.ts";
import { notFound, refuse } from "../refuse.ts";
import { readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";
import { loadVersion } from "../store/versions.ts";
import { GIVE_UP_MS } from "./event-rows.ts";

/** Every version that is told, or that has not taken everything. */
export function viewReceivers(db: Db): readonly EventReceiver[] {
  return db
    .rows(
      `SELECT v.product, v.name, v.events, coalesce(r.delivered, 0) AS delivered, r.delivered_at, r.failing_since,
         coalesce(r.retry_at, 0) AS retry_at, r.problem, coalesce(d.waiting, 0) AS waiting, coalesce(d.dead, 0) AS dead
       FROM versions AS v
       LEFT JOIN event_receivers AS r ON r.product = v.product AND r.version = v.name
       LEFT JOIN (SELECT product, version, sum(state = 'waiting') AS waiting, sum(state = 'dead') AS dead
                  FROM event_deliveries GROUP BY product, version) AS d ON d.product = v.product AND d.version = v.name
       WHERE v.events IS NOT NULL OR d.waiting > 0 OR d.dead > 0 ORDER BY v.product, v.name`,
    )
    .map((row) => ({
      product: readText(row, "product"),
      version: readText(row, "name"),
      url: readTextOrNull(row, "events"),
      delivered: readInt(row, "delivered"),
      deliveredAt: toInstantOrNull(readIntOrNull(row, "delivered_at")),
      waiting: readInt(row, "waiting"),
      dead: readInt(row, "dead"),
      failingSince: toInstantOrNull(readIntOrNull(row, "failing_since")),
      retryAt: readInt(row, "retry_at") === 0 ? null : toInstant(readInt(row, "retry_at")),
      problem: readTextOrNull(row, "problem"),
    }));
}

/** A page of what was given up, oldest first. */
export function viewDead(
  db: Db,
  { cursor, limit }: HandoverQueryInputs["events.dead"],
): HandoverQueryOutputs["events.dead"] {
  const after = cursor === null || !/^\d{1,15}$/.test(cursor) ? 0 : Number(cursor);
  const rows = db.rows(
    `SELECT d.product, d.version, d.attempts, d.problem, e.seq, e.id, e.moved_from, e.moved_to, e.generation, e.made_at,
       json_array_length(e.accounts) AS accounts
     FROM event_deliveries AS d JOIN events AS e ON e.seq = d.event
     WHERE d.state = 'dead' AND e.seq > ? ORDER BY e.seq, d.product, d.version LIMIT ?`,
    after,
    // Two versions at most wait for one event: so that no page ends between them.
    limit + 1,
  );
  const last = rows.length > limit ? readInt(rows[limit - 1] ?? {}, "seq") : null;
  const whole = last === null ? rows : rows.filter((row) => readInt(row, "seq") <= last);
  return { items: whole.map(toDead), cursor: last === null ? null : String(last) };
}

function toDead(row: SqlRow): DeadEvent {
  return {
    product: readText(row, "product"),
    version: readText(row, "version"),
    id: readText(row, "id"),
    from: readText(row, "moved_from"),
    to: readText(row, "moved_to"),
    generation: readInt(row, "generation"),
    accounts: readInt(row, "accounts"),
    madeAt: toInstant(readInt(row, "made_at")),
    attempts: readInt(row, "attempts"),
    problem: readTextOrNull(row, "problem"),
  };
}

/** Gives what was given up another day, at the receiver's next turn, which is now. */
export function retryEvents(
  work: Work,
  { product, version, event, reason }: CommandInputs["events.retry"],
): Result<Change<CommandOutputs["events.retry"]>, Refusal> {
  const { db, nowMs } = work;
  const found = loadVersion(db, product, version);
  if (found === null) return notFound(`version ${product} ${version}`);
  const refused = refuseProducts(work.actor, [product]);
  if (refused !== null) return refused;
  if (found.events === null)
    return refuse("conflict", `${product} ${version} declares no address for events: register one first`);
  const dead = db.rows(
    `SELECT d.event FROM event_deliveries AS d JOIN events AS e ON e.seq = d.event
     WHERE d.product = ?1 AND d.version = ?2 AND d.state = 'dead' AND (?3 IS NULL OR e.id = ?3)`,
    product,
    version,
    event,
  );
  if (dead.length === 0)
    return notFound(
      event === null ? `dead event of ${product} ${version}` : `dead event ${event} of ${product} ${version}`,
    );
  for (const row of dead) {
    db.run(
      "UPDATE event_deliveries SET state = 'waiting', give_up_at = ? WHERE product = ? AND version = ? AND event = ?",
      nowMs + GIVE_UP_MS,
      product,
      version,
      readInt(row, "event"),
    );
  }
  db.run("UPDATE event_receivers SET retry_at = 0 WHERE product = ? AND version = ?", product, version);
  return ok({
    output: { retried: dead.length },
    told: { target: `version/${product}/${version}`, reason, detail: { event, retried: dead.length } },
  });
}

/** Receivers that have not taken anything for this long are worth a look. */
const LATE_MS = 15 * 60_000;

/** For `status`: nobody else would notice. */
export function eventWarnings(db: Db, nowMs: number): readonly string[] {
  return viewReceivers(db).flatMap(({ product, version, waiting, failingSince, problem }) => {
    const late = failingSince !== null && nowMs - Date.parse(failingSince) >= LATE_MS;
    if (!late || waiting === 0) return [];
    return [
      `${product} ${version} has taken no event since ${failingSince} (${problem ?? "no answer"}); ${waiting} wait`,
    ];
  });
}
