/** Numbers of move groups when they run short: one number is one group, also before anybody is in it. */
import { beforeEach, describe, it } from "vitest";
import { MAX_GROUPS } from "../../../src/contracts/limits.ts";
import type { Db } from "../../../src/control/db.ts";
import { openGroupBook, type GroupIdentity } from "../../../src/control/store/groups.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld } from "../../support/control-world.ts";

const LEFT = 3;
const groupOf = (cohort: string): GroupIdentity => ({ cohort, timeZone: "UTC", window: null, cell: null });

let db: Db;

/** All numbers are made; in all but a few there is somebody. */
beforeEach(() => {
  db = createMemoryDb();
  createWorld({ db });
  const book = openGroupBook(db);
  for (let n = 0; n < MAX_GROUPS; n += 1) {
    const id = book.idOf(groupOf(`old-${n}`)) ?? -1;
    if (n >= LEFT) book.add(id, 1);
  }
  book.flush();
});

describe("the group book", () => {
  it("gives a number that nobody is in to one new group and no other", ({ expect }) => {
    const book = openGroupBook(db);
    expect(book.free()).toBe(LEFT);
    const ids = ["a", "b", "c", "d"].map((cohort) => book.idOf(groupOf(cohort)));
    expect(ids).toEqual([0, 1, 2, null]);
    expect(book.free()).toBe(0);
    expect(book.idOf(groupOf("b"))).toBe(1);
  });

  it("gives away no number of an empty group that was asked for", ({ expect }) => {
    const book = openGroupBook(db);
    expect(book.idOf(groupOf("old-0"))).toBe(0);
    expect(["a", "b", "c"].map((cohort) => book.idOf(groupOf(cohort)))).toEqual([1, 2, null]);
  });

  it("gives it away again when the transaction ended without anybody in it", ({ expect }) => {
    openGroupBook(db).idOf(groupOf("a"));
    expect(openGroupBook(db).free()).toBe(LEFT);
  });

  it("gives no number that the root has no room for", ({ expect }) => {
    const take = (number: number): boolean => number !== 0;
    const room = { take, countFitting: (numbers: readonly number[]) => numbers.filter(take).length };
    const book = openGroupBook(db, room);
    expect(book.free()).toBe(LEFT - 1);
    expect(["old-0", "a", "b", "c"].map((cohort) => book.idOf(groupOf(cohort)))).toEqual([null, 1, 2, null]);
  });
});
