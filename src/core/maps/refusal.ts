/**
 * Why a published object was refused, as a value: the fault is counted, the detail is logged.
 * Made by the codecs and checks of this folder; publisher and reader pass it on. Never shown to clients.
 */
import { err } from "../../contracts/result.ts";
import type { MapsFault } from "../../contracts/telemetry.ts";

export interface MapsRefusal {
  readonly fault: MapsFault;
  /** One sentence with what was got and what would have been right. */
  readonly detail: string;
}

/** A refusal as the failed side of a `Result`. */
export function refuse(
  fault: MapsFault,
  detail: string,
): { readonly ok: false; readonly error: MapsRefusal } {
  return err({ fault, detail });
}
