/** Where the command line talks to, as whom, and that the local token never leaves this machine. */
import { describe, it } from "vitest";
import { isLoopback, parseProblem, resolveSettings } from "../../../scripts/cli/client.ts";

describe("resolveSettings", () => {
  it("uses this machine and the local token when nothing is set", ({ expect }) => {
    const { url, token } = resolveSettings(undefined, {});
    expect([url.href, token]).toEqual(["http://localhost:8787/", "dev"]);
  });

  it("takes --url before FIREBREAK_URL", ({ expect }) => {
    const env = { FIREBREAK_URL: "https://a.example", FIREBREAK_TOKEN: "t" };
    expect(resolveSettings("https://b.example", env).url.hostname).toBe("b.example");
    expect(resolveSettings(undefined, env)).toEqual({ url: new URL("https://a.example"), token: "t" });
  });

  it.for([
    ["no token for another machine", "https://admin.example.com", {}],
    ["a name that only begins like loopback", "http://localhost.example.com", {}],
    ["no address", "admin.example.com", { FIREBREAK_TOKEN: "t" }],
    ["another scheme", "ftp://localhost", {}],
    ["a password in the address", "http://u:p@localhost", {}],
    ["a token with a line end", "http://localhost", { FIREBREAK_TOKEN: "secret\n" }],
  ] as const)("refuses %s, with exit code 2 and without the token", ([, url, env], { expect }) => {
    const resolve = () => resolveSettings(url, env);
    expect(resolve).toThrow(expect.objectContaining({ exitCode: 2 }) as Error);
    expect(resolve).not.toThrow(/secret/);
  });
});

describe("isLoopback", () => {
  it.for(["localhost", "acme.kiln.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])(
    "knows %s",
    (name, { expect }) => {
      expect(isLoopback(name)).toBe(true);
    },
  );
  it.for(["localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]", "notlocalhost"])(
    "refuses %s",
    (name, { expect }) => {
      expect(isLoopback(name)).toBe(false);
    },
  );
});

describe("parseProblem", () => {
  it("takes only problems of a Firebreak", ({ expect }) => {
    expect(parseProblem('{"type":"urn:firebreak:problem:held","detail":"d","x":1}')).toEqual({
      type: "urn:firebreak:problem:held",
      title: "urn:firebreak:problem:held",
      status: 0,
      detail: "d",
      x: 1,
    });
    expect(
      ["<html>", "null", '{"type":"about:blank","detail":"d"}', '{"type":"urn:firebreak:problem:held"}'].map(
        parseProblem,
      ),
    ).toEqual([null, null, null, null]);
  });
});
