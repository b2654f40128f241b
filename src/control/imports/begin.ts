/** Begins an import or sync, or goes on with one of the same id. Writes one row; changes no account. */
import type { Actor } from "../../contracts/control.ts";
import type { ImportBegin } from "../../contracts/import-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { refuseRole } from "../access.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { loadImport, saveImport } from "../store/imports.ts";
import { readCounter } from "../store/meta.ts";
import { EMPTY_DIGEST } from "./accepted-digest.ts";
import { beginFile, restartFile } from "./sent-file.ts";

/** The same id again continues the same import, when it is the same in everything else too, its file as well. */
export function beginImport(
  db: Db,
  { begin, actor, nowMs }: { readonly begin: ImportBegin; readonly actor: Actor; readonly nowMs: EpochMs },
): Result<null, Refusal> {
  const denied = refuseRole(actor, "accounts.import");
  if (denied !== null) return denied;
  const { id, mode, dryRun, expectRemoved } = begin;
  const before = loadImport(db, id);
  if (before !== null) {
    const same = before.mode === mode && before.dryRun === dryRun && before.actor.name === actor.name;
    if (!same) {
      return refuse(
        "conflict",
        `import ${id} is a ${before.dryRun ? "dry run of a " : ""}${before.mode} of ${before.actor.name}: use another id`,
      );
    }
    // A sync that was refused for removing too many is sent again with the number it named.
    const open = before.state === "open" ? { expectRemoved, lastAt: nowMs } : {};
    saveImport(db, { ...restartFile(before), ...open });
    return ok(null);
  }
  const counts = {
    lines: 0,
    rejected: 0,
    added: 0,
    changed: 0,
    unchanged: 0,
    removed: 0,
    lastLine: 0,
    seq: 0,
    homes: {},
  };
  const times = { startedAt: nowMs, begunSeq: readCounter(db, "seq"), lastAt: nowMs };
  const digests = { digest: EMPTY_DIGEST, ...beginFile() };
  saveImport(db, { ...begin, ...counts, ...times, ...digests, actor, state: "open", result: null });
  return ok(null);
}
