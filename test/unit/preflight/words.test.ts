/** What a probe expects, in words. */
import { describe, it } from "vitest";
import { expectationWords } from "../../../src/core/preflight/words.ts";

describe("expectationWords", () => {
  it.for([
    [{ status: [[200, 200]], header: null, bodyContains: null }, "200"],
    [
      {
        status: [
          [200, 299],
          [404, 404],
        ],
        header: null,
        bodyContains: null,
      },
      "200-299 or 404",
    ],
    [
      { status: [[200, 399]], header: { name: "Allow", contains: "GET" }, bodyContains: "ok" },
      "200-399, with the header Allow that holds GET, with ok in the body",
    ],
    [
      { status: [[200, 200]], header: { name: "ETag", contains: null }, bodyContains: null },
      "200, with the header ETag",
    ],
  ] as const)("says of %j: %s", ([expectation, words], { expect }) => {
    expect(expectationWords(expectation)).toBe(words);
  });
});
