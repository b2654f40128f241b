/** Explain and the edge are asked the same questions on the same maps: they may not disagree, whatever the Host. */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { Explain } from "../../../src/contracts/api/operations.ts";
import type { Root } from "../../../src/contracts/maps.ts";
import type { Outcome } from "../../../src/contracts/telemetry.ts";
import { buildAdmin } from "../../support/admin-builders.ts";
import {
  buildConfig,
  buildEdge,
  buildMaps,
  buildProduct,
  buildRoot,
  buildRow,
  type MapsContent,
} from "../../support/edge-builders.ts";

const PAGE = { mode: "page", message: null, until: null } as const;
const READ_ONLY = { ...PAGE, mode: "readOnly" } as const;

/** A root whose second product has a base domain that is not compiled in, below one that is. */
const ROOT: Root = buildRoot({
  products: {
    kiln: buildProduct(),
    fogbugz: buildProduct({
      domains: ["fogbugz.example.com", "new.example.org", "eu.kiln.example.com"],
      default: "2.7.0",
    }),
  },
});

const CONTENT: MapsContent = {
  root: ROOT,
  rows: [
    buildRow("acme", { homes: { kiln: "2.9.0", fogbugz: "2.8.0" } }),
    buildRow("pinned", { pins: { kiln: "2.7.0" } }),
    buildRow("held", { hold: PAGE }),
    buildRow("reading", { hold: READ_ONLY }),
    buildRow("lost", { homes: { kiln: "0.0.1" } }),
    { ...buildRow("acme"), key: "code.acme.example", product: "kiln" },
    { ...buildRow("acme"), key: "nodots", product: "kiln" },
  ],
  unreadable: ["broken", "broken.example"],
};

const ACCOUNTS = [
  "acme",
  "pinned",
  "held",
  "reading",
  "lost",
  "broken",
  "nobody",
  "ACME",
  "xn--a",
  "a.b",
  "-x",
  "",
];
const BASES = [
  "kiln.example.com",
  "fogbugz.example.com",
  "new.example.org",
  "eu.kiln.example.com",
  "example.com",
  "elsewhere.example",
];
const HOSTS = [
  ...ACCOUNTS.flatMap((account) => BASES.map((base) => (account === "" ? base : `${account}.${base}`))),
  "code.acme.example",
  "broken.example",
  "nodots",
  "admin.example.com",
  "192.0.2.1",
  "[::1]",
  "",
  "a, b",
  "acme.kiln.example.com:8443",
  "acme.kiln.example.com.",
  "acme.kiln.example.com..",
];
const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "options"];

/** What the edge did, in the words of a comparison. */
function fromEdge(outcome: Outcome | undefined, origin: string | undefined): string {
  return outcome === "forwarded"
    ? `forwarded to ${origin === undefined ? "?" : new URL(origin).origin}`
    : String(outcome);
}

function fromExplain({ reason, class: cls, origin, version, sentence }: Explain, method: string): string {
  if (reason === "health" || reason === "admin" || reason === "unresolved") return reason;
  if (cls === "malformed" || reason === "misdirected" || reason === "host-missing" || reason === "ip-host")
    return "refused";
  const safe = ["GET", "HEAD", "OPTIONS"].includes(method);
  if (sentence.includes("which is held") && !(safe && version !== null)) return "held";
  return `forwarded to ${origin}`;
}

async function compare(
  host: string | null,
  method: string,
  content: MapsContent,
): Promise<readonly [string, string]> {
  const config = buildConfig();
  const edge = buildEdge(content);
  await (await edge.fetch(host, "/", { method })).body?.cancel();
  const at = buildAdmin({ config, maps: buildMaps(config, content) });
  const token = at.issue({ role: "viewer" });
  const query = new URLSearchParams({ method, ...(host === null ? {} : { host }) });
  const explained: Explain = await (await at.call(`/api/v1/explain?${query.toString()}`, { token })).json();
  return [fromExplain(explained, method), fromEdge(edge.outcomes[0], edge.seen[0]?.url)];
}

describe("explain and the edge", () => {
  it.for([
    ["maps", CONTENT],
    ["no maps", { ...CONTENT, root: null }],
  ] as const)("agree on every kind of Host and method, with %s", async ([, content], { expect }) => {
    const asked = [null, ...HOSTS].flatMap((host) => METHODS.map((method) => ({ host, method })));
    const differing: unknown[] = [];
    for (const { host, method } of asked) {
      const [explained, done] = await compare(host, method, content);
      if (explained !== done) differing.push({ host, method, explained, done });
    }
    expect(differing).toEqual([]);
    expect(asked.length).toBeGreaterThan(400);
  });

  it("agree on Hosts that nobody thought of", async ({ expect }) => {
    const piece = fc.constantFrom(
      "acme",
      "kiln",
      "example",
      "com",
      "org",
      "new",
      "eu",
      ".",
      "..",
      "-",
      ":",
      "80",
      "[",
      "]",
      "xn--",
      "é",
      "%2e",
      "@",
      " ",
      "\t",
      "A",
    );
    const host = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(host, fc.constantFrom(...METHODS), async (name, method) => {
        const [explained, done] = await compare(name, method, CONTENT);
        expect(explained).toBe(done);
      }),
      { numRuns: 300 },
    );
  });
});

describe("an origin that the edge may not reach", () => {
  it("is said to be answered 502", async ({ expect }) => {
    const versions = { "2.8.0": { origin: "https://169.254.169.254.evil.example", state: "live" } } as const;
    const content = { root: buildRoot({ products: { kiln: buildProduct({ versions }) } }), rows: [] };
    const config = buildConfig();
    const at = buildAdmin({ config, maps: buildMaps(config, content) });
    const token = at.issue({ role: "viewer" });
    const explained: Explain = await (
      await at.call("/api/v1/explain?host=nobody.kiln.example.com", { token })
    ).json();
    expect(explained.sentence).toContain("But it is answered 502");
    const edge = buildEdge(content);
    expect((await edge.fetch("nobody.kiln.example.com")).status).toBe(502);
  });
});
