/**
 * Walks every verb that the command line has, by asking it which there are, and holds each to what every verb owes its
 * operator. A new verb is walked without being written down here. The rules, and how to keep them:
 * 1. Help: a purpose of one line (`summary`), usage, exit codes (`exits` where 1 is not simply "refused or failed"), "See also"
 *    (`seeAlso`; without it the verbs beside it), and every verb named there exists.
 * 2. Every flag that takes a value says what holds without it: `(default: …)`, else `(needed …)`. `unsaid` of the verb
 *    says it for all flags that do not say it themselves.
 * 3. What stands between < and > of a flag names its kind in KINDS below: a kind that is not free refuses a wrong value with
 *    exit 2 and says what is accepted. A new kind is added there, with a value that it must refuse.
 * 4. At least one example, and each parses (`--help` behind it is reached, and its flags are those of the verb).
 * 5. A mistyped flag and a mistyped verb end with exit 2 and "Did you mean"; with `--json` as one problem document.
 * 6. A verb that is not in READING changes something: it has `--dry-run`.
 */
import type { Command, Option } from "commander";
import { describe, it } from "vitest";
import { createProgram } from "../../../scripts/cli/program.ts";
import { verbsOf } from "../../../scripts/cli/usage-mistake.ts";
import { pathOfCommand } from "../../../scripts/cli/verb.ts";
import { memoryTerminal, runCli, shellWords } from "../../support/cli.ts";

/** Words of verbs that only read, or write a file of the operator's own. */
const READING = new Set(
  (
    "list show history status explain assignments dead plan left-behind watch signals impact run test dump verify diff " +
    "export compare timeline doctor alarms completion check card"
  ).split(" "),
);

/** Kinds of values: what must be refused, and a word of the refusal. Free text is refused by nobody. */
const KINDS: Readonly<Record<string, { readonly wrong: string; readonly says: RegExp } | "free">> = {
  ...each("seconds minutes number count generation revision ms n accounts-count", "soon", /whole number/),
  ...each("percent points rate", "soon", /number from/),
  ratio: { wrong: "soon", says: /number from/ },
  percents: { wrong: "1,soon", says: /number from/ },
  share: { wrong: "1.5", says: /0 (?:and|to) 1|number from/ },
  instant: { wrong: "tonight", says: /as in 20/ },
  date: { wrong: "tonight", says: /as in 20/ },
  "from/to": { wrong: "tonight", says: /as in 20/ },
  "HH:MM": { wrong: "10 pm", says: /as in 22:00/ },
  zone: { wrong: "Europe/Pariss", says: /Did you mean Europe\/Paris/ },
  days: { wrong: "funday", says: /mon/ },
  ...each("product products", "Kiln!", /lower-case/),
  ...each("version versions", "x y", /It /),
  address: { wrong: "8080", says: /must be like/ },
  actions: { wrong: "Alarm!", says: /must be like/ },
  digest: { wrong: "4f0c", says: /64/ },
  "key=value": { wrong: "gold", says: /Write it as/ },
  "host=product": { wrong: "acme", says: /as in/ },
  "backend=version": { wrong: "be_kiln", says: /as in/ },
  "from=to": { wrong: "https://x.test", says: /FROM=TO/ },
  "product=version": { wrong: "kiln", says: /as in/ },
  "product=versions": { wrong: "kiln", says: /as in/ },
  "cell=account": { wrong: "eu", says: /as in/ },
  "/prefix=seconds": { wrong: "export", says: /as in/ },
  ...each("role kind how presets", "nonsense", /It must be/),
  ...Object.fromEntries(
    (
      "url text name owner key cursor target actor file folder origin cell cells account accounts prefixes wave id " +
      "weekdays method cohort domain when namespace limit"
    )
      .split(" ")
      .map((kind) => [kind, "free"]),
  ),
};

function each(kinds: string, wrong: string, says: RegExp): Record<string, { wrong: string; says: RegExp }> {
  return Object.fromEntries(kinds.split(" ").map((kind) => [kind, { wrong, says }]));
}

const program = createProgram(memoryTerminal().terminal, { outcome: { exitCode: 0 }, json: false });
const VERBS = verbsOf(program).map((verb) => [pathOfCommand(verb), verb] as const);
const PATHS = new Set(VERBS.map(([path]) => path));

/** Words that stand for the needed arguments of a verb, so that its flags are reached. */
function wordsOf(verb: Command): string[] {
  const stand: Readonly<Record<string, string>> = { "product/version": "kiln/2.9.0", number: "1", wave: "0" };
  const closed: Readonly<Record<string, string>> = {
    state: "live",
    mode: "compare",
    verdict: "pass",
    action: "flush",
    identity: "a@example.com",
    switch: "on",
  };
  return verb.registeredArguments
    .filter(({ required }) => required)
    .map((argument) => closed[argument.name()] ?? stand[argument.name()] ?? "kiln");
}

