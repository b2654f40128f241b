/**
 * The small page that people see in the place of a problem document. Markup and style only: no script, nothing loaded
 * from anywhere, every text escaped. Called by `problem-response.ts`.
 * The style is allowed by its hash, so that not even an escaping mistake could bring in another one. CSP Level 3, 8.3.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

const STYLE = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:1rem/1.5 system-ui,sans-serif}
main{max-width:34rem;padding:2rem}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 .5rem}
p{margin:.5rem 0;white-space:pre-line;overflow-wrap:anywhere}
small{opacity:.7}`;

export interface PageText {
  readonly title: string;
  readonly detail: string;
  readonly requestId: string;
}

/** Escapes text for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** The whole page, self-contained. */
export function renderProblemPage({ title, detail, requestId }: PageText): string {
  const [safeTitle, safeDetail, safeId] = [title, detail, requestId].map(escapeHtml);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${safeTitle}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${safeTitle}</h1>
<p>${safeDetail}</p>
<p><small>Request ${safeId}</small></p>
</main>
</body>
</html>
`;
}

/** The Content-Security-Policy for the page: nothing but its own style. */
export const PROBLEM_PAGE_POLICY = `default-src 'none'; style-src 'sha256-${hashOf(STYLE)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function hashOf(text: string): string {
  return btoa(String.fromCharCode(...sha256(utf8ToBytes(text))));
}
