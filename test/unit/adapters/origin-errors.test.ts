/** Whose fault a failed attempt is, from its evidence. */
import { describe, it } from "vitest";
import { classifyFailure, isUnreachedStatus } from "../../../src/adapters/origin-errors.ts";

const upload = (clientFailed: boolean, sentBytes: number, waitsFor: "client" | "origin" = "origin") => ({
  clientFailed,
  sentBytes,
  waitsFor,
  movedMs: 0,
});

describe("classifyFailure", () => {
  it.for([
    [{ timedOut: false, upload: null, clientAborted: false }, "connect-failed"],
    [{ timedOut: true, upload: null, clientAborted: false }, "timeout"],
    [{ timedOut: false, upload: null, clientAborted: true }, "client-gone"],
    [{ timedOut: true, upload: null, clientAborted: true }, "client-gone"],
    [{ timedOut: false, upload: upload(true, 0), clientAborted: false }, "client-gone"],
    [{ timedOut: true, upload: upload(true, 9), clientAborted: false }, "client-gone"],
    [{ timedOut: false, upload: upload(false, 0), clientAborted: false }, "connect-failed"],
    [{ timedOut: false, upload: upload(false, 9), clientAborted: false }, "reset"],
    [{ timedOut: true, upload: upload(false, 9), clientAborted: false }, "timeout"],
    [{ timedOut: true, upload: upload(false, 9, "client"), clientAborted: false }, "client-gone"],
    [{ timedOut: false, upload: upload(false, 9, "client"), clientAborted: false }, "reset"],
  ] as const)("takes %j for %s", ([evidence, failure], { expect }) => {
    expect(classifyFailure(evidence)).toBe(failure);
  });
});

describe("isUnreachedStatus", () => {
  it("is true for what Cloudflare says of origins it did not reach", ({ expect }) => {
    const statuses = Array.from({ length: 500 }, (_, index) => index + 100);
    expect(statuses.filter(isUnreachedStatus)).toEqual([521, 522, 523, 525, 526, 530]);
  });
});
