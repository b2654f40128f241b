/** CSV files of accounts as import lines: fields, line numbers, and rows that cannot be read. */
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "vitest";
import { csvToLines, parseHeader, rowToAccount } from "../../../scripts/cli/csv-accounts.ts";
import { runCli, startFakeApi } from "../../support/cli.ts";
import { ImportLineSchema } from "../../../src/contracts/api/accounts.ts";

/** The lines that go out, in chunks of a size that cuts everything. */
async function convert(csv: string): Promise<string[]> {
  const bytes = Buffer.from(csv);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, index) =>
    bytes.subarray(index * 7, index * 7 + 7),
  );
  return (await text(csvToLines(Readable.from(chunks)))).split("\n").slice(0, -1);
}

const parsed = (line: string | undefined): unknown =>
  line === undefined || line === "" ? null : JSON.parse(line);

const HEADER = "account,timeZone,cohort,cell,labels,domains,products";

describe("csvToLines", () => {
  it("turns a full row into an account that the contract accepts", async ({ expect }) => {
    const lines = await convert(
      `${HEADER}\nacme,Europe/Paris,early,eu1,"tier=gold;note=a, ""b""",code.acme.example=kiln,kiln; fogbugz\n`,
    );
    expect(lines[0]).toBe("");
    expect(ImportLineSchema.parse(parsed(lines[1]))).toEqual({
      account: "acme",
      timeZone: "Europe/Paris",
      cohort: "early",
      cell: "eu1",
      labels: { tier: "gold", note: 'a, "b"' },
      domains: [{ host: "code.acme.example", product: "kiln" }],
      products: ["kiln", "fogbugz"],
    });
  });

  it("takes an empty cell for none, and leaves products and missing columns alone", async ({ expect }) => {
    const [, row] = await convert(`${HEADER}\nacme,UTC,early,,,,\n`);
    expect(parsed(row)).toEqual({
      account: "acme",
      timeZone: "UTC",
      cohort: "early",
      cell: null,
      labels: {},
      domains: [],
    });
    const [, short] = await convert("cohort,account,timeZone\nearly,acme,UTC");
    expect(parsed(short)).toEqual({ account: "acme", timeZone: "UTC", cohort: "early" });
  });

  it("sends every row on the line where it ends in the file, over blank lines, CRLF, a byte order mark and line ends in cells", async ({
    expect,
  }) => {
    const lines = await convert(
      '\ufeffaccount,timeZone,cohort,labels\r\na,UTC,g,\r\n\r\nb,UTC,g,\r\n"c","UTC","g","x=1;\r\ny=2"\r\nd,UTC,g,\r\n',
    );
    const numbered = lines.flatMap((line, index) => (line === "" ? [] : [[index + 1, parsed(line)]]));
    expect(numbered).toMatchObject([
      [2, { account: "a" }],
      [4, { account: "b" }],
      [6, { account: "c", labels: { x: "1", y: "2" } }],
      [7, { account: "d" }],
    ]);
  });

  it.for([
    ["a row with too few cells", "account,timeZone,cohort,cell\nacme,UTC,early\n"],
    ["a row with too many cells", "account,timeZone,cohort\nacme,UTC,early,eu1\n"],
    ["a label without an equals sign", "account,timeZone,cohort,labels\nacme,UTC,early,gold\n"],
    ["a domain without a product", "account,timeZone,cohort,domains\nacme,UTC,early,code.acme.example\n"],
  ] as const)("sends %s in a form that is rejected under its account", async ([, csv], { expect }) => {
    const [, row] = await convert(csv);
    expect(parsed(row)).toMatchObject({ account: "acme" });
    expect(ImportLineSchema.safeParse(parsed(row)).success).toBe(false);
  });

  it("says of a cell that is no pairs how they are written", async ({ expect }) => {
    const [, row] = await convert("account,timeZone,cohort,labels\nacme,UTC,early,gold\n");
    expect(parsed(row)).toEqual({
      account: "acme",
      unreadable: "labels: write key=value, several apart by ;",
    });
  });

  it.for([
    ["an unclosed quote", 'account,timeZone,cohort\nacme,"UTC,early\n', /Quote Not Closed.*line/],
    [
      "an unclosed quote before much more",
      `account,timeZone,cohort\nacme,"${"x".repeat(40_000)}`,
      /Max Record Size/,
    ],
    ["an unknown column", "account,timeZone,cohort,zone\n", /Not known: "zone"/],
    ["a missing column", "account,cohort\n", /Missing: timeZone/],
    ["a column that is there twice", "account,account,timeZone,cohort\n", /There twice: account/],
    ["nothing", "", /empty/],
  ] as const)("ends with a failure for %s", async ([, csv, detail], { expect }) => {
    await expect(convert(csv)).rejects.toMatchObject({
      name: "Failure",
      problem: { type: "urn:firebreak:cli:file", detail: expect.stringMatching(detail) as string },
    });
  });
});

describe("what was rejected", () => {
  it("is listed in the order of the file, whatever order it was found in", async ({ expect }) => {
    const rejected = [3, 4, 7, 2].map((line) => ({
      event: "rejected",
      line,
      account: `a${line}`,
      reason: "r",
    }));
    const counts = { lines: 7, rejected: 4, added: 0, changed: 0, unchanged: 0, removed: 0 };
    const summary = { id: "i", mode: "import", dryRun: false, ...counts, digest: "d", visibleBy: null };
    const events = [...rejected, { event: "done", summary }].map((event) => `${JSON.stringify(event)}\n`);
    const api = await startFakeApi({
      stream: (request, response) => {
        request.resume().on("end", () => response.end(events.join("")));
        return true;
      },
    });
    const { err } = await runCli(["accounts", "import", "-", "--url", api.url], { input: "{}\n" });
    await api.stop();
    expect([...err.matchAll(/\ba(\d)\b/g)].map(([, line]) => line)).toEqual(["2", "3", "4", "7"]);
  });
});

describe("parseHeader and rowToAccount", () => {
  it("read columns in any order", ({ expect }) => {
    const header = parseHeader([" cohort ", "account", "timeZone"]);
    expect(header).toEqual({ ok: true, columns: ["cohort", "account", "timeZone"] });
    expect(rowToAccount(["cohort", "account", "timeZone"], ["early ", "acme", "UTC"])).toEqual({
      cohort: "early",
      account: "acme",
      timeZone: "UTC",
    });
  });
});
