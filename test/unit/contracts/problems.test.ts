/** Problems: stable types, and evidence that cannot pretend to be another problem. */
import { describe, it } from "vitest";
import { PROBLEM_BASE, PROBLEMS, toProblem } from "../../../src/contracts/problems.ts";

describe("toProblem", () => {
  it("builds an RFC 9457 document with the request id as instance", ({ expect }) => {
    const refusal = {
      problem: "stale-revision",
      detail: "Read it again.",
      extensions: { current_revision: 4 },
    } as const;
    expect(toProblem(refusal, "req-1")).toEqual({
      type: "urn:firebreak:problem:stale-revision",
      title: PROBLEMS["stale-revision"].title,
      status: 409,
      detail: "Read it again.",
      instance: "req-1",
      current_revision: 4,
    });
  });

  it("lets no extension replace a standard member", ({ expect }) => {
    const refusal = {
      problem: "invalid",
      detail: "No.",
      extensions: { status: 200, type: "about:blank" },
    } as const;
    expect(toProblem(refusal)).toMatchObject({ status: 400, type: `${PROBLEM_BASE}invalid` });
  });

  it("names every problem in words of one grammar, with an error status", ({ expect }) => {
    for (const [name, { status, title }] of Object.entries(PROBLEMS)) {
      expect(name).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).not.toBe("");
    }
  });
});
