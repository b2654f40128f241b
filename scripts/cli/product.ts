/** `product`: what the company sells. Its domains and time-outs, what new accounts start on, and its hold. */
import type { Command } from "commander";
import {
  ProductInputSchema,
  ProductSchema,
  StableInputSchema,
  type Product,
} from "../../src/contracts/api/products.ts";
import { repeated, toDomain, toInput, toProduct, toTimeout, toVersion } from "./arguments.ts";
import { change } from "./change.ts";
import { usageFailure } from "./failure.ts";
import { HOLD_OPTIONS, holdInput, holdText } from "./holds.ts";
import { showWholeList } from "./lists.ts";
import { renderFields, renderTable } from "./render.ts";
import { addObject, addVerb, print, type ArgumentSpec, type ProgramContext, type Session } from "./verb.ts";

export const PRODUCT_ARGUMENT: ArgumentSpec = {
  name: "<product>",
  about: "name of the product",
  parse: toProduct,
};

export function addProduct(program: Command, context: ProgramContext): Command {
  const product = addObject(program, "product", {
    summary: "products: domains, time-outs, stable version, hold, mode",
    alias: "products",
  });
  addReading(product, context);
  addPut(product, context);
  addStable(product, context);
  addHolds(product, context);
  return product;
}

function addReading(product: Command, context: ProgramContext): void {
  addVerb(
    product,
    {
      name: "list",
      summary: "all products",
      examples: ["product list"],
      run: (session) =>
        showWholeList(session, {
          item: ProductSchema,
          request: { path: "/products" },
          noun: ["product", "products"],
          render: renderProducts,
        }),
    },
    context,
  );
  addVerb(
    product,
    {
      name: "show",
      summary: "one product",
      arguments: [PRODUCT_ARGUMENT],
      examples: ["product show kiln"],
      run: async (session) =>
        print(
          session,
          await session.api().send(ProductSchema, { method: "GET", path: pathOf(session) }),
          renderProduct,
        ),
    },
    context,
  );
}

function addPut(product: Command, context: ProgramContext): void {
  addVerb(
    product,
    {
      name: "put",
      summary: "add a product, or change the domains or time-outs of one",
      unsaid: "as it is",
      arguments: [PRODUCT_ARGUMENT],
      options: [
        {
          flags: "--domain <domain>",
          about: "base domain, repeatable; the list replaces the one there is",
          parse: repeated(toDomain),
        },
        {
          flags: "--timeout </prefix=seconds>",
          about: "time to headers below a path, repeatable; replaces the list",
          parse: repeated(toTimeout),
        },
        { flags: "--clear-timeouts", about: "back to the usual time-out everywhere" },
      ],
      changes: true,
      writes: true,
      notes: ["What is not named stays as it is. A new product needs at least one --domain."],
      examples: [
        "product put kiln --domain kiln.example.com --timeout /export=600",
        "product put kiln --timeout /export=900 --dry-run",
      ],
      run: putProduct,
    },
    context,
  );
}

async function putProduct(session: Session): Promise<void> {
  const { words } = session;
  const found = await session.api().find(ProductSchema, { method: "GET", path: pathOf(session) });
  const domains = words.texts("domain") ?? found?.value.domains;
  if (domains === undefined) throw usageFailure("A new product needs at least one --domain.");
  if (words.on("clearTimeouts") && words.value("timeout") !== undefined) {
    throw usageFailure("--timeout and --clear-timeouts exclude each other.");
  }
  const timeouts = words.on("clearTimeouts") ? [] : (words.value("timeout") ?? found?.value.timeouts ?? []);
  const body = toInput(ProductInputSchema, { domains, timeouts });
  await change(session, {
    schema: ProductSchema,
    request: { method: "PUT", path: pathOf(session), body },
    current: found === null ? null : { fields: found.value, revision: found.value.revision },
    render: renderProduct,
  });
}

function addStable(product: Command, context: ProgramContext): void {
  addVerb(
    product,
    {
      name: "stable",
      summary: "set the version that new accounts get; moves nobody",
      arguments: [PRODUCT_ARGUMENT, { name: "<version>", about: "name of the version", parse: toVersion }],
      changes: true,
      reason: true,
      writes: true,
      examples: ['product stable kiln 2.9.0 --reason "2.9.0 is baked"'],
      run: (session) =>
        change(session, {
          schema: ProductSchema,
          request: {
            method: "POST",
            path: `${pathOf(session)}/stable`,
            body: toInput(StableInputSchema, {
              version: session.words.text("version"),
              reason: session.words.text("reason"),
            }),
          },
          render: renderProduct,
        }),
    },
    context,
  );
}

function addHolds(product: Command, context: ProgramContext): void {
  addVerb(
    product,
    {
      name: "hold",
      summary: "answer the whole product with a maintenance page, or read-only",
      arguments: [PRODUCT_ARGUMENT],
      options: HOLD_OPTIONS,
      changes: true,
      reason: true,
      writes: true,
      examples: ['product hold kiln --read-only --until 2026-11-28T23:00:00Z --reason "database move"'],
      run: (session) =>
        change(session, {
          schema: ProductSchema,
          request: { method: "PUT", path: `${pathOf(session)}/hold`, body: holdInput(session.words) },
          render: renderProduct,
        }),
    },
    context,
  );
  addVerb(
    product,
    {
      name: "release",
      summary: "lift the product's hold",
      arguments: [PRODUCT_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      examples: ['product release kiln --reason "database moved"'],
      run: (session) =>
        change(session, {
          schema: ProductSchema,
          request: {
            method: "DELETE",
            path: `${pathOf(session)}/hold`,
            query: { reason: session.words.text("reason") },
          },
          render: renderProduct,
        }),
    },
    context,
  );
}

function pathOf({ words }: Session): string {
  return `/products/${encodeURIComponent(words.text("product"))}`;
}

function renderProducts(products: readonly Product[]): string {
  return renderTable(
    ["product", "domains", "stable", "default (unknown accounts)", "standby", "accounts", "hold"],
    products.map((each) => [
      each.name,
      each.domains.join(", "),
      each.stable,
      each.default,
      each.standby,
      each.accounts,
      each.hold === null ? null : each.hold.mode,
    ]),
  );
}

function fleetText(fleet: Product["fleet"]): string {
  if (fleet === null) return "active";
  const named = fleet.versionHeader === null ? "" : `, which names its version in ${fleet.versionHeader}`;
  return `${fleet.mode}: today's fleet at ${fleet.origin} answers${named}`;
}

/** One product for people; also what every change of a product answers with. */
export function renderProduct(product: Product): string {
  return renderFields([
    ["product", product.name],
    ["domains", product.domains],
    ["stable (new accounts)", product.stable],
    ["default (unknown accounts)", product.default],
    ["standby", product.standby],
    ["time-outs", product.timeouts.map(({ prefix, seconds }) => `${prefix} ${seconds} s`)],
    ["hold", holdText(product.hold)],
    ["mode", fleetText(product.fleet)],
    ["accounts", product.accounts],
    ["revision", product.revision],
  ]);
}
