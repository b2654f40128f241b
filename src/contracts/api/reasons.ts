/**
 * Bodies that carry a reason and nothing else, one name for each deed so that the API document can tell them apart.
 * Parsed at the admin surface and by the command line.
 */
import * as z from "./zod.ts";
import { ReasonSchema } from "./common.ts";

/** Why a version is marked bad. */
export const VersionBadInputSchema = z.strictObject({ reason: ReasonSchema }).openapi("VersionBadInput");

/** Why the default goes back to its standby. */
export const DefaultRevertInputSchema = z
  .strictObject({ reason: ReasonSchema })
  .openapi("DefaultRevertInput");

/** Why the deletion of an account is taken back. */
export const AccountUndeleteInputSchema = z
  .strictObject({ reason: ReasonSchema })
  .openapi("AccountUndeleteInput");

export type AccountUndeleteInput = z.infer<typeof AccountUndeleteInputSchema>;
export type VersionBadInput = z.infer<typeof VersionBadInputSchema>;
export type DefaultRevertInput = z.infer<typeof DefaultRevertInputSchema>;
