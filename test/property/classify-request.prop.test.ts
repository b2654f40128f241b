/**
 * Request classes against an oracle written from the RFCs and the design's table with regular expressions: slow, and
 * sharing no code with what it judges. Generated hosts and targets are near misses of valid ones, since plain noise is
 * refused at its first byte.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import { classifyRequest, createBaseDomains, type RequestClass } from "../../src/core/classify-request.ts";
import { parseHost, type ValidHost } from "../../src/core/parse-host.ts";
import { inForm } from "../support/form.ts";

const HOST_RUNS = inForm({ short: 60_000, long: 1_000_000 });
const REQUEST_RUNS = inForm({ short: 60_000, long: 1_000_000 });
const ROUTE_RUNS = 60_000;
const TIMEOUT_MS = inForm({ short: 60_000, long: 900_000 });
/** Each time is that of a batch, since clocks of a microsecond cannot see one host. */
const TIMED_BATCHES = 200;
const MEDIAN_LIMIT_US = 50;

const ADMIN_HOST = "admin.example.com";
const PRODUCTS: Record<string, string> = {
  "kiln.example.com": "kiln",
  "eu.kiln.example.com": "kiln-eu",
  "fogbugz.example.com": "fogbugz",
};
const deployment = { adminHost: ADMIN_HOST, baseDomains: createBaseDomains(Object.entries(PRODUCTS)) };

interface GeneratedRequest {
  readonly method: string;
  readonly rawUrl: string;
  readonly host: string | null;
  readonly corsPreflight: boolean;
}

