/**
 * One rollout of both products after the other, each forward to some share of everybody, paused and resumed on the way,
 * then rolled back altogether. `next` is asked once a turn and gives what is to be done in it, if anything.
 */
import type { AdminClient } from "../local/admin-client.ts";
import { anything, type Change, type Expected } from "./change.ts";
import { ACCOUNTS, hostOf, PINNED } from "./hosts.ts";

const REASON = "soak";
/** Turns from the start at which something is done; ticks in between move 10 % each. */
const PAUSE_AT = 5;
const RESUME_AT = 7;
const BACK_AT = [10, 14, 20] as const;
const PATIENCE_TURNS = 20;
const TARGETS = { kiln: "2.9.1", fogbugz: "8.8.0" } as const;

export interface Rollouts {
  next(): Promise<Change | null>;
  /** Rollouts that went all the way back. */
  rollbacks(): number;
}

export function createRollouts(admin: AdminClient): Rollouts {
  let number = 0;
  let turn = 0;
  let back = 0;

  const id = (): string => `soak-${number}`;
  const post = (step: string, body: object) => () =>
    admin.must({ method: "POST", path: `rollouts/${id()}/${step}`, body });
  async function phase(): Promise<string> {
    const { phase: name } = (await admin.must({ method: "GET", path: `rollouts/${id()}` })) as {
      phase: string;
    };
    return name;
  }
  const start: Change = {
    what: "start a rollout",
    async run() {
      const waves = [
        { name: "all", cohorts: ["*"], percent: 100, percentPerMinute: 10, bake: { minutes: 600 } },
      ];
      const body = { id: id(), targets: TARGETS, waves };
      await admin.must({ method: "PUT", path: `rollouts/${id()}`, body });
      await post("start", { again: true })();
    },
    meant: anything,
  };

  return {
    rollbacks: () => back,
    async next() {
      if (turn === 0) {
        number += 1;
        turn = 1;
        return start;
      }
      turn += 1;
      if (turn === PAUSE_AT)
        return { what: "pause", run: post("pause", { reason: REASON }), meant: anything };
      if (turn === RESUME_AT)
        return { what: "resume", run: post("resume", { again: true }), meant: anything };
      const backAt = BACK_AT[number % BACK_AT.length] ?? 0;
      if (turn === backAt) {
        const body = { confirmed: true, markBad: false, reason: REASON };
        return { what: "roll back", run: post("rollback", body), meant: anything };
      }
      // It is probed first, so a tick or two go by.
      if (turn > backAt && (await phase()) === "rolled-back") {
        turn = 0;
        back += 1;
        return { what: "rolled back", run: async () => undefined, meant: everybodyIsBack };
      }
      return turn > backAt + PATIENCE_TURNS ? { what: "roll back", run: neverBack, meant: anything } : null;
    },
  };
}

function neverBack(): Promise<never> {
  return Promise.reject(new Error(`is not back after ${PATIENCE_TURNS} turns`));
}

function everybodyIsBack(is: Expected): string | null {
  const wrong = ACCOUNTS.filter((_, index) => index !== PINNED).flatMap((account) =>
    [
      [hostOf(account, "kiln"), "kiln/2.8.0"],
      [hostOf(account, "fogbugz"), "fogbugz/8.7.0"],
    ].filter(([host = "", version]) => is.get(host) !== version && is.get(host) !== "held"),
  );
  return wrong.length === 0 ? null : `not back: ${wrong.map(([host]) => host).join(", ")}`;
}
