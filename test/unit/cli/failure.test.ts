/** How refusals and failures are shown to people and to programs. */
import { describe, it } from "vitest";
import { asTyped } from "../../../scripts/cli/command-line.ts";
import {
  adviceFor,
  cliFailure,
  Failure,
  failureJson,
  renderFailure,
  usageFailure,
} from "../../../scripts/cli/failure.ts";

const PROBLEM = {
  type: "urn:firebreak:problem:in-use",
  title: "It is still in use",
  status: 409,
  detail: "Version 2.8.0 cannot be retired.",
  instance: "req-7",
  references: [{ account: "acme", pin: "kiln" }, "default of kiln"],
};

describe("renderFailure", () => {
  it("shows title, detail, evidence, what to do next and the request id", ({ expect }) => {
    expect(renderFailure(new Failure(PROBLEM))).toBe(
      [
        "It is still in use",
        "  Version 2.8.0 cannot be retired.",
        "  references:",
        "    - account acme, pin kiln",
        "    - default of kiln",
        "  Next: Release what refers to it first; the list above says what.",
        "  Request req-7 (409, in-use)",
        "",
      ].join("\n"),
    );
  });

  it("names a field as the file spells it, and then what is wrong with it", ({ expect }) => {
    const problems = [
      { path: ["default", "window"], message: "is needed" },
      { path: ["waves", 1, "cohorts"], message: "are none" },
      { path: "body.timeZone", message: "is no IANA time zone" },
    ];
    const text = renderFailure(new Failure({ ...PROBLEM, problems }));
    expect(text).toContain("- default.window: is needed\n");
    expect(text).toContain("- waves[1].cohorts: are none\n");
    expect(text).toContain("- body.timeZone: is no IANA time zone\n");
  });

  it("shows at most 20 pieces of evidence", ({ expect }) => {
    const many = Array.from({ length: 25 }, (_, index) => `a${index}`);
    const text = renderFailure(new Failure({ ...PROBLEM, references: many }));
    expect(text).toContain("- a19");
    expect(text).not.toContain("- a20");
    expect(text).toContain("… and 5 more (--json shows all)");
  });

  it("gives no request line to what never left this machine", ({ expect }) => {
    expect(renderFailure(usageFailure("No such thing.", "Do this."))).toBe(
      "That is not how it is called\n  No such thing.\n  Next: Do this.\n",
    );
  });
});

describe("what to do next", () => {
  const nextOf = (type: string, detail: string): string | null =>
    adviceFor(new Failure({ ...PROBLEM, type: `urn:firebreak:problem:${type}`, detail }));

  it.for([
    ["there is no version kiln 2.7.0", "version list kiln"],
    ["there is no account acmee", "accounts list"],
    ["there is no rollout autum", "rollout list"],
    ["there is no pin of acme for kiln", "accounts show acme"],
    ["there is no dead event 7 of webhook on-call", "webhook dead on-call"],
    ["there is no grant to alice@example.com", "access list"],
    ["there is no replacement of kiln 2.8.0", "version replacement list kiln"],
  ] as const)("after %j is a list of what there is", ([detail, list], { expect }) => {
    expect(nextOf("not-found", detail)).toContain(`\`npm run -s firebreak -- ${list}\``);
  });

  it("names no list where there is none", ({ expect }) => {
    expect(nextOf("not-found", "There is no root/12 in KV: nothing was published yet.")).toBeNull();
    expect(nextOf("not-found", "what generation 3 said is not recorded here any more")).toBeNull();
  });

  it("names after a 403 only commands that every role may run", ({ expect }) => {
    const next = nextOf("forbidden", "The role viewer does not include that.") ?? "";
    expect([next.includes("token list"), next.includes("npm run -s firebreak -- doctor")]).toEqual([
      false,
      true,
    ]);
  });
});

describe("failureJson", () => {
  it("is the problem document on one line, with the advice beside it", ({ expect }) => {
    const text = failureJson(new Failure(PROBLEM));
    expect(text.indexOf("\n")).toBe(text.length - 1);
    expect(JSON.parse(text)).toEqual({
      ...PROBLEM,
      next: "Release what refers to it first; the list above says what.",
    });
  });
});

describe("exit codes", () => {
  it("are 2 for usage and 1 for everything else", ({ expect }) => {
    expect([
      usageFailure("x").exitCode,
      cliFailure("file", { title: "x", detail: "y" }).exitCode,
      new Failure(PROBLEM).exitCode,
    ]).toEqual([2, 1, 1]);
  });
});

describe("commands that the API names", () => {
  it.for([
    ["firebreak status", "npm run -s firebreak -- status"],
    [
      "Run it with `firebreak preflight kiln 2.9.0`",
      "Run it with `npm run -s firebreak -- preflight kiln 2.9.0`",
    ],
    ["Firebreak is firebreak still", "Firebreak is firebreak still"],
    ["`firebreak`", "`firebreak`"],
  ] as const)("%j work when pasted", ([said, typed], { expect }) => {
    expect(asTyped(said)).toBe(typed);
  });
});
