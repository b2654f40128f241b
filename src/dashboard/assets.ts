/** The style sheet, the script and the icon, as files of their own: nothing on a page is inline, nothing from elsewhere. */
import { LIVE_SCRIPT } from "./live.ts";
import { textResponse } from "./respond.ts";
import { STYLES } from "./styles.ts";

/** A firebreak: the strip between two fields that a fire does not cross. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b57c2"/><path d="M7 6h6v20H7z" fill="#8ab8ff"/><path d="M19 6h6v20h-6z" fill="#ffb4a9"/></svg>`;

const FILES: ReadonlyMap<string, readonly [text: string, type: string]> = new Map([
  ["firebreak.css", [STYLES, "text/css; charset=utf-8"]],
  ["live.js", [LIVE_SCRIPT, "text/javascript; charset=utf-8"]],
  ["firebreak.svg", [ICON, "image/svg+xml"]],
]);

/** A file by its name, or 404. They hold nothing of anybody, so no session is needed. */
export function serveAsset(name: string): Response {
  const [text, type] = FILES.get(name) ?? [];
  return text === undefined ? textResponse("There is no such file.", 404) : textResponse(text, 200, type);
}
