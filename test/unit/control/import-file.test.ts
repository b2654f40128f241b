/** One id of an import is one file: the same one goes on or is answered again, another one is refused. */
import { createHash } from "node:crypto";
import { describe, it } from "vitest";
import type { ImportLine } from "../../../src/contracts/api/accounts.ts";
import type { ImportEnded, NumberedLine } from "../../../src/contracts/import-port.ts";
import type { Refusal } from "../../../src/contracts/problems.ts";
import type { Result } from "../../../src/contracts/result.ts";
import { migrate, MIGRATIONS } from "../../../src/control/migrations.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  refusalOf,
  valueOf,
  type World,
} from "../../support/control-world.ts";

const ID = "nightly";
const COUNT = 20;
const ANOTHER: Refusal = {
  problem: "conflict",
  detail: `another file was sent as import ${ID} before: use another id for this one`,
};

const nameOf = (n: number): string => `account-${n}`;

function fileOf(more: Partial<ImportLine> = {}): readonly NumberedLine[] {
  return Array.from({ length: COUNT }, (_unused, n) => ({
    line: n + 1,
    account: { account: nameOf(n), timeZone: "Europe/Paris", cohort: "general", ...more },
  }));
}

interface Sending {
  readonly mode?: "import" | "sync";
  readonly size?: number;
  readonly unreadable?: number;
}

async function send(
  world: World,
  file: readonly NumberedLine[],
  { mode = "import", size = 5, unreadable = 0 }: Sending = {},
): Promise<Result<ImportEnded, Refusal>> {
  const begin = { id: ID, mode, dryRun: false, expectRemoved: null };
  valueOf(await world.control.importBegin(begin, contextOf().actor));
  for (let at = 0; at < file.length; at += size) {
    const batch = await world.control.importBatch(ID, file.slice(at, at + size));
    if (!batch.ok) return batch;
  }
  return world.control.importEnd(ID, unreadable);
}

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  return world;
}

async function cohortOf(world: World, n: number): Promise<string> {
  return valueOf(await world.control.query("account", { account: nameOf(n) })).cohort;
}

function withLine(n: number, more: Partial<ImportLine>): readonly NumberedLine[] {
  return fileOf().map((line) =>
    line.line === n ? { ...line, account: { ...line.account, ...more } } : line,
  );
}

/** What the release before kept of a file: SHA-256 over the digest so far and the line with its number, line by line. */
function shaOf(lines: readonly NumberedLine[]): string {
  return lines.reduce(
    (before, { line, account }) =>
      createHash("sha256")
        .update(`${before}${line} ${JSON.stringify(account)}`)
        .digest("hex"),
    "0".repeat(64),
  );
}

/** The first half of an import, as an earlier release left it. */
async function beginAsBefore(
  world: World,
  digest: (lines: readonly NumberedLine[]) => string,
): Promise<void> {
  const begin = { id: ID, mode: "import" as const, dryRun: false, expectRemoved: null };
  valueOf(await world.control.importBegin(begin, contextOf().actor));
  const half = fileOf().slice(0, COUNT / 2);
  valueOf(await world.control.importBatch(ID, half));
  world.db.run(
    "UPDATE imports SET file_digest = ?1, sent_line = ?2, sent_digest = ?1",
    digest(half),
    COUNT / 2,
  );
}

