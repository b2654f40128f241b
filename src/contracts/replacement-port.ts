/**
 * What crosses RPC about replacements: commands and questions with what they take and answer, under the names they have
 * in the audit. Plain data; the port itself is in control.ts, the shapes of the wire in api/replacements.ts.
 */
import type {
  ReplacementInput,
  ReplacementPauseInput,
  ReplacementPlanInput,
  ReplacementPlanView,
  ReplacementResumeInput,
  ReplacementRollbackInput,
  ReplacementStopInput,
  ReplacementView,
} from "./api/replacements.ts";
import type { ProductName, VersionName } from "./units.ts";

interface OfReplacement {
  readonly product: ProductName;
  /** The version that is replaced. */
  readonly from: VersionName;
}

/** Commands about replacements: what each takes. */
export interface ReplacementCommandInputs {
  /** Begins one: preflight first, then its ramp. */
  "replacement.start": OfReplacement & { readonly input: ReplacementInput };
  "replacement.pause": OfReplacement & { readonly input: ReplacementPauseInput };
  "replacement.resume": OfReplacement & { readonly input: ReplacementResumeInput };
  "replacement.stop": OfReplacement & { readonly input: ReplacementStopInput };
  "replacement.rollback": OfReplacement & { readonly input: ReplacementRollbackInput };
}

/** Every command answers with the replacement as it is afterwards. */
export type ReplacementCommandOutputs = {
  readonly [K in keyof ReplacementCommandInputs]: ReplacementView;
};

/** Questions about replacements: what each takes. */
export interface ReplacementQueryInputs {
  replacements: { readonly product: ProductName };
  replacement: OfReplacement;
  "replacement.plan": OfReplacement & { readonly input: ReplacementPlanInput };
}

export interface ReplacementQueryOutputs {
  /** Newest first, those that are over too. */
  replacements: readonly ReplacementView[];
  /** The newest of that version. */
  replacement: ReplacementView;
  "replacement.plan": ReplacementPlanView;
}
