/**
 * The router's own gradual release: upload, into the deployment with nothing, probed there, then up share by share with
 * probes and alarms in between, and back at the first thing that is wrong. What wrangler did is never taken from its exit
 * code alone: the shares are read back after every step. All that is outside is handed in, so that every way in which it
 * can go wrong can be played. Who interrupts is told where the shares stand and how to go back; nothing goes back by itself then.
 */
import {
  backCommand,
  commandText,
  deployShares,
  heaviest,
  readShares,
  shareText,
  uploadArgs,
  type Wanted,
} from "./shares.ts";
import { failureOf, uploadedBy, type Share, type Wrangler } from "./wrangler.ts";

/** What is outside of a release. */
export interface World {
  readonly wrangler: Wrangler;
  /** Everything wrong with the new version, a sentence each; also when it cannot be reached. */
  probe(versions: {
    readonly fresh: string;
    readonly before: string;
    readonly worker: string;
  }): Promise<readonly string[]>;
  /** Words of alarms that page somebody, or throws: asked of a version of the Worker by its name. */
  alarms(version: string, worker: string): Promise<readonly string[]>;
  /** Which version answers when `version` is asked for; null: it does not say. */
  reached(version: string, worker: string): Promise<string | null>;
  /** Resolves after the time, or as soon as somebody interrupts. */
  sleep(ms: number): Promise<void>;
  interrupted(): boolean;
  readonly say: (line: string) => void;
}

/** How a release ended: `done`, `refused` (nothing was deployed), `back`, `stuck` (a way back failed), `interrupted`. */
export type Outcome = "done" | "refused" | "back" | "stuck" | "interrupted";

/** Looks every so often while a share waits. */
const LOOK_MS = 30_000;
/** A new deployment is known everywhere within seconds; it is asked for this often before that counts as wrong. */
const REACH_TRIES = 10;
const REACH_PAUSE_MS = 3_000;

/** Carries a release out. */
export async function release(world: World, wanted: Wanted): Promise<Outcome> {
  const { say, wrangler } = world;
  const standing = await readShares(world, wanted);
  if (typeof standing === "string") return refuse(world, `What is deployed cannot be read: ${standing}`);
  const [only] = standing;
  if (only === undefined || standing.length > 1 || only.percent !== 100)
    return refuse(
      world,
      `Another release is under way: ${shareText(standing)}. Finish it, or go back: ${backCommand(wrangler, wanted, heaviest(standing))}`,
    );
  const before = only.version;
  say(`Deployed: ${before}`);
  if (world.interrupted()) return refuse(world, "Interrupted.");
  say(`Upload: ${commandText(wrangler, uploadArgs(wanted))}`);
  const ran = await wrangler.run(uploadArgs(wanted));
  const failed = failureOf(ran);
  if (failed !== null) return refuse(world, uploadRefusal(failed, wrangler, wanted));
  const uploaded = uploadedBy(ran);
  if (uploaded === null) return refuse(world, "wrangler did not say which version it uploaded.");
  say(`Uploaded: ${uploaded.version}`);
  return new Climb(world, wanted, { before, fresh: uploaded.version, worker: uploaded.worker }).run();
}

function refuse({ say }: World, why: string): Outcome {
  say(`${why}\nNothing was deployed.`);
  return "refused";
}

/** A new class of a Durable Object, or a change of one, cannot go in shares: both versions would have to know it. */
function uploadRefusal(failed: string, wrangler: Wrangler, { env }: Wanted): string {
  if (!/pending Durable Object migration/i.test(failed)) return `The upload failed: ${failed}`;
  return `wrangler.toml has a migration of a Durable Object that is not deployed yet. It cannot go in shares; it takes a whole deploy, at once for everybody: ${commandText(wrangler, ["deploy", env])}`;
}

interface Versions {
  readonly before: string;
  readonly fresh: string;
  readonly worker: string;
}

/** The way up, from nothing to everything. */
class Climb {
  private readonly world: World;
  private readonly wanted: Wanted;
  private readonly versions: Versions;
  private alarmsBefore: ReadonlySet<string> = new Set();

  constructor(world: World, wanted: Wanted, versions: Versions) {
    this.world = world;
    this.wanted = wanted;
    this.versions = versions;
  }

