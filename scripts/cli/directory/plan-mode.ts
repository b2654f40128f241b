/**
 * What a product's file says of today's fleet, against the instance. Between pass-through and compare the fleet answers
 * before and after, and a product that is new answers nobody yet: so these are done. Everything else would change what
 * accounts get, and is told with the command for it. Pure.
 */
import type { ModeInput } from "../../../src/contracts/api/fleet.ts";
import { sortedJson, type FieldChange } from "../render.ts";
import type { ProductFile, ResourceOf } from "./layout.ts";

export interface ModePlan {
  readonly change: FieldChange | null;
  /** Of the call that does it. */
  readonly body: ModeInput | null;
  readonly note: string | null;
}

/** @param now as the instance has it; null: it has no such product. */
export function planMode(
  { name, value: { fleet: to } }: ResourceOf<"product">,
  now: ProductFile | null,
  reason: string,
): ModePlan {
  const from = now?.fleet;
  if (sortedJson(from) === sortedJson(to)) return { change: null, body: null, note: null };
  const isLive = from === undefined && now?.default !== undefined;
  if (to !== undefined && !isLive)
    return { change: { field: "fleet", from, to }, body: { ...to, reason }, note: null };
  const [is, says] = [from?.mode ?? "active", to?.mode ?? "active"];
  const origin = to === undefined ? "" : ` --origin ${to.origin}`;
  const header =
    to?.versionHeader === undefined || to.versionHeader === null
      ? ""
      : ` --version-header ${to.versionHeader}`;
  const note = `Product ${name} is ${is}, the file says ${says}: left alone. It goes over by: product mode ${name} ${says}${origin}${header} --reason …`;
  return { change: null, body: null, note };
}
