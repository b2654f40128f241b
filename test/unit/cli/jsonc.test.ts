/** JSON with comments: what is blanked, what stays as it is inside strings, and where mistakes are said to be. */
import { describe, it } from "vitest";
import { parseJsonc } from "../../../scripts/cli/jsonc.ts";

describe("parseJsonc", () => {
  it.for([
    ["plain JSON", '{"a":[1,2,{"b":null}]}', { a: [1, 2, { b: null }] }],
    ["line comments", '// head\n{"a": 1 // tail\n}', { a: 1 }],
    ["block comments, over lines", '{/* one\n two */"a": /**/ 1}', { a: 1 }],
    ["trailing commas", '{"a": [1, 2,\n], "b": {"c": 1,},}', { a: [1, 2], b: { c: 1 } }],
    ["a comma, then a comment, then the end", '{"a": 1, // last\n}', { a: 1 }],
    ["what looks like a comment in a string", '{"a": "http://x/*y*/"}', { a: "http://x/*y*/" }],
    ["what looks like a trailing comma in a string", '{"a": ",]"}', { a: ",]" }],
    ["escaped quotes", String.raw`{"a": "\"// \\", "b": 1}`, { a: '"// \\', b: 1 }],
    ["a byte order mark", '\ufeff{"a": 1}', { a: 1 }],
    ["equal names in different objects", '[{"a": 1}, {"a": {"a": 2}}]', [{ a: 1 }, { a: { a: 2 } }]],
    ["all kinds of values", '[-1.5e3, true, false, null, "\\u00e9\\n"]', [-1500, true, false, null, "é\n"]],
    ["a name that is a value elsewhere", '{"a": "b", "b": "a"}', { a: "b", b: "a" }],
  ] as const)("reads %s", ([, text, expected], { expect }) => {
    expect(parseJsonc(text)).toEqual(expected);
  });

  it("keeps __proto__ as a name like any other", ({ expect }) => {
    expect(Object.entries(parseJsonc('{"__proto__": 1}') as object)).toEqual([["__proto__", 1]]);
  });

  it.for([
    ["a missing comma", '{\n  "a": 1\n  "b": 2\n}', /line 3, column 3/],
    ["a word", '{\n  // fine\n  "a": nope\n}', /line 3/],
    ["a comment that never ends", '{\n"a": 1 /* \n}', /never ended \(line 2, column 8\)/],
    ["a comment that only seems to end", "/*/", /never ended/],
    [
      "a name that is given twice",
      '{"waves": [],\n "waves": [1]}',
      /"waves" is given twice.*line 2, column 2/,
    ],
    ["two commas", "[1,,]", /a value is expected \(line 1, column 4\)/],
    ["a comma alone", "[,]", /a value is expected/],
    ["nothing", " // nothing\n", /ends too early \(line 2, column 1\)/],
    ["a second document", "{} {}", /more behind/],
    ["a name without quotes", "{a: 1}", /double quotes/],
    ["single quotes", "{'a': 1}", /double quotes/],
    ["a string over two lines", '["a\nb"]', /not ended or not valid/],
    ["an escape that is none", String.raw`["\q"]`, /not ended or not valid \(line 1, column 2\)/],
    ["a control character in a string", '["a\u0001"]', /not ended or not valid/],
    ["a number that is none", "[01]", /a value is expected/],
    ["endless nesting", "[".repeat(100_000), /nested too deep/],
  ] as const)("refuses %s, and says where", ([, text, message], { expect }) => {
    expect(() => parseJsonc(text)).toThrow(message);
  });
});