// ---- The oracle: RFC 3986 appendix A, RFC 1123 labels, the design's table. ----

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]|[0-9])";
const IPV4 = `${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}`;
const H16 = "[0-9a-f]{1,4}";
const LS32 = `(?:${H16}:${H16}|${IPV4})`;
const IPV6 = [
  `(?:${H16}:){6}${LS32}`,
  `::(?:${H16}:){5}${LS32}`,
  `(?:${H16})?::(?:${H16}:){4}${LS32}`,
  `(?:(?:${H16}:){0,1}${H16})?::(?:${H16}:){3}${LS32}`,
  `(?:(?:${H16}:){0,2}${H16})?::(?:${H16}:){2}${LS32}`,
  `(?:(?:${H16}:){0,3}${H16})?::${H16}:${LS32}`,
  `(?:(?:${H16}:){0,4}${H16})?::${LS32}`,
  `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
  `(?:(?:${H16}:){0,6}${H16})?::`,
].join("|");
const PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]";
const HOST_PORT = new RegExp(`^(\\[[^\\]]*\\]|[^:[]*)(?::(${PORT}|))?$`, "s");
const ADDRESS_V4 = new RegExp(`^${IPV4}$`);
const ADDRESS_V6 = new RegExp(`^\\[(?:${IPV6})\\]$`);

/** The canonical host of `raw`, or "none" or "malformed". */
function expectHost(raw: string | null): ValidHost | "none" | "malformed" {
  if (raw === null || raw === "") return "none";
  const match = HOST_PORT.exec(raw.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()));
  const [, spelled = "", digits = ""] = match ?? [];
  const port = digits === "" ? null : Number(digits);
  if (ADDRESS_V6.test(spelled)) return { kind: "ip", name: spelled, port };
  const name = spelled.replace(/\.$/, "");
  if (ADDRESS_V4.test(name)) return { kind: "ip", name, port };
  return NAME.test(name) ? { kind: "name", name, port } : "malformed";
}

const ORIGIN_FORM = /^\/(?![/\\])[^\0-\x20\x7f#]*$/;
const ABSOLUTE_FORM = /^(https?):\/\/([^/?@#\\]*)((?:\/(?![/\\])|\?|$)[^\0-\x20\x7f#]*)$/i;

/** The host a target names by itself, null when it names none; "malformed" or "too-long" when it is refused. */
function expectTarget(rawUrl: string): { authority: string | null } | "malformed" | "too-long" {
  if (new TextEncoder().encode(rawUrl).length > 16_384) return "too-long";
  if (ORIGIN_FORM.test(rawUrl)) return { authority: null };
  const authority = expectHost(ABSOLUTE_FORM.exec(rawUrl)?.[2] ?? null);
  return typeof authority === "string" ? "malformed" : { authority: authority.name };
}

/** The row of the table for a name, and its answers to a plain OPTIONS and to everything else. */
function expectName(name: string): [probe: string, others: string] {
  if (name === ADMIN_HOST) return ["health admin", "admin"];
  const base = Object.keys(PRODUCTS)
    .filter((domain) => name === domain || name.endsWith(`.${domain}`))
    .toSorted((x, y) => y.length - x.length)[0];
  if (base === undefined) return ["health foreign", "lookup"];
  const product = PRODUCTS[base] ?? "";
  if (name === base) return ["health apex", `route apex ${product} null`];
  const below = name.slice(0, -base.length - 1);
  const isSlug = new RegExp(`^(?!xn--)${LABEL}$`).test(below);
  const route = isSlug ? `route account ${product} ${below}` : `route unknown ${product} null`;
  return [route, route];
}

function expectClass({ method, rawUrl, host, corsPreflight }: GeneratedRequest): string {
  if (rawUrl === "*") return method === "OPTIONS" ? "health asterisk" : "400 malformed";
  const target = expectTarget(rawUrl);
  if (target === "too-long") return "414 malformed";
  const parsed = expectHost(host);
  if (target === "malformed" || parsed === "malformed") return "400 malformed";
  const isProbe = method === "OPTIONS" && !corsPreflight;
  const isHealth = isProbe || method === "GET" || method === "HEAD";
  if (parsed === "none") {
    if (target.authority !== null && method !== "OPTIONS") return "400 malformed";
    return isHealth ? "health none" : "400 none";
  }
  if (target.authority !== null && target.authority !== parsed.name) return "400 malformed";
  if (parsed.kind === "ip") return isHealth ? "health ip" : "421 ip";
  return expectName(parsed.name)[isProbe ? 0 : 1];
}

function summarise(answer: RequestClass): string {
  switch (answer.kind) {
    case "health":
      return `health ${answer.cls}`;
    case "refuse":
      return `${answer.status} ${answer.cls}`;
    case "route":
      return `route ${answer.cls} ${answer.product} ${answer.slug}`;
    case "admin":
    case "lookup":
      return answer.kind;
  }
}

// ---- The generators. ----

const TRAP_BYTES = Array.from(
  "\0\u0001\t\n\r !\"#$%&'()*+,-./0:;<=>?@AZ[\\]^_`az{|}~\u007f\u0080\u00ad\u00ff\u0130\u017f\u0430\u200b\u212a\u3002\uff0e\uff41\ufeff",
);

const label = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "acme",
      "www",
      "admin",
      "eu",
      "xn--a",
      "xn--bcher-kva",
      "127",
      "0x7f",
      "0",
      "",
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 61, max: 65 }).map((length) => "a".repeat(length)) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-zA-Z0-9_-]{1,5}$/) },
);
const suffix = fc.constantFrom(
  ...Object.keys(PRODUCTS),
  ADMIN_HOST,
  ADMIN_HOST,
  "example.com",
  "example.net",
);
const plainName = fc.oneof(
  { weight: 3, arbitrary: suffix },
  { weight: 8, arbitrary: fc.tuple(label, suffix).map((parts) => parts.join(".")) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(label, { maxLength: 6 }), suffix)
      .map(([labels, end]) => [...labels, end].join(".")),
  },
  { weight: 1, arbitrary: fc.array(label, { maxLength: 4 }).map((labels) => labels.join(".")) },
  // Around the limit of 253: labels of at most 63 so that the length of the whole is what decides.
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 200, max: 262 })
      .map((length) => `${"a".repeat(63)}.`.repeat(5).slice(0, length)),
  },
);
const octet = fc.oneof(fc.nat(255).map(String), fc.constantFrom("256", "00", "01", "0x1", "999", ""));
const ipv4 = fc.oneof(
  fc.ipV4(),
  fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join(".")),
);
const group = fc.oneof(
  fc.stringMatching(/^[0-9a-fA-F]{1,4}$/),
  fc.constantFrom("", "g", "12345", "192.0.2.1", "1.2.3"),
);
const ipv6 = fc
  .oneof(
    fc.ipV6(),
    fc.array(group, { maxLength: 10 }).map((groups) => groups.join(":")),
  )
  .map((address) => `[${address}]`);
