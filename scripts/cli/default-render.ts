/** A product's default for people: the version, its standby, and what waits for a second person, with what to type. */
import type { z } from "zod";
import type { DefaultSchema } from "../../src/contracts/api/products.ts";
import { instant, renderFields } from "./render.ts";

export function renderDefault(shown: z.infer<typeof DefaultSchema>): string {
  const { product, pending } = shown;
  const fields = renderFields([
    ["product", product],
    ["default (unknown accounts)", shown.default],
    ["standby", shown.standby],
    ...(shown.fourEyes ? [["four eyes", "on: it moves when a second person approves"] as const] : []),
    ["revision", shown.revision],
  ]);
  if (pending === null) return fields;
  const forced = pending.force ? ", whatever its preflight says" : "";
  const asked = `${pending.askedBy} asked for ${pending.version}${forced} at ${instant(pending.askedAt)}: ${pending.reason}`;
  return `${fields}
It has not moved: ${asked}
Somebody else approves it until ${instant(pending.until)}: default approve ${product} ${pending.version}
`;
}
