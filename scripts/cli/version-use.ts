/** The part of `version show` about who still uses a version: open connections, and whether it may be switched off. */
import type { Version } from "../../src/contracts/api/products.ts";
import { instant } from "./render.ts";

/** Lines of `version show`; those that say nothing are left out by the renderer. */
export function useFields({ connections, switchOff }: Version): (readonly [string, string | null])[] {
  return [
    [
      "open",
      connections === null
        ? null
        : `${connections.webSockets} WebSockets, ${connections.eventStreams} event streams (${instant(connections.measuredAt)})`,
    ],
    ["switch off", switchOff === null ? null : switchOffText(switchOff)],
  ];
}

function switchOffText({ since, waitsFor }: NonNullable<Version["switchOff"]>): string {
  return since === null ? `not yet: waits for ${waitsFor.join(", ")}` : `safe since ${instant(since)}`;
}
