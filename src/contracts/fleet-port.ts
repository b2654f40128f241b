/** The command that says who serves a product, as it crosses to the control plane. */
import type { ModeInput } from "./api/fleet.ts";
import type { Product } from "./api/products.ts";
import type { ProductName } from "./units.ts";

/** What was known of the comparison when somebody made a product active; for the audit. */
export interface KnownDifferences {
  readonly accounts: number;
  readonly compared: number;
}

export interface FleetCommandInputs {
  "product.mode.set": {
    readonly product: ProductName;
    readonly input: ModeInput;
    /** Null: not asked, or the meters did not answer. */
    readonly known: KnownDifferences | null;
  };
}

export interface FleetCommandOutputs {
  "product.mode.set": Product;
}
