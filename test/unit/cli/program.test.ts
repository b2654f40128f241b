/** The command line as a whole: help, suggestions, exit codes, and that every verb has what all verbs share. */
import { describe, it } from "vitest";
import { parseJsonc } from "../../../scripts/cli/jsonc.ts";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import { runCli } from "../../support/cli.ts";

const OBJECTS: Readonly<Record<string, readonly string[]>> = {
  product: ["list", "show", "put", "stable", "hold", "release"],
  version: ["list", "show", "register", "state", "mark-bad", "clear"],
  default: ["show", "promote", "approve", "withdraw", "four-eyes", "revert"],
  accounts: [
    "list",
    "show",
    "history",
    "put",
    "delete",
    "import",
    "sync",
    "pin",
    "unpin",
    "quarantine",
    "unquarantine",
    "hold",
    "release",
    "defer",
    "undefer",
  ],
  window: ["list", "show", "put", "delete"],
  freeze: ["list", "show", "put", "delete"],
  rollout: [
    "plan",
    "create",
    "list",
    "show",
    "watch",
    "start",
    "pause",
    "resume",
    "approve",
    "waive-gate",
    "stop",
    "rollback",
    "adopt",
    "left-behind",
    "delete",
  ],
  preflight: ["run", "show", "waive", "unwaive", "settings"],
  halt: ["show", "on", "off"],
  override: ["issue", "revoke"],
  token: ["create", "list", "revoke"],
  access: ["grant", "list", "revoke"],
  audit: ["list"],
  maps: ["dump", "verify", "diff", "load"],
};
const VERBS: readonly (readonly string[])[] = [
  ...Object.entries(OBJECTS).flatMap(([object, verbs]) => verbs.map((verb) => [object, verb])),
  ...["status", "explain", "export", "restore", "tick", "demo", "node"].map((verb) => [verb]),
];

describe("help", () => {
  it.for(VERBS.map((verb) => [verb.join(" "), verb] as const))(
    "of %s has an example that begins like the verb, and --json",
    async ([name, verb], { expect }) => {
      const { code, out, err } = await runCli([...verb, "--help"]);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toContain(`$ npm run -s firebreak -- ${name}`);
      expect(out).toContain("--json");
    },
  );

  it("names every object, the variables and the exit codes", async ({ expect }) => {
    const { out } = await runCli(["--help"]);
    for (const object of Object.keys(OBJECTS)) expect(out).toMatch(new RegExp(`^  ${object}\\b`, "m"));
    expect(out).toContain("FIREBREAK_TOKEN");
    expect(out).toContain("Exit codes");
  });
});

describe("the plan file that help shows", () => {
  it("is one that the API takes", async ({ expect }) => {
    const { out } = await runCli(["rollout", "create", "--help"]);
    const plan = /A plan file is JSON with comments:\n([\s\S]*?)\nThe window of/.exec(out)?.[1] ?? "";
    const parsed = RolloutInputSchema.safeParse(parseJsonc(plan));
    expect(parsed.error?.issues).toBeUndefined();
    expect(parsed.data?.waves).toHaveLength(3);
  });
});

describe("usage mistakes", () => {
  it.for([
    ["a typo in a verb", ["product", "lst"], /Did you mean list/],
    ["a typo in an object", ["acounts", "list"], /Did you mean account/],
    ["a typo in an option", ["status", "--jsom"], /Did you mean --json/],
    ["a missing verb", ["product"], /Usage: firebreak product/],
    ["nothing at all", [], /Usage: firebreak/],
    ["a missing word", ["product", "show"], /missing required argument 'product'/],
    ["a word too many", ["status", "now"], /too many arguments/],
    ["a missing reason", ["halt", "on"], /--reason/],
    ["an empty reason", ["halt", "on", "--reason", " "], /say why/],
    [
      "a word that is no slug",
      ["accounts", "show", "Acme"],
      /'Acme' will not do for <account>\. .*lower-case/,
    ],
    [
      "a value that is no time",
      ["explain", "a.example.com", "--at", "x"],
      /'x' will not do for --at <instant>\. /,
    ],
    ["a filter that needs another", ["accounts", "list", "--on", "2.8.0"], /--on needs --product/],
    ["a mode that is missing", ["node", "1", "kv"], /needs one of/],
    ["a mode too many", ["node", "1", "restart", "throw"], /takes no mode/],
    [
      "a closed port for some accounts",
      ["demo", "kiln/2.9.1", "--refuse", "--only", "acme"],
      /closes the port/,
    ],
    ["a time that is none", ["explain", "a.example.com", "--at", "tonight"], /with its offset/],
    ["a rollout without a time", ["explain", "a.example.com", "--rollout", "autumn"], /--rollout needs --at/],
    ["a window without its times", ["window", "put", "nights", "--days", "fri"], /--from and --to/],
    ["flags beside a file", ["window", "put", "nights", "--file", "x", "--from", "22:00"], /exclude/],
    ["a weekday that is none", ["window", "put", "nights", "--days", "funday"], /mon/],
    [
      "an address for the control plane to ask",
      ["preflight", "kiln", "2.9.0", "--origin", "https://a.example.net"],
      /--from here/,
    ],
    ["a preflight of nothing", ["preflight"], /missing required argument 'product'/],
    ["accounts without a fault", ["demo", "kiln/2.9.1", "--only", "acme"], /needs a fault/],
    ["a filter on a check of the whole chain", ["audit", "list", "--verify", "--target", "x"], /whole chain/],
  ] as const)("exit 2 for %s", async ([, argv, message], { expect }) => {
    const { code, out, err } = await runCli(argv);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
  });

  it("are one problem document with --json, wherever it stands", async ({ expect }) => {
    for (const argv of [
      ["--json", "product", "lst"],
      ["halt", "on", "--json"],
      ["product", "--json"],
    ]) {
      const { code, out, err } = await runCli(argv);
      expect([code, out]).toEqual([2, ""]);
      expect(JSON.parse(err)).toMatchObject({ type: "urn:firebreak:cli:usage" });
    }
  });
});

describe("the local run", () => {
  it("is said not to be there, and how to start it", async ({ expect }) => {
    const { code, err } = await runCli(["tick", "--at", "2026-11-28T22:05:00Z", "--state", "no-such-folder"]);
    expect(code).toBe(1);
    expect(err).toMatch(/There is no no-such-folder.control\.json/);
    expect(err).toContain("npm start");
  });

  it.for([[["tick"]], [["tick", "--at", "2026-11-28T22:05:00Z", "--for", "3"]]] as const)(
    "does not guess what time it is to be: %j",
    async ([argv], { expect }) => {
      const { code, err } = await runCli(argv);
      expect(code).toBe(2);
      expect(err).toContain("Give either --at or --for.");
    },
  );

  it("looks for its folder where FIREBREAK_STATE says", async ({ expect }) => {
    const { err } = await runCli(["tick", "--for", "1"], { env: { FIREBREAK_STATE: "some-folder" } });
    expect(err).toMatch(/There is no some-folder.control\.json/);
  });
});

describe("conditions", () => {
  it.for([
    ["halt", "on"],
    ["override", "issue"],
    ["override", "revoke"],
    ["token", "create"],
    ["token", "revoke"],
    ["webhook", "retry"],
  ])("are not offered where there is no revision: %s %s", async ([object = "", verb = ""], { expect }) => {
    const { out } = await runCli([object, verb, "--help"]);
    expect(out).toContain("--idempotency-key");
    expect(out).not.toContain("--if-match");
  });
});
