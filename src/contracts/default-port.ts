/** What the control plane offers about the default (unknown accounts): moving it, alone or with a second person's yes. */
import type { DefaultApproveInput, FourEyesInput } from "./api/four-eyes.ts";
import type { DefaultInput, Product } from "./api/products.ts";
import type { DefaultRevertInput } from "./api/reasons.ts";
import type { ProductName } from "./units.ts";

interface OfProduct {
  readonly product: ProductName;
}

export interface DefaultCommandInputs {
  /** Moves it, or asks for the move where four eyes hold. */
  "product.default.set": OfProduct & { readonly input: DefaultInput };
  "product.default.approve": OfProduct & { readonly input: DefaultApproveInput };
  "product.default.withdraw": OfProduct & { readonly reason: string };
  /** Puts the default back on its standby. */
  "product.default.revert": OfProduct & { readonly input: DefaultRevertInput };
  "product.four-eyes.set": OfProduct & { readonly input: FourEyesInput };
}

export type DefaultCommandOutputs = { readonly [K in keyof DefaultCommandInputs]: Product };
