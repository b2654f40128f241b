/**
 * Salts of rollouts, which control draws with `crypto.randomUUID` and which decide who moves at which step: the same in
 * each run of a test, so that whether a change lands depends on the change (a step of 5 % of 70 accounts moves nobody
 * one time in thirty). `SALT_SEED=random` (or a number) looks elsewhere.
 */
import { randomUUID } from "node:crypto";
import { beforeEach } from "vitest";

const wanted = process.env["SALT_SEED"] ?? "0";
const prefix = Number(wanted).toString(16).padStart(8, "0");
let drawn = 0;

beforeEach(() => {
  drawn = 0;
});

/** Unlike any other of the same test, as a real one is. */
const drawNext = (): ReturnType<typeof randomUUID> =>
  `${prefix}-0000-4000-8000-${(drawn++).toString(16).padStart(12, "0")}`;

crypto.randomUUID = wanted === "random" ? randomUUID : drawNext;
