/** The table of request classes: every row of test/vectors/requests.json, and the lookup of base domains. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { classifyRequest, createBaseDomains, type RequestClass } from "../../src/core/classify-request.ts";
import { MAX_TARGET_BYTES } from "../../src/contracts/limits.ts";

interface RequestVector {
  readonly why: string;
  readonly method: string;
  readonly rawUrl: string;
  readonly host: string | null;
  readonly corsPreflight?: boolean;
  readonly expect: RequestClass;
}

interface RequestVectors {
  readonly deployment: { readonly adminHost: string; readonly baseDomains: [string, string][] };
  readonly rows: RequestVector[];
}

const vectors = JSON.parse(
  readFileSync(`${import.meta.dirname}/../vectors/requests.json`, "utf8"),
) as RequestVectors;

const deployment = {
  adminHost: vectors.deployment.adminHost,
  baseDomains: createBaseDomains(vectors.deployment.baseDomains),
};

const get = { method: "GET", rawUrl: "/", host: "acme.kiln.example.com", corsPreflight: false };

describe("classifyRequest", () => {
  it.for(vectors.rows)("answers as in the table: $why", ({ expect: expected, ...row }, { expect }) => {
    const { method, rawUrl, host, corsPreflight = false } = row;
    expect(classifyRequest({ method, rawUrl, host, corsPreflight }, deployment)).toEqual(expected);
  });

  it.for([
    null,
    "",
    "127.0.0.1",
    "a, b",
    "admin.example.com",
    "shop.example.net",
    "kiln.example.com",
    "acme.kiln.example.com",
  ])("answers 414 to a target over the limit, with Host %j", (host, { expect }) => {
    for (const method of ["OPTIONS", "GET", "POST"]) {
      const rawUrl = "/".padEnd(MAX_TARGET_BYTES + 1, "a");
      expect(classifyRequest({ ...get, method, host, rawUrl }, deployment)).toEqual({
        kind: "refuse",
        status: 414,
        cls: "malformed",
        reason: "target-too-long",
      });
    }
  });

  it("never routes OPTIONS *, so that a broken version cannot take the router down", ({ expect }) => {
    for (const row of vectors.rows) {
      const answer = classifyRequest(
        { method: "OPTIONS", rawUrl: "*", host: row.host, corsPreflight: row.corsPreflight ?? false },
        deployment,
      );
      expect(answer).toEqual({ kind: "health", cls: "asterisk" });
    }
  });

  it("gives the admin host precedence over the base domain it lies under", ({ expect }) => {
    const shadowing = {
      adminHost: "admin.kiln.example.com",
      baseDomains: createBaseDomains([["kiln.example.com", "kiln"]]),
    };
    expect(classifyRequest({ ...get, host: "admin.kiln.example.com" }, shadowing).kind).toBe("admin");
    expect(classifyRequest({ ...get, host: "x.admin.kiln.example.com" }, shadowing)).toMatchObject({
      kind: "route",
      cls: "unknown",
      slug: null,
    });
  });

  it("routes by the longest base domain when one lies under another", ({ expect }) => {
    const nested = {
      adminHost: "admin.example.com",
      baseDomains: createBaseDomains([
        ["kiln.example.com", "kiln"],
        ["eu.kiln.example.com", "kiln-eu"],
      ]),
    };
    const route = (host: string) => classifyRequest({ ...get, host }, nested);
    expect(route("eu.kiln.example.com")).toMatchObject({ cls: "apex", product: "kiln-eu", slug: null });
    expect(route("acme.eu.kiln.example.com")).toMatchObject({
      cls: "account",
      product: "kiln-eu",
      slug: "acme",
    });
    expect(route("us.kiln.example.com")).toMatchObject({ cls: "account", product: "kiln", slug: "us" });
    expect(route("acme.us.kiln.example.com")).toMatchObject({ cls: "unknown", product: "kiln", slug: null });
  });
});

describe("createBaseDomains", () => {
  const baseDomains = createBaseDomains([
    ["kiln.example", "kiln"],
    ["eu.kiln.example", "kiln-eu"],
    ["localhost", "local"],
  ]);

  it.for([
    ["kiln.example", "kiln.example"],
    ["acme.kiln.example", "kiln.example"],
    ["a.b.c.kiln.example", "kiln.example"],
    ["eu.kiln.example", "eu.kiln.example"],
    ["acme.eu.kiln.example", "eu.kiln.example"],
    ["localhost", "localhost"],
    ["acme.localhost", "localhost"],
    ["example", null],
    ["evilkiln.example", null],
    ["kiln.example.net", null],
    ["kilnxexample", null],
    ["mylocalhost", null],
    ["a", null],
  ] as const)("finds for %s the base domain %s", ([name, domain], { expect }) => {
    expect(baseDomains.find(name)?.domain ?? null).toBe(domain);
  });

  it("finds nothing when there are no base domains", ({ expect }) => {
    expect(createBaseDomains([]).find("acme.kiln.example")).toBe(null);
  });

  it.for([
    "",
    "Kiln.example",
    "kiln.example.",
    "kiln.example:80",
    "*.kiln.example",
    ".kiln.example",
    "127.0.0.1",
    "[::1]",
    "k_n",
  ])("throws for %j, which no parsed Host could ever equal or lie under", (domain, { expect }) => {
    expect(() => createBaseDomains([[domain, "kiln"]])).toThrow(RangeError);
  });

  it("throws for a domain listed twice, which would give one product's accounts to another", ({ expect }) => {
    expect(() =>
      createBaseDomains([
        ["kiln.example", "kiln"],
        ["kiln.example", "fogbugz"],
      ]),
    ).toThrow("listed twice");
  });
});
