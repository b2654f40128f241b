/** The optional bindings that wrangler.toml holds as examples: uncommented as they stand, wrangler takes them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { unstable_readConfig } from "wrangler";

const FILE = join(import.meta.dirname, "..", "..", "..", "wrangler.toml");
const folder = mkdtempSync(join(tmpdir(), "firebreak-examples-"));

/** A block is a commented table header, and the commented settings below it. */
function withExamples(): string {
  const path = join(folder, "wrangler.toml");
  let inBlock = false;
  const lines = readFileSync(FILE, "utf8")
    .split("\n")
    .map((line) => {
      inBlock = line.startsWith("# [[") || (inBlock && /^# \w+ = /.test(line));
      return inBlock ? line.slice(2) : line;
    });
  writeFileSync(path, lines.join("\n"));
  return path;
}

describe("the environments of wrangler.toml", () => {
  it.for([
    ["production", undefined],
    ["staging", "staging"],
  ] as const)("%s says which one it is", ([name, env], { expect }) => {
    const { vars } = unstable_readConfig({ config: FILE, env });
    expect(vars["ENVIRONMENT"]).toBe(name);
  });
});

describe("the examples of wrangler.toml", () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.for([
    ["production", undefined, "firebreak"],
    ["staging", "staging", "firebreak_staging"],
  ] as const)("bind a dataset of its own in %s", ([, env, dataset], { expect }) => {
    const config = unstable_readConfig({ config: withExamples(), env });
    expect(config.analytics_engine_datasets).toEqual([{ binding: "ANALYTICS", dataset }]);
  });
});
