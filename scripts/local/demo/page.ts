/**
 * The page of a demo version: a browser that has it open keeps wanting the files of that version, also after its account
 * was moved to another. `late.js` stands for those files; it says which version gave it and what credentials came along.
 * Called by `answers.ts`.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Below this and its own name a version has files that no other has. */
export const ASSETS = "/assets/";

interface Asked {
  readonly product: string;
  readonly version: string;
  readonly account: string | null;
}

/** What a version declares in `assets`. */
export function assetPrefix(version: string): string {
  return `${ASSETS}${version}/`;
}

export async function answerPage(
  request: IncomingMessage,
  response: ServerResponse,
  { product, version }: Asked,
): Promise<void> {
  request.resume();
  const cookie = request.headers.cookie === undefined ? "without" : "with";
  response.writeHead(200, {
    "Content-Type": "text/html; charset=utf-8",
    "Set-Cookie": "demo=1; Path=/; SameSite=Lax",
  });
  // The script of the button is inline: it must not be one more file that comes from somewhere.
  response.end(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${product} ${version}</title><link rel="icon" href="data:,">
<h1>${product} ${version}</h1><p>Asked for ${cookie} a cookie.</p>
<button onclick="const s = document.createElement('script'); s.src = '${assetPrefix(version)}late.js'; document.head.append(s)">More</button>
<output></output></html>
`);
}

export async function answerAsset(
  request: IncomingMessage,
  response: ServerResponse,
  { product, version }: Asked,
): Promise<void> {
  request.resume();
  const path = (request.url ?? "").split("?")[0];
  if (path !== `${assetPrefix(version)}late.js`) {
    response.writeHead(404, { "Content-Type": "text/plain" });
    response.end(`${product} ${version} has no such file\n`);
    return;
  }
  const { cookie = null, authorization = null } = request.headers;
  const said = JSON.stringify({ product, version, cookie, authorization });
  response.writeHead(200, { "Content-Type": "text/javascript; charset=utf-8" });
  response.end(`document.querySelector("output").textContent = ${JSON.stringify(said)};\n`);
}
