/** How answers look to people, and that foreign text cannot rewrite the screen. */
import { describe, it } from "vitest";
import {
  clean,
  count,
  diffFields,
  percent,
  renderDiff,
  renderFields,
  renderTable,
  sortedJson,
} from "../../../scripts/cli/render.ts";

describe("renderTable", () => {
  it("names columns, aligns numbers to the right and shows a dash for nothing", ({ expect }) => {
    const text = renderTable(
      ["name", "accounts"],
      [
        ["kiln", 12345],
        ["fogbugz", 7],
        ["empty", null],
      ],
    );
    expect(text).toBe("NAME     ACCOUNTS\nkiln       12,345\nfogbugz         7\nempty           –\n");
  });

  it("strips escape sequences and direction marks from foreign text", ({ expect }) => {
    expect(renderTable(["reason"], [["\u001b[2Jgone\u202e\r\nnext"]])).toBe("REASON\n[2Jgone next\n");
    expect(clean("a\u009bb\u2066c")).toBe("abc");
  });
});

describe("renderFields", () => {
  it("puts several values of one name below each other", ({ expect }) => {
    expect(
      renderFields([
        ["name", "kiln"],
        ["domains", ["a.example", "b.example"]],
        ["pins", []],
        ["held", false],
      ]),
    ).toBe("name     kiln\ndomains  a.example\n         b.example\npins     –\nheld     no\n");
  });
});

describe("diffFields", () => {
  it("names what would change, whatever the order of members", ({ expect }) => {
    const current = { cohort: "early", labels: { b: "2", a: "1" }, cell: null };
    const changes = diffFields(current, { cohort: "general", labels: { a: "1", b: "2" }, cell: null });
    expect(changes).toEqual([{ field: "cohort", from: "early", to: "general" }]);
    expect(renderDiff(changes)).toBe("  cohort\n  - early\n  + general\n");
  });

  it("takes everything as new when there is nothing yet", ({ expect }) => {
    expect(diffFields(null, { cohort: "early", cell: undefined })).toEqual([
      { field: "cohort", from: undefined, to: "early" },
    ]);
    expect(renderDiff([])).toBe("Nothing would change.\n");
  });
});

describe("numbers and JSON", () => {
  it("counts in the singular and in the plural", ({ expect }) => {
    expect([count(1, "line"), count(0, "line"), count(1234, "entry", "entries")]).toEqual([
      "1 line",
      "0 lines",
      "1,234 entries",
    ]);
    expect([percent(1), percent(0.1234), percent(0)]).toEqual(["100 %", "12.3 %", "0 %"]);
    expect([percent(0.9999), percent(0.0001)]).toEqual(["> 99.9 %", "< 0.1 %"]);
    expect(sortedJson({ b: [{ d: 1, c: 2 }], a: undefined })).toBe('{"b":[{"c":2,"d":1}]}');
  });
});
