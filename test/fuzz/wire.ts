/** Fuzz targets of the wire: Host, request target, and whole requests with their headers at the edge. */
import fc from "fast-check";
import { CDN_ID } from "../../src/edge/header-sets.ts";
import { issueOverride } from "../../src/adapters/override-token.ts";
import { classifyRequest, createBaseDomains } from "../../src/core/classify-request.ts";
import { parseHost } from "../../src/core/parse-host.ts";
import { parseTarget } from "../../src/core/parse-target.ts";
import { buildEdge, NOW_MS, OVERRIDE_KEY } from "../support/edge-builders.ts";
import { nearText, ODD_TEXTS } from "./mutate.ts";
import { must, type Target } from "./target.ts";

const ADMIN_HOST = "admin.example.com";
const deployment = {
  adminHost: ADMIN_HOST,
  baseDomains: createBaseDomains([
    ["kiln.example.com", "kiln"],
    ["fogbugz.example.com", "fogbugz"],
  ]),
};
const HOSTS = [
  "acme.kiln.example.com",
  "Acme.Kiln.Example.Com.:8443",
  "kiln.example.com",
  "a.b.kiln.example.com",
  ADMIN_HOST,
  "code.acme.example",
  "10.0.0.1:80",
  "[2001:db8::1]:443",
  "a.".repeat(100) + "kiln.example.com",
];
const TARGETS = [
  "/",
  "/a/b?c=d&e=%2f",
  "*",
  "http://acme.kiln.example.com/x",
  "HTTPS://ADMIN.example.com?q",
  "//evil.example/",
  "/\\evil.example",
  `/${"x".repeat(17_000)}`,
];
const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "PROPFIND", "get", "X-ODD"];

const host = fc.option(nearText(fc.constantFrom(...HOSTS)), { nil: null });
const target = nearText(fc.constantFrom(...TARGETS), 3);

export const hostTarget: Target = {
  name: "host",
  about: "Host headers: one canonical spelling, which is read back as itself; a class for every one",
  property: () =>
    fc.property(host, fc.constantFrom(...METHODS), fc.boolean(), (raw, method, corsPreflight) => {
      const parsed = parseHost(raw);
      if (parsed.kind === "name" || parsed.kind === "ip") {
        const again = parseHost(parsed.port === null ? parsed.name : `${parsed.name}:${parsed.port}`);
        must(fc.stringify(again) === fc.stringify(parsed), "not a fixed point", { parsed, again });
        must(parsed.name === parsed.name.toLowerCase(), "not in lower case", parsed);
      }
      const found = classifyRequest({ method, rawUrl: "/", host: raw, corsPreflight }, deployment);
      must(
        parsed.kind !== "malformed" || found.kind === "refuse",
        "a malformed Host is no request for anybody",
        found,
      );
    }),
};

export const targetTarget: Target = {
  name: "target",
  about: "request targets: a path with exactly one slash in front, read back as itself",
  property: () =>
    fc.property(target, (raw) => {
      const parsed = parseTarget(raw);
      if (parsed.form !== "origin" && parsed.form !== "absolute") return;
      const { pathAndQuery } = parsed;
      must(/^\/(?![/\\])/.test(pathAndQuery), "does not start with exactly one slash", pathAndQuery);
      const again = parseTarget(pathAndQuery);
      must(again.form === "origin" && again.pathAndQuery === pathAndQuery, "not a fixed point", again);
      // What URL makes of it stays on the host that was decided.
      must(
        new URL(pathAndQuery, "http://decided.invalid").host === "decided.invalid",
        "leaves its host",
        raw,
      );
    }),
};

const HEADER_NAMES = [
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X_Forwarded_Host",
  "Forwarded",
  "Firebreak",
  "Firebreak-Account",
  "Firebreak_Account",
  "Firebreak-Override",
  "Cookie",
  "Connection",
  "CDN-Loop",
  "Transfer-Encoding",
  "TE",
  "Expect",
  "Upgrade",
  "Content-Length",
  "Origin",
  "Access-Control-Request-Method",
  "Accept",
  "If-None-Match",
  "Authorization",
];
const HEADER_VALUES = [
  "192.0.2.1, 198.51.100.2",
  "evil.example",
  'product=kiln, account=evil, version="9"',
  "close, Firebreak, X-Forwarded-For, Host",
  "keep-alive",
  `${CDN_ID}, other; v=1`,
  "chunked",
  "100-continue",
  "websocket",
  "https://acme.kiln.example.com",
  "GET",
  "text/html;q=0.9",
  "__Host-firebreak-override=TOKEN; a=b",
];
const MARK = "FUZZ-SECRET-TOKEN";
const headerValue = fc.oneof(
  nearText(fc.constantFrom(...HEADER_VALUES), 3),
  fc.constantFrom(...ODD_TEXTS),
  fc.constant(`__Host-firebreak-override=${MARK}; a=b`),
  fc.constant(MARK),
);
const headers = fc.array(fc.tuple(fc.constantFrom(...HEADER_NAMES), headerValue), { maxLength: 6 });