describe("another file under the id of an import", () => {
  const FEWER = fileOf().slice(0, -3);
  it.for([
    ["whose lines all differ", fileOf({ cohort: "early" })],
    ["whose last line differs", withLine(COUNT, { cohort: "early" })],
    ["whose first line differs", withLine(1, { cohort: "early" })],
    ["that lacks a line", fileOf().filter(({ line }) => line !== 7)],
    ["that ends earlier", FEWER],
    ["that is empty", []],
  ] as const)("is refused once that is finished: %s", async ([, other], { expect }) => {
    const world = await start();
    valueOf(await send(world, fileOf()));
    for (const size of [5, 7]) expect(refusalOf(await send(world, other, { size }))).toEqual(ANOTHER);
    expect(await cohortOf(world, 0)).toBe("general");
  });

  it("is refused with lines that come after it", async ({ expect }) => {
    const world = await start();
    valueOf(await send(world, FEWER, { size: 17 }));
    expect(refusalOf(await send(world, fileOf(), { size: 17 })).detail).toContain(
      "is finished: use another id",
    );
  });

  it("deletes nobody when the lines of a refused sync that could not be read are corrected", async ({
    expect,
  }) => {
    const world = await start();
    for (let n = 0; n < COUNT; n++) await addAccount(world, nameOf(n));
    const readable = fileOf().filter(({ line }) => line !== 6);
    const refused = refusalOf(await send(world, readable, { mode: "sync", unreadable: 1 }));
    expect(refused.detail).toContain("Correct the lines and use another id");
    for (const size of [5, 20])
      expect(refusalOf(await send(world, fileOf(), { mode: "sync", size }))).toEqual(ANOTHER);
    expect(valueOf(await world.control.query("account", { account: nameOf(5) })).deleted).toBeNull();
  });

  it("is refused where one that broke off is gone on with", async ({ expect }) => {
    const world = await start();
    const begin = { id: ID, mode: "import" as const, dryRun: false, expectRemoved: null };
    valueOf(await world.control.importBegin(begin, contextOf().actor));
    valueOf(await world.control.importBatch(ID, fileOf().slice(0, 10)));
    expect(refusalOf(await send(world, fileOf({ cohort: "early" })))).toEqual(ANOTHER);
    expect(await cohortOf(world, 9)).toBe("general");
  });
});

describe("the same file under the id of an import", () => {
  it.for([3, 5, 10, 20])("goes on after a break, in batches of %i lines", async (size, { expect }) => {
    const world = await start();
    const begin = { id: ID, mode: "import" as const, dryRun: false, expectRemoved: null };
    valueOf(await world.control.importBegin(begin, contextOf().actor));
    for (const at of [0, 5]) valueOf(await world.control.importBatch(ID, fileOf().slice(at, at + 5)));
    const ended = valueOf(await send(world, fileOf(), { size }));
    expect(ended.summary).toMatchObject({ lines: COUNT, added: COUNT });
    expect(valueOf(await send(world, fileOf(), { size }))).toEqual(ended);
  });

  it.for([
    ["were not told apart", () => ""],
    ["were told apart by SHA-256", shaOf],
  ] as const)("goes on when it was begun by a release where files %s", async ([, digest], { expect }) => {
    const world = await start();
    await beginAsBefore(world, digest);
    expect(valueOf(await send(world, fileOf(), { size: 10 })).summary).toMatchObject({ added: COUNT });
  });

  it.for([3, 5, 10, 20])(
    "is no other one after such a release, in batches of %i lines",
    async (size, { expect }) => {
      const world = await start();
      await beginAsBefore(world, shaOf);
      const other = fileOf().slice(2);
      expect(refusalOf(await send(world, other, { size }))).toEqual(ANOTHER);
      valueOf(await send(world, fileOf(), { size }));
      expect(refusalOf(await send(world, other, { size }))).toEqual(ANOTHER);
    },
  );

  it("is known to a database of the release before", ({ expect }) => {
    const db = createMemoryDb();
    migrate(db, MIGRATIONS, "017_product_modes");
    db.run(
      "INSERT INTO imports (id, mode, dry_run, actor, state, started_at, last_at, last_line, lines, rejected, added, changed, unchanged, removed, digest, seq) VALUES ('x', 'sync', 0, '{}', 'open', 1, 1, 0, 0, 0, 0, 0, 0, 0, '', 0)",
    );
    migrate(db);
    expect(db.rows("SELECT begun_seq, file_digest, sent_line FROM imports")).toEqual([
      { begun_seq: 0, file_digest: "", sent_line: 0 },
    ]);
  });
});