const ending = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 70_000 }).map((port) => `:${port}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ".",
      ":",
      ".:",
      "..",
      ":080",
      ":0",
      ".:443",
      ":80.",
      ":-1",
      ":1.2",
      ":9000:80",
      ", a",
    ),
  },
);

/** Puts one trap byte somewhere into a text. */
function spoil(text: string, at: number, byte: string): string {
  const cut = at % (text.length + 1);
  return text.slice(0, cut) + byte + text.slice(cut);
}

const cleanHost = fc
  .tuple(fc.oneof({ weight: 8, arbitrary: plainName }, ipv4, ipv6), ending, fc.nat(3))
  .map(([name, end, letterCase]) => (letterCase === 0 ? name.toUpperCase() : name) + end);
const someHost = fc.oneof(
  { weight: 12, arbitrary: cleanHost },
  {
    weight: 3,
    arbitrary: fc
      .tuple(cleanHost, fc.nat(), fc.constantFrom(...TRAP_BYTES))
      .map(([host, at, byte]) => spoil(host, at, byte)),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);
const rawHost = fc.oneof(
  { weight: 12, arbitrary: someHost },
  { weight: 1, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constant(null) },
);

const path = fc.oneof(
  { weight: 6, arbitrary: fc.webPath().map((tail) => `/${tail.slice(1)}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("/", "/a/b", "/.git"), fc.webQueryParameters())
      .map(([start, query]) => `${start}?${query}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom(...TRAP_BYTES, "..", "//", "%2f", "\\"), { maxLength: 6 })
      .map((parts) => `/${parts.join("")}`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "/",
      "//evil.example",
      "/\\evil.example",
      "",
      "?a=b",
      "?@",
      "/admin.example.com/x",
      "/a/../..//b",
    ),
  },
);
const tooLong = fc
  .tuple(fc.integer({ min: -2, max: 2 }), fc.constantFrom("a", "\u00fc", "\u20ac", "\ud83d\udd25"))
  .map(
    ([over, unit]) => `/${unit.repeat(Math.floor(16_383 / new TextEncoder().encode(unit).length) + over)}`,
  );
const scheme = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("http://", "https://", "HTTP://", "hTTps://") },
  { weight: 1, arbitrary: fc.constantFrom("http://u@", "ws://", "http:/", "http:\\\\", "//") },
);

const request: fc.Arbitrary<GeneratedRequest> = rawHost.chain((host) => {
  const authority = fc.oneof({ weight: 4, arbitrary: fc.constant(host ?? "") }, someHost);
  const absolute = fc.tuple(scheme, authority, path).map((parts) => parts.join(""));
  return fc.record({
    method: fc.constantFrom("OPTIONS", "OPTIONS", "GET", "HEAD", "POST", "DELETE", "options", "Get", ""),
    rawUrl: fc.oneof(
      { weight: 120, arbitrary: path },
      { weight: 80, arbitrary: absolute },
      { weight: 10, arbitrary: fc.constantFrom("*", "*", "**", "") },
      { weight: 10, arbitrary: fc.string({ unit: "binary" }) },
      { weight: 1, arbitrary: tooLong },
    ),
    host: fc.constant(host),
    corsPreflight: fc.boolean(),
  });
});

describe("parseHost", () => {
  it(
    "accepts exactly the hosts of the written grammar",
    { timeout: TIMEOUT_MS },
    async ({ expect, annotate }) => {
      const counts = { none: 0, malformed: 0, ip: 0, name: 0 };
      fc.assert(
        fc.property(rawHost, (raw) => {
          const parsed = parseHost(raw);
          counts[parsed.kind]++;
          const expected = expectHost(raw);
          if (typeof expected === "string") expect(parsed.kind).toBe(expected);
          else expect(parsed).toEqual(expected);
        }),
        { numRuns: HOST_RUNS },
      );
      // The generator reaches every outcome often; without this a broken one would prove nothing.
      expect(Math.min(...Object.values(counts))).toBeGreaterThan(HOST_RUNS / 100);
      const { name, ip, none, malformed } = counts;
      await annotate(
        `${HOST_RUNS} generated hosts: ${name} names, ${ip} addresses, ${none} none, ${malformed} malformed; none threw`,
      );
    },
  );

  it("takes a few microseconds at the median, also of hosts made to be refused late", async ({
    expect,
    annotate,
  }) => {
    const hosts = fc.sample(rawHost, { numRuns: 1000, seed: 1 });
    const times = Array.from({ length: TIMED_BATCHES }, () => {
      const started = performance.now();
      for (const host of hosts) parseHost(host);
      return ((performance.now() - started) * 1000) / hosts.length;
    }).toSorted((a, b) => a - b);
    const median = times[TIMED_BATCHES / 2] ?? Infinity;
    await annotate(`median ${median.toFixed(2)} µs a host, ${MEDIAN_LIMIT_US} allowed`);
    expect(median).toBeLessThan(MEDIAN_LIMIT_US);
  });

  it(
    "comes back to the same host when what it parsed is written out again",
    { timeout: TIMEOUT_MS },
    ({ expect }) => {
      fc.assert(
        fc.property(cleanHost, (raw) => {
          const parsed = parseHost(raw);
          if (parsed.kind !== "ip" && parsed.kind !== "name") return;
          const written = parsed.port === null ? parsed.name : `${parsed.name}:${parsed.port}`;
          expect(parseHost(written)).toEqual(parsed);
        }),
        { numRuns: HOST_RUNS },
      );
    },
  );
});

describe("classifyRequest", () => {
  it("answers every request as the table does", { timeout: TIMEOUT_MS }, ({ expect }) => {
    const counts = new Map<string, number>();
    fc.assert(
      fc.property(request, (generated) => {
        const answer = summarise(classifyRequest(generated, deployment));
        const row = answer.split(" ").slice(0, 2).join(" ");
        counts.set(row, (counts.get(row) ?? 0) + 1);
        expect(answer).toBe(expectClass(generated));
      }),
      { numRuns: REQUEST_RUNS },
    );
    expect([...counts.keys()].toSorted()).toEqual([
      "400 malformed",
      "400 none",
      "414 malformed",
      "421 ip",
      "admin",
      "health admin",
      "health apex",
      "health asterisk",
      "health foreign",
      "health ip",
      "health none",
      "lookup",
      "route account",
      "route apex",
      "route unknown",
    ]);
    expect(Math.min(...counts.values())).toBeGreaterThan(REQUEST_RUNS / 2000);
  });

  it(
    "sends on strict names only, which URL reads as the very same host",
    { timeout: TIMEOUT_MS },
    ({ expect }) => {
      let sent = 0;
      fc.assert(
        fc.property(request, (generated) => {
          const answer = classifyRequest(generated, deployment);
          if (answer.kind === "health" || answer.kind === "refuse") return;
          sent++;
          const { name, pathAndQuery } = answer;
          expect(name).toMatch(NAME);
          expect(name).not.toMatch(ADDRESS_V4);
          expect(pathAndQuery).toMatch(ORIGIN_FORM);
          // WHATWG rejects some punycode, and reads a foreign name whose last label is a number as an address.
          if (/(?:^|\.)xn--|(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/.test(name)) return;
          expect(new URL(`http://${name}${pathAndQuery}`).hostname).toBe(name);
        }),
        { numRuns: ROUTE_RUNS },
      );
      expect(sent).toBeGreaterThan(ROUTE_RUNS / 10);
    },
  );

  it(
    "refuses every request with a malformed Host, unless it is OPTIONS *",
    { timeout: TIMEOUT_MS },
    ({ expect }) => {
      fc.assert(
        fc.property(request, (generated) => {
          if (parseHost(generated.host).kind !== "malformed") return;
          const { kind } = classifyRequest(generated, deployment);
          expect(kind).toBe(generated.method === "OPTIONS" && generated.rawUrl === "*" ? "health" : "refuse");
        }),
        { numRuns: 10_000 },
      );
    },
  );
});