/** Flags that must be there, with values that are none too hard to believe. */
function neededFlags(verb: Command, but: Option): string[] {
  const values: Readonly<Record<string, string>> = {
    instant: "2026-11-28T22:05:00Z",
    date: "2026-12-20",
    role: "viewer",
    kind: "haproxy",
    generation: "1",
    source: "tests",
  };
  return verb.options
    .filter((option) => option.mandatory && option.long !== but.long)
    .flatMap((option) => [option.long ?? "", values[kindOf(option)] ?? "because"]);
}

function kindOf(option: Option): string {
  return /<(.*)>/.exec(option.flags)?.[1] ?? "";
}

function examplesOf(help: string): string[] {
  return [...help.matchAll(/^ {2}\$ npm run -s firebreak -- (.*)$/gm)].map(([, line]) => line ?? "");
}

describe.for(VERBS)("the verb %s", ([path, verb]) => {
  const words = path.split(" ");

  it("has help with purpose, usage, examples, exit codes and what to see also", async ({ expect }) => {
    const { code, out, err } = await runCli([...words, "--help"]);
    expect([code, err]).toEqual([0, ""]);
    const [usage = "", , purpose = ""] = out.split("\n");
    expect(usage).toMatch(new RegExp(`^Usage: firebreak ${words.join("(\\|\\w+)? ")}`));
    expect(purpose.length).toBeGreaterThan(8);
    expect(verb.summary()).not.toMatch(/\n/);
    expect(examplesOf(out).length).toBeGreaterThan(0);
    expect(out).toMatch(/^Exit codes: 0 .+; 1 .+; 2 not how it is called\.$/m);
    const see = /^See also: (.+)$/m.exec(out)?.[1]?.split(", ") ?? [];
    expect(see, "See also").not.toEqual([]);
    expect(see.filter((other) => !PATHS.has(other))).toEqual([]);
  });

  it("says of every flag what holds without it, and knows --json", ({ expect }) => {
    const silent = verb.options.filter(
      ({ flags, description, defaultValue }) =>
        flags.includes("<") && defaultValue === undefined && !/\((?:default|needed)\b/.test(description),
    );
    expect(silent.map(({ flags }) => flags)).toEqual([]);
    expect(verb.options.map(({ long }) => long)).toContain("--json");
    expect(verb.options.filter(({ description }) => description === "")).toEqual([]);
  });

  it("has examples that it understands", async ({ expect }) => {
    const { out } = await runCli([...words, "--help"]);
    for (const example of examplesOf(out)) {
      const line = shellWords(example.split(/ [|>] /)[0] ?? example);
      const known = new Set(verb.options.map(({ long }) => long));
      expect(line.filter((word) => word.startsWith("--") && !known.has(word), example)).toEqual([]);
      const { code, err } = await runCli([...line, "--help"]);
      expect([code, err], example).toEqual([0, ""]);
    }
  });

  it("tells of a mistyped flag which one was meant", async ({ expect }) => {
    for (const option of verb.options.filter(({ long }) => (long?.length ?? 0) > 5)) {
      const typo = `${option.long?.slice(0, -1)}x`;
      const flags = neededFlags(verb, option);
      const { code, out, err } = await runCli([...words, ...wordsOf(verb), ...flags, typo]);
      expect([code, out], typo).toEqual([2, ""]);
      if (!option.mandatory) expect(err, typo).toContain(option.long);
    }
    const { code, err } = await runCli([...words, "--zzzz", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ type: "urn:firebreak:cli:usage" });
  });

  it("says what is accepted in place of a wrong value", async ({ expect }) => {
    for (const option of verb.options.filter(({ flags }) => flags.includes("<"))) {
      const kind = kindOf(option);
      const rule = kind.includes("|") ? { wrong: "nonsense", says: /It must be/ } : KINDS[kind];
      expect(rule, `kind <${kind}> of ${option.flags} is in KINDS`).toBeDefined();
      if (rule === undefined || rule === "free") continue;
      const line = [...words, ...wordsOf(verb), ...neededFlags(verb, option), option.long ?? "", rule.wrong];
      const { code, out, err } = await runCli(line, { env: { FIREBREAK_URL: "http://127.0.0.1:9" } });
      expect([code, out], `${line.join(" ")}: ${err}`).toEqual([2, ""]);
      expect(err).toMatch(rule.says);
    }
  });

  it("offers --dry-run when it changes something", ({ expect }) => {
    const flags = verb.options.map(({ long }) => long);
    expect(flags.includes("--dry-run")).toBe(!READING.has(verb.name()));
  });
});

describe("a mistyped verb", () => {
  it.for(VERBS)("beside %s is told", async ([path, verb], { expect }) => {
    const words = path.split(" ");
    const typo = [...words.slice(0, -1), `${verb.name().slice(0, -1)}x`];
    const { code, out, err } = await runCli(typo);
    // An object whose verb may be left out takes it for the first word of that verb.
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/Did you mean|knows|missing required argument/);
  });
});