  async run(): Promise<Outcome> {
    const { before, worker } = this.versions;
    try {
      this.alarmsBefore = new Set(await this.world.alarms(before, worker));
    } catch (error) {
      return refuse(this.world, `The router cannot be asked how it stands: ${words(error)}`);
    }
    for (const percent of [0, ...this.wanted.shares]) {
      if (this.world.interrupted()) return this.stop();
      const wrong = (await this.deploy(percent)) ?? (await this.watch(percent));
      if (this.world.interrupted()) return this.stop();
      if (wrong !== null) return this.goBack(wrong);
    }
    this.world.say(`Done: ${this.versions.fresh} has all traffic.`);
    return "done";
  }

  /** @returns what went wrong, or null. */
  private async deploy(percent: number): Promise<string | null> {
    const { fresh, before } = this.versions;
    const shares =
      percent === 100
        ? [{ version: fresh, percent }]
        : [
            { version: fresh, percent },
            { version: before, percent: 100 - percent },
          ];
    return deployShares(this.world, this.wanted, { shares, message: `release: ${percent} %` });
  }

  /** Probes until the share's time is over. @returns what went wrong, or null. */
  private async watch(percent: number): Promise<string | null> {
    const unreached = await this.reach();
    if (unreached !== null) return unreached;
    let left = percent === 0 || percent === 100 ? 0 : this.wanted.waitMs;
    for (;;) {
      const wrong = await this.look();
      if (wrong !== null || left <= 0 || this.world.interrupted()) {
        if (wrong === null) this.world.say(`  ${percent} %: probes and alarms are fine`);
        return wrong;
      }
      const pause = Math.min(left, LOOK_MS);
      await this.world.sleep(pause);
      left -= pause;
    }
  }

  /** The override must lead to the new version, else every probe would only tell of the old one. */
  private async reach(): Promise<string | null> {
    const { fresh, worker } = this.versions;
    let last = "nothing";
    for (let tries = 0; tries < REACH_TRIES && !this.world.interrupted(); tries++) {
      if (tries > 0) await this.world.sleep(REACH_PAUSE_MS);
      try {
        const reached = await this.world.reached(fresh, worker);
        if (reached === fresh) return null;
        last = reached ?? "a version that does not say which it is";
      } catch (error) {
        last = words(error);
      }
    }
    return `the new version cannot be reached to be probed: ${last} answered`;
  }

  private async look(): Promise<string | null> {
    const { fresh, before, worker } = this.versions;
    const wrong = [...(await this.world.probe(this.versions))];
    try {
      const alarms = await this.world.alarms(fresh, worker);
      wrong.push(
        ...alarms.filter((alarm) => !this.alarmsBefore.has(alarm)).map((alarm) => `alarm: ${alarm}`),
      );
    } catch (error) {
      // Both or the new one alone: the old one says which.
      const also = await this.world.alarms(before, worker).then(
        () => false,
        () => true,
      );
      if (!also) wrong.push(`status: ${words(error)}`);
    }
    return wrong.length === 0 ? null : wrong.join("; ");
  }

  private async goBack(wrong: string): Promise<Outcome> {
    const { say, wrangler } = this.world;
    const { before } = this.versions;
    say(`! ${wrong}\nGoing back to ${before}.`);
    const failed = await deployShares(this.world, this.wanted, {
      shares: [{ version: before, percent: 100 }],
      message: "release: taken back",
    });
    if (failed === null) {
      say(`Back: ${before} has all traffic. The uploaded version stays uploaded and gets none.`);
      return "back";
    }
    say(
      `! GOING BACK FAILED: ${failed}\n${await this.whereItStands()}\nDo it by hand: ${backCommand(wrangler, this.wanted, before)}`,
    );
    return "stuck";
  }

  private async stop(): Promise<Outcome> {
    const { say, wrangler } = this.world;
    say(
      `Interrupted. ${await this.whereItStands()}\nGo back: ${backCommand(wrangler, this.wanted, this.versions.before)}`,
    );
    return "interrupted";
  }

  private async whereItStands(): Promise<string> {
    const shares = await readShares(this.world, this.wanted);
    if (typeof shares === "string") return `How the shares stand is not known: ${shares}`;
    const name = ({ version, percent }: Share): string =>
      `${percent} % on ${version === this.versions.fresh ? "the new" : version === this.versions.before ? "the old" : "another"} version ${version}`;
    return `The shares stand at ${shares.map(name).join(", ")}.`;
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
