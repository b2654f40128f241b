/**
 * zod as the API's shapes use it: its names as they are, with `.openapi(…)` on every schema. To be imported as a
 * namespace (`import * as z from "./zod.ts"`), because a bundler then keeps only what is used: the `z` that packages export
 * is one object with everything, all of zod's translations among it, 60 kB of the compressed Worker. Loads zod, so it may
 * be imported by contracts/api, admin and dashboard alone (lint holds it). Extending twice does nothing.
 */
import { extendZodWithOpenApi } from "@asteasolutions/zod-to-openapi";
// oxlint-disable-next-line no-restricted-imports -- this is the one place that passes it on
import { ZodType } from "zod";

// It asks for all of zod and looks at no more than the prototype of this class.
extendZodWithOpenApi({ ZodType } as Parameters<typeof extendZodWithOpenApi>[0]);

// oxlint-disable-next-line no-restricted-imports -- as above
export * from "zod";
