/**
 * The versions of the demo world and their servers. Each keeps its port between starts (`settings.json`), so that what
 * is recorded in the control plane stays true; a port that somebody else has taken meanwhile is replaced by a free one,
 * and `seed.ts` then corrects the version's origin through the API.
 */
import { hasCode, type Settings } from "../state-folder.ts";
import { createDemoAccounts } from "./accounts.ts";
import { startDemoOrigin, type DemoOrigin } from "./origin.ts";

export interface DemoVersion {
  readonly product: string;
  readonly version: string;
  /** `live` ones are the product's stable and default to begin with. */
  readonly state: "live" | "candidate";
  readonly failsWithoutAccount: boolean;
  readonly notes: string;
}

export const DEMO_VERSIONS: readonly DemoVersion[] = [
  {
    product: "kiln",
    version: "2.8.0",
    state: "live",
    failsWithoutAccount: false,
    notes: "What everybody is on",
  },
  {
    product: "kiln",
    version: "2.9.0",
    state: "candidate",
    failsWithoutAccount: true,
    notes: "Has the incident's bug: 500 for a request that names no known account",
  },
  {
    product: "kiln",
    version: "2.9.1",
    state: "candidate",
    failsWithoutAccount: false,
    notes: "2.9.0 with the bug fixed",
  },
  {
    product: "fogbugz",
    version: "8.7.0",
    state: "live",
    failsWithoutAccount: false,
    notes: "What everybody is on",
  },
  {
    product: "fogbugz",
    version: "8.8.0",
    state: "candidate",
    failsWithoutAccount: false,
    notes: "Goes with kiln 2.9.1",
  },
];

/**
 * Starts the servers of all demo versions.
 * @returns them, and the settings with the ports they have now.
 */
export async function startDemoOrigins(
  settings: Settings,
): Promise<{ origins: DemoOrigin[]; settings: Settings }> {
  const accounts = new Map(createDemoAccounts().map(({ account, products }) => [account, products ?? []]));
  const origins = await Promise.all(
    DEMO_VERSIONS.map(async ({ product, version, failsWithoutAccount }) => {
      const options = {
        product,
        version,
        failsWithoutAccount,
        knows: (account: string) => accounts.get(account)?.includes(product) ?? false,
      };
      return startOnKeptPort(options, settings.demoPorts[`${product}/${version}`] ?? 0);
    }),
  );
  const demoPorts = Object.fromEntries(
    origins.map(({ product, version, port }) => [`${product}/${version}`, port]),
  );
  return { origins, settings: { ...settings, demoPorts } };
}

async function startOnKeptPort(
  options: Omit<Parameters<typeof startDemoOrigin>[0], "port">,
  kept: number,
): Promise<DemoOrigin> {
  try {
    return await startDemoOrigin({ ...options, port: kept });
  } catch (error) {
    if (!hasCode(error, "EADDRINUSE")) throw error;
    return startDemoOrigin({ ...options, port: 0 });
  }
}
