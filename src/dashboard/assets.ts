/** The style sheet and the script, as files of their own: nothing on a page is inline. Asked anew by ETag. */
import { LIVE_SCRIPT } from "./live.ts";
import { textResponse } from "./respond.ts";
import { STYLES } from "./styles.ts";

const FILES: ReadonlyMap<string, readonly [text: string, type: string]> = new Map([
  ["firebreak.css", [STYLES, "text/css; charset=utf-8"]],
  ["live.js", [LIVE_SCRIPT, "text/javascript; charset=utf-8"]],
]);

/** A file by its name, or 404. They hold nothing of anybody, so no session is needed. */
export function serveAsset(name: string): Response {
  const [text, type] = FILES.get(name) ?? [];
  return text === undefined ? textResponse("There is no such file.", 404) : textResponse(text, 200, type);
}
