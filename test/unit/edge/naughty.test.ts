/** Hostile text in whatever a client or an operator may word: no answer of the edge acts on it or lets it pass for a header. */
import { describe, it } from "vitest";
import { buildEdge, buildProduct, buildRoot, buildRow } from "../../support/edge-builders.ts";
import { UNESCAPED } from "../../support/naughty.ts";

const TEXT = `"'><x-evil a=1><script>evil()</script>`;
const HOLD = { mode: "page", message: TEXT, until: null } as const;
const HOSTS = [
  "acme.kiln.example.com",
  "kiln.example.com",
  "stranger.example.org",
  TEXT,
  `${TEXT}.kiln.example.com`,
  "",
  null,
];
const TARGETS = [
  "/",
  `/${encodeURIComponent(TEXT)}`,
  `/${TEXT}`,
  `/?q=${TEXT}`,
  `https://${TEXT}/`,
  `/${"a".repeat(17_000)}${TEXT}`,
];
const HEADERS = {
  "x-request-id": TEXT,
  "cf-ray": TEXT,
  "x-forwarded-for": TEXT,
  "x-forwarded-proto": TEXT,
  "user-agent": TEXT,
};
const WORLDS = {
  "a held account": { rows: [buildRow("acme", { hold: HOLD })] },
  "a held product": { root: buildRoot({ products: { kiln: buildProduct({ hold: HOLD }) } }) },
  "an origin that is lost": { origin: () => Promise.reject(new Error(TEXT)) },
  "an origin that is not allowed": { config: { originAllow: [] } },
  "a load balancer that names requests": { config: { trustedProxy: { kind: "hops", hops: 1 } } },
} as const;

describe("hostile text", () => {
  it.for(Object.entries(WORLDS))("is acted on by no answer with %s", async ([, options], { expect }) => {
    let pages = 0;
    for (const accept of ["text/html", "application/json", "text/plain"])
      for (const host of HOSTS)
        for (const target of TARGETS) {
          const answer = await buildEdge(options).fetch(host, target, { headers: { ...HEADERS, accept } });
          const text = await answer.text();
          if (answer.status < 400) continue;
          expect(answer.headers.get("firebreak-request-id")).toMatch(/^[\w.:-]+$/);
          expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
          if (!(answer.headers.get("content-type") ?? "").includes("html")) continue;
          pages += 1;
          expect([host, target.slice(0, 60), UNESCAPED.exec(text)?.[0]]).toEqual([
            host,
            target.slice(0, 60),
            undefined,
          ]);
          expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
          expect(text).not.toMatch(/<script|\son\w+=/);
        }
    expect(pages).toBeGreaterThan(5);
  });
});
