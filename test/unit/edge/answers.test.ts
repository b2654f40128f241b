/** The edge's own answers: holds, problems and their forms. What people and programs read when no version answered. */
import { createHash } from "node:crypto";
import { describe, it } from "vitest";
import type { Hold } from "../../../src/contracts/maps.ts";
import { chooseForm } from "../../../src/edge/accept.ts";
import { isGitRequest, isReadOnly } from "../../../src/edge/git.ts";
import { renderProblemPage } from "../../../src/edge/problem-page.ts";
import { buildEdge, buildProduct, buildRoot, buildRow, NOW_MS } from "../../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";
const CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
const page: Hold = { mode: "page", message: null, until: null };

function holding(hold: Hold) {
  return buildEdge({ rows: [buildRow("acme", { hold })] });
}

describe("chooseForm", () => {
  it.for([
    [null, "json"],
    ["*/*", "json"],
    ["", "json"],
    [CHROME, "html"],
    ["text/html", "html"],
    ["text/*", "html"],
    ["text/html;q=0.5, application/json", "json"],
    ["application/problem+json;q=0.4, text/html;q=0.5", "html"],
    ["text/html, application/json", "json"],
    ["text/html;q=0, */*", "json"],
    ["text/plain", "text"],
    ["text/plain, text/html", "html"],
    ["TEXT/HTML; Q=0.9, */*;q=0.1", "html"],
    ["text/html;q=7, */*", "json"],
    [";;,,q=", "json"],
  ] as const)("answers Accept %j with %s", ([accept, form], { expect }) => {
    expect(chooseForm(accept, false)).toBe(form);
    expect(chooseForm(accept, true)).toBe("text");
  });
});

describe("git", () => {
  it.for([
    ["git/2.43.0", "/x", true],
    [null, "/repo.git/info/refs?service=git-upload-pack", true],
    [null, "/repo/info/refs?service=git-receive-pack", true],
    [null, "/repo/git-receive-pack", true],
    ["Mozilla/5.0 git/", "/x", false],
    [null, "/info/refs", false],
    [null, "/search?q=service=git-", false],
  ] as const)("is recognised by agent %j and path %s: %s", ([agent, path, expected], { expect }) => {
    expect(isGitRequest(agent, path)).toBe(expected);
  });

  it.for([
    ["GET", "/a", true],
    ["HEAD", "/a", true],
    ["OPTIONS", "/a", true],
    ["POST", "/r.git/git-upload-pack", true],
    ["POST", "/r.git/git-receive-pack", false],
    ["POST", "/a?x=/git-upload-pack", false],
    ["POST", "/", false],
    ["DELETE", "/r.git/git-upload-pack", false],
  ] as const)("%s %s only reads: %s", ([method, path, expected], { expect }) => {
    expect(isReadOnly(method, path)).toBe(expected);
  });
});

describe("a held account", () => {
  it("gets a page with the time to come back and the operator's words", async ({ expect }) => {
    const edge = holding({ mode: "page", message: 'Back at <b>"nine"</b>', until: NOW_MS + 90_500 });
    const response = await edge.fetch(HOST, "/", { headers: { Accept: CHROME } });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "91"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const html = await response.text();
    expect(html).toContain("Back at &lt;b&gt;&quot;nine&quot;&lt;/b&gt;");
    expect(html).not.toContain("<script");
    const style = /<style>([^<]*)<\/style>/.exec(html)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    const policy = response.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`style-src 'sha256-${hash}'`);
    expect(edge.outcomes).toEqual(["held"]);
    expect(edge.seen).toEqual([]);
  });

  it("gets a problem document or text where that is asked for", async ({ expect }) => {
    const edge = holding({ ...page, message: "Back soon" });
    const json = await edge.fetch(HOST);
    expect(await json.json()).toMatchObject({ type: "urn:firebreak:problem:held", detail: "Back soon" });
    const git = await edge.fetch(HOST, "/r.git/info/refs?service=git-upload-pack", {
      headers: { Accept: "*/*" },
    });
    expect(git.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await git.text()).toContain("Back soon");
    const head = await edge.fetch(HOST, "/", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([503, ""]);
  });

  it.for([null, NOW_MS, NOW_MS - 5000])(
    "is told two minutes when the end is %s",
    async (until, { expect }) => {
      expect((await holding({ ...page, until }).fetch(HOST)).headers.get("retry-after")).toBe("120");
    },
  );

  it("may read and not write while read-only", async ({ expect }) => {
    const edge = holding({ ...page, mode: "readOnly" });
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      expect((await edge.fetch(HOST, "/", { method })).status).toBe(200);
    }
    expect((await edge.fetch(HOST, "/a/../r.git/git-upload-pack", { method: "POST" })).status).toBe(200);
    const respelled = await edge.fetch(HOST, "/r.git\\git-upload-pack", { method: "POST" });
    expect(respelled.status).toBe(200);
    const refused = await edge.fetch(HOST, "/git-upload-pack/../r.git/git-receive-pack", { method: "POST" });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("content-type")).toContain("text/plain");
    const write = await edge.fetch(HOST, "/", { method: "POST" });
    expect(await write.json()).toMatchObject({ type: "urn:firebreak:problem:read-only" });
    expect(edge.seen).toHaveLength(5);
  });

  it("opens no WebSocket while read-only, which would write", async ({ expect }) => {
    const edge = holding({ ...page, mode: "readOnly" });
    const socket = { Upgrade: "WebSocket", Connection: "Upgrade" };
    expect((await edge.fetch(HOST, "/socket", { headers: socket })).status).toBe(503);
    expect(edge.seen).toEqual([]);
    const other = { Upgrade: "h2c", Connection: "Upgrade" };
    expect((await edge.fetch(HOST, "/", { headers: other })).status).toBe(200);
  });
});

describe("known and unknown accounts", () => {
  const cases = [
    ["a held product", { root: buildRoot({ products: { kiln: buildProduct({ hold: page }) } }) }],
    ["an origin that cannot be reached", { origin: () => Promise.reject(new Error("lost")) }],
    ["an answer", {}],
    ["an origin that is not allowed", { config: { originAllow: [] } }],
  ] as const;

  it.for(cases)("are not told apart by %s", async ([, options], { expect }) => {
    const answers = await Promise.all(
      [HOST, "ghost.kiln.example.com"].map(async (host) => {
        const response = await buildEdge(options).fetch(host);
        return { status: response.status, headers: [...response.headers], body: await response.text() };
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
  });
});

describe("renderProblemPage", () => {
  it("escapes every text", ({ expect }) => {
    const evil = `<script>'"&`;
    const html = renderProblemPage({ title: evil, detail: evil, requestId: evil });
    expect(html).not.toContain("<script>");
    expect(html.match(/&lt;script&gt;&#39;&quot;&amp;/g)).toHaveLength(4);
  });
});
