/**
 * Shares of the router's traffic: the command lines that set them, and the readings that say how they stand. What was done
 * is never taken from wrangler's exit code alone. Used by release.ts.
 */
import { failureOf, sharesOf, type Ran, type Share, type Wrangler } from "./wrangler.ts";

/** What a release is to do. */
export interface Wanted {
  /** As wrangler takes it: `--env=` or `--env=staging`. */
  readonly env: string;
  /** Percent, rising, the last one 100. */
  readonly shares: readonly number[];
  /** Between one share and the next. */
  readonly waitMs: number;
  readonly message: string;
}

/** Who runs wrangler, and who is told. */
interface Hands {
  readonly wrangler: Wrangler;
  readonly say: (line: string) => void;
}

interface Deploying {
  readonly shares: readonly Share[];
  readonly message: string;
}

/** Deploys and reads back. @returns what went wrong, or null when the shares are as they should be. */
export async function deployShares(
  world: Hands,
  wanted: Wanted,
  { shares, message }: Deploying,
): Promise<string | null> {
  const args = deployArgs(wanted, shares, message);
  world.say(`Deploy: ${commandText(world.wrangler, args)}`);
  const failed = failureOf(await world.wrangler.run(args));
  const found = await readShares(world, wanted);
  if (typeof found !== "string" && isSame(found, shares)) {
    if (failed !== null) world.say(`  wrangler complained, and it was done: ${failed}`);
    return null;
  }
  const stands = typeof found === "string" ? found : `the shares are ${shareText(found)}`;
  return failed === null ? `wrangler said that it was done, but ${stands}` : `${failed} (${stands})`;
}

function isSame(a: readonly Share[], b: readonly Share[]): boolean {
  // A version with nothing may be left out of a deployment.
  const text = (shares: readonly Share[]): string =>
    shares
      .filter(({ percent }) => percent > 0)
      .map(({ version, percent }) => `${version}@${percent}`)
      .toSorted()
      .join(" ");
  return text(a) === text(b);
}

/** The shares as they are, or why they cannot be read. */
export async function readShares(
  { wrangler }: Pick<Hands, "wrangler">,
  { env }: Wanted,
): Promise<readonly Share[] | string> {
  const ran: Ran = await wrangler.run(["deployments", "status", "--json", env]);
  return failureOf(ran) ?? sharesOf(ran) ?? "wrangler printed something else than a deployment";
}

export function uploadArgs({ env, message }: Wanted): readonly string[] {
  return ["versions", "upload", env, "--message", message];
}

export function deployArgs({ env }: Wanted, shares: readonly Share[], message: string): readonly string[] {
  const specs = shares.map(({ version, percent }) => `${version}@${percent}%`);
  return ["versions", "deploy", ...specs, env, "--yes", "--message", message];
}

export function heaviest(shares: readonly Share[]): string {
  return shares.toSorted((a, b) => b.percent - a.percent)[0]?.version ?? "VERSION";
}

export function shareText(shares: readonly Share[]): string {
  return shares.map(({ version, percent }) => `${version} ${percent} %`).join(", ");
}

/** What takes everything back to a version, to be pasted. */
export function backCommand(wrangler: Wrangler, wanted: Wanted, version: string): string {
  return commandText(wrangler, deployArgs(wanted, [{ version, percent: 100 }], "release: taken back"));
}

export function commandText({ words: begin }: Wrangler, args: readonly string[]): string {
  return [begin, ...args.map((arg) => (/^[\w@%=.:/-]+$/.test(arg) ? arg : JSON.stringify(arg)))].join(" ");
}

/** What a release would do, for `--dry-run`. */
export function tellRelease({ words: begin }: Pick<Wrangler, "words">, wanted: Wanted): readonly string[] {
  const wrangler = { words: begin } as Wrangler;
  const climb = [0, ...wanted.shares].map((percent) =>
    commandText(
      wrangler,
      deployArgs(
        wanted,
        percent === 100
          ? [{ version: "NEW", percent }]
          : [
              { version: "NEW", percent },
              { version: "OLD", percent: 100 - percent },
            ],
        `release: ${percent} %`,
      ),
    ),
  );
  return [
    commandText(wrangler, ["deployments", "status", "--json", wanted.env]),
    commandText(wrangler, uploadArgs(wanted)),
    ...climb,
  ];
}
