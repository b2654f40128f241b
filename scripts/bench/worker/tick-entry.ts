/**
 * The Worker of measurements of the control plane: the control plane's object as it is deployed, with KV in memory and every statement
 * it asks of its SQLite counted. Called by `rows/tick.ts` over HTTP with `{ call, … }`; bundled there, never deployed.
 */
import type { ControlPort } from "../../../src/contracts/control.ts";
// A Worker must export the classes of its objects; this is one of them.
// oxlint-disable-next-line no-restricted-imports -- the entry of a Worker, not a script that talks to one
import { ControlPlane as RealControlPlane, type ControlEnv } from "../../../src/control/control-plane.ts";

/** What SQLite was asked and had to read and write for it. */
export interface Asked {
  readonly statements: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

// The object and the handler share an isolate; the runtime gives them no other place to meet.
const cursors: Pick<SqlStorageCursor<never>, "rowsRead" | "rowsWritten">[] = [];

/** What has been asked since the last time; a cursor knows what it read once it was read to its end. */
function take(): Asked {
  const taken = cursors.splice(0);
  return {
    statements: taken.length,
    rowsRead: taken.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
    rowsWritten: taken.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
  };
}

function listen(sql: SqlStorage): void {
  const exec = sql.exec.bind(sql);
  const heard = <T extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: unknown[]
  ): SqlStorageCursor<T> => {
    const cursor = exec<T>(query, ...bindings);
    cursors.push(cursor);
    return cursor;
  };
  Object.defineProperty(sql, "exec", { value: heard });
}

/** While ticks are measured nothing is published: what the publisher asks is no part of a tick. */
let held: PromiseWithResolvers<void> | null = null;

/** Keys that were written since the last time. */
const written: string[] = [];

/** KV as the object sees it, without its time. */
function createMemoryKv(): KVNamespace {
  const values = new Map<string, string>();
  const kv = {
    get: async (key: string) => values.get(key) ?? null,
    put: async (key: string, text: string) => {
      await held?.promise;
      written.push(key);
      values.set(key, text);
    },
    delete: async (key: string) => void values.delete(key),
  };
  // The rest of a namespace is not used by the object.
  return kv as unknown as KVNamespace;
}

export class ControlPlane extends RealControlPlane {
  constructor(ctx: DurableObjectState, env: ControlEnv) {
    listen(ctx.storage.sql);
    super(ctx, { ...env, MAPS: createMemoryKv() });
  }
}

type Call =
  | { readonly call: "execute"; readonly args: Parameters<ControlPort["execute"]> }
  | { readonly call: "query"; readonly args: Parameters<ControlPort["query"]> }
  | {
      readonly call: "import";
      readonly accounts: number;
      readonly zones: readonly string[];
      readonly cohorts: number;
    }
  | { readonly call: "tick"; readonly at: number }
  | { readonly call: "written" }
  | { readonly call: "ticks"; readonly at: readonly number[] };

const BATCH = 2000;
const ACTOR = { name: "bench", role: "admin", products: null } as const;

/** Accounts over all pairs of zone and cohort in turn, so that each pair is a group. */
async function importAccounts(
  control: ControlPort,
  { accounts, zones, cohorts }: Extract<Call, { call: "import" }>,
): Promise<unknown> {
  const id = "bench";
  await control.importBegin({ id, mode: "import", dryRun: false, expectRemoved: null }, ACTOR);
  for (let from = 0; from < accounts; from += BATCH) {
    const lines = Array.from({ length: Math.min(BATCH, accounts - from) }, (_, index) => {
      const number = from + index;
      const timeZone = zones[number % zones.length] ?? "UTC";
      const cohort = `c${Math.floor(number / zones.length) % cohorts}`;
      return { line: number + 1, account: { account: `account-${number}`, timeZone, cohort } };
    });
    await control.importBatch(id, lines);
  }
  return control.importEnd(id, 0);
}

async function answer(control: ControlPort, call: Call): Promise<unknown> {
  switch (call.call) {
    case "execute":
      return control.execute(...call.args);
    case "query":
      return control.query(...call.args);
    case "import":
      return importAccounts(control, call);
    case "tick":
      return control.tick(call.at);
    case "written":
      return written.splice(0);
    case "ticks":
      return runTicks(control, call.at);
  }
}

async function runTicks(control: ControlPort, times: readonly number[]): Promise<unknown> {
  held = Promise.withResolvers();
  take();
  try {
    let happened = 0;
    for (const at of times) happened += (await control.tick(at)).happened.length;
    return { ...take(), happened };
  } finally {
    held.resolve();
    held = null;
  }
}

export default {
  async fetch(request: Request, env: { readonly CONTROL: DurableObjectNamespace }): Promise<Response> {
    // Every method of the object can be called on its stub by name; the types of RPC cannot say so for generic ones.
    const control = env.CONTROL.getByName("bench") as unknown as ControlPort;
    try {
      return Response.json({ value: await answer(control, await request.json<Call>()) });
    } catch (error) {
      return Response.json(
        { error: error instanceof Error ? error.message : String(error) },
        { status: 500 },
      );
    }
  },
};