/** What a runtime would let arrive; the others are refused before the Worker. */
function asHeaders(pairs: readonly (readonly [string, string])[]): Headers {
  const made = new Headers();
  for (const [name, value] of pairs) {
    try {
      made.append(name, value);
    } catch {
      // Not a header value for the runtime either.
    }
  }
  return made;
}

export const headersTarget: Target = {
  name: "headers",
  about:
    "whole requests at the edge: no 5xx of ours, no throw; the origin sees our values alone and no token",
  property: () =>
    fc.asyncProperty(
      host,
      target,
      fc.constantFrom(...METHODS),
      headers,
      async (named, rawUrl, method, pairs) => {
        const edge = buildEdge();
        const sent = asHeaders(pairs);
        const response = await edge.handle({
          method,
          rawUrl,
          host: named,
          headers: sent,
          body: null,
          signal: new AbortController().signal,
          raw: new Request("https://raw.invalid/"),
          waitUntil: () => undefined,
        });
        // A circle is the sender's own doing, and told as such.
        must(response.status < 500 || response.status === 508, "a 5xx of ours", response.status);
        for (const { url, headers: seen } of edge.seen) {
          must(new URL(url).hostname.endsWith(".origins.example.net"), "another origin", url);
          const dictionary = seen.get("firebreak") ?? "";
          must(/^product=kiln(, account=[a-z0-9-]+)?, version="/.test(dictionary), "our header", dictionary);
          must(seen.get("x-forwarded-host") === canonicalOf(named), "X-Forwarded-Host", [...seen]);
          const names = [...seen.keys()].map((name) => name.replaceAll("_", "-"));
          must(!names.some((name) => /^(firebreak-|forwarded$)/.test(name)), "a spoofed name", names);
          must(!leaks(seen), "the override token went on", [...seen]);
        }
      },
    ),
};

function leaks(seen: Headers): boolean {
  return (
    (seen.get("cookie") ?? "").includes(`__Host-firebreak-override=${MARK}`) || seen.has("firebreak-override")
  );
}

/** In its one spelling, with its port. */
function canonicalOf(raw: string | null): string | null {
  const parsed = parseHost(raw);
  if (parsed.kind !== "name") return null;
  return parsed.port === null ? parsed.name : `${parsed.name}:${parsed.port}`;
}

export const overrideTarget: Target = {
  name: "overrides",
  about: "override tokens: only the very token counts; anything else is ignored with a word, never an error",
  property: () => {
    const genuine = issueOverride(
      [OVERRIDE_KEY],
      { product: "kiln", account: "acme", version: "2.7.0", seconds: 600, jti: "j1" },
      NOW_MS,
    ).then((issued) => {
      if (!issued.ok) throw new Error(issued.error);
      return issued.value.token;
    });
    const changes = nearText(fc.constant("\u0001"), 1);
    return fc.asyncProperty(
      fc.nat(2000),
      fc.constantFrom(...ODD_TEXTS, "A", "e30", "eyJhbGciOiJub25lIn0"),
      fc.constantFrom("insert", "replace", "cut", "none"),
      changes,
      async (at, text, how, tail) => {
        const token = await genuine;
        const place = at % token.length;
        const wrong =
          how === "none"
            ? token + tail
            : how === "cut"
              ? token.slice(0, place)
              : token.slice(0, place) + text + token.slice(how === "replace" ? place + 1 : place);
        const edge = buildEdge();
        let sent: Headers;
        try {
          sent = new Headers({ "Firebreak-Override": wrong });
        } catch {
          return;
        }
        const response = await edge.fetch("acme.kiln.example.com", "/", { headers: sent });
        must(response.status === 200, "not served", response.status);
        const status = response.headers.get("firebreak-override-status");
        const version = edge.seen[0]?.headers.get("firebreak")?.includes('version="2.7.0"') === true;
        const isGenuine = wrong.trim() === token;
        must(version === isGenuine, "whether it counts", { wrong, status });
        must((status === "active") === isGenuine, "what is said of it", { wrong, status });
      },
    );
  },
};
