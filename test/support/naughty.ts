/**
 * Hostile text for every text that the API takes: the places are found in the API's own document, so a new field is among
 * them by itself. One text is all attacks at once: markup, an attribute's end, a terminal's escape sequences in both
 * spellings, and a turn of the writing direction.
 */
import { bodyOf, type Document, type Route } from "./documented-api.ts";

/** Short enough for every field that takes free text. */
export const NAUGHTY = `"'><x-evil a=1><script>evil()</script>\u001b[2J\u009b2J\u202e`;
/** What it looks like where it was not escaped, in a page. */
export const UNESCAPED = /<x-evil|<script>evil|"'>/;
/** What a page shows it as. */
export const ESCAPED = "&lt;x-evil a=1&gt;";
/** What no screen may get. */
export const ACTS_ON_SCREENS = /[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}
type Step = string | number;

/** One text in one body. `isFree`: the document says nothing of what it may be. */
export interface Place {
  readonly path: readonly Step[];
  readonly isFree: boolean;
}

/** Every text in a body of this shape. */
export function* placesOf(document: Document, given: Schema, path: readonly Step[] = []): Generator<Place> {
  const schema = resolve(document, given);
  for (const part of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])])
    yield* placesOf(document, part, path);
  if ([schema.type].flat().includes("string") && schema.enum === undefined && schema.const === undefined)
    yield { path, isFree: schema.pattern === undefined && schema.format === undefined };
  for (const [name, part] of Object.entries(schema.properties ?? {}))
    yield* placesOf(document, part, [...path, name]);
  if (typeof schema.additionalProperties === "object")
    yield* placesOf(document, schema.additionalProperties, [...path, "naughty"]);
  if (schema.items !== undefined) yield* placesOf(document, schema.items, [...path, 0]);
  for (const [at, part] of (schema.prefixItems ?? []).entries())
    yield* placesOf(document, part, [...path, at]);
}

function resolve(document: Document, schema: Schema): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : (document.components.schemas[name] as Schema);
}

/** The body of a route with one of its texts replaced; what the example leaves out on the way there is made. */
export function withText(body: unknown, [step, ...rest]: readonly Step[], text: string): unknown {
  if (step === undefined) return text;
  if (typeof step === "number") {
    const list: unknown[] = Array.isArray(body) ? [...(body as unknown[])] : [];
    list[step] = withText(list[step], rest, text);
    return list;
  }
  const record = typeof body === "object" && body !== null ? body : {};
  return { ...record, [step]: withText((record as Record<string, unknown>)[step], rest, text) };
}

/** Places of a route's JSON body, each once, with a body that has the text there. */
export function naughtyBodies(
  document: Document,
  route: Route,
): readonly (Place & { readonly body: unknown })[] {
  const content = route.of.requestBody?.content["application/json"];
  if (content === undefined) return [];
  const example: unknown = JSON.parse(bodyOf(route).body ?? "null");
  const places = new Map<string, Place>();
  for (const place of placesOf(document, content.schema as Schema)) {
    const key = place.path.join(".");
    if (places.get(key)?.isFree !== true) places.set(key, place);
  }
  return [...places.values()].map((place) => ({ ...place, body: withText(example, place.path, NAUGHTY) }));
}
