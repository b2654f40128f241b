/**
 * Single changes of a soak, in an order in which each is undone by a later one: pins, holds, a custom domain, imports and
 * windows. What each must come to is said beside it.
 */
import type { AdminClient } from "../local/admin-client.ts";
import { createDemoAccounts } from "../local/demo/accounts.ts";
import { nobodyMoves, type Change, type Expected } from "./change.ts";
import { ACCOUNTS, CUSTOM_HOST, HELD, hostOf, NAMED, PINNED } from "./hosts.ts";

const IMPORTED = 200;
const REASON = "soak";
const OLD = "2.8.0";
const NEW = "2.9.1";

/** What is done one after the other, and begun again. Each is undone by a later one. */
export function stepsOf(admin: AdminClient): Change[] {
  const [pinned = "", held = "", named = ""] = [ACCOUNTS[PINNED], ACCOUNTS[HELD], ACCOUNTS[NAMED]];
  const put = (path: string, body: object) => () => admin.must({ method: "PUT", path, body });
  const lift = (path: string) => () => admin.must({ method: "DELETE", path: `${path}?reason=${REASON}` });
  const gets =
    (host: string, ...wanted: readonly string[]) =>
    (is: Expected): string | null =>
      wanted.includes(is.get(host) ?? "") ? null : `${host} gets ${is.get(host) ?? "nothing"}`;
  const pin = (version: string): Change => ({
    what: `pin to ${version}`,
    run: put(`accounts/${pinned}/pins/kiln`, { version, reason: REASON }),
    meant: gets(hostOf(pinned, "kiln"), `kiln/${version}`),
  });
  const unpin: Change = {
    what: "lift the pin",
    run: lift(`accounts/${pinned}/pins/kiln`),
    meant: nobodyMoves,
  };
  const name = (domains: readonly object[], gotten: readonly string[]): Change => ({
    what: `${domains.length} custom domains`,
    run: put(`accounts/${named}`, { timeZone: "Europe/Paris", cohort: "general", domains }),
    meant: gets(CUSTOM_HOST, ...gotten),
  });
  return [
    pin(NEW),
    {
      what: "hold",
      run: put(`accounts/${held}/hold`, { mode: "page", message: null, until: null, reason: REASON }),
      meant: gets(hostOf(held, "fogbugz"), "held"),
    },
    name([{ host: CUSTOM_HOST, product: "kiln" }], [`kiln/${OLD}`, `kiln/${NEW}`]),
    unpin,
    importOf(admin, "even"),
    pin(OLD),
    {
      what: "release",
      run: lift(`accounts/${held}/hold`),
      meant: gets(hostOf(held, "fogbugz"), "fogbugz/8.7.0", "fogbugz/8.8.0"),
    },
    {
      what: "put a window",
      run: put("windows/soak", {
        windows: [{ days: ["fri", "sat"], from: "22:00", to: "04:00", zone: "account" }],
      }),
      meant: nobodyMoves,
    },
    unpin,
    name([], ["421"]),
    importOf(admin, "odd"),
    { what: "delete the window", run: lift("windows/soak"), meant: nobodyMoves },
  ];
}

/** Accounts that no rollout has to move because of it: labels alone are another. */
function importOf(admin: AdminClient, turn: string): Change {
  const lines = createDemoAccounts()
    .slice(0, IMPORTED)
    .map((line) => JSON.stringify({ ...line, labels: { ...line.labels, soak: turn } }));
  return {
    what: `import of ${IMPORTED}`,
    run: () => admin.must({ method: "POST", path: "accounts/import?mode=import", lines }),
    meant: nobodyMoves,
  };
}
