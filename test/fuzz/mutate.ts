/**
 * Near misses: a right text or document with a few things wrong, since plain noise is refused at its first byte. What is
 * wrong is drawn as a list, so that shrinking takes away all but the one that matters.
 */
import fc from "fast-check";

/** Bytes and words that parsers disagree about. */
export const ODD_TEXTS: readonly string[] = [
  "",
  " ",
  "\t",
  "\r\n",
  "\u0000",
  "\u007f",
  "\u00e9",
  "\ud800",
  "\uff21",
  "\u202e",
  "\ufeff",
  ".",
  "..",
  "-",
  "_",
  ",",
  ";",
  ":",
  "@",
  "#",
  "?",
  "%",
  "%2e",
  "%00",
  "/",
  "//",
  "\\",
  "[",
  "]",
  "[::1]",
  "{",
  "}",
  '"',
  "'",
  "=",
  "*",
  "0",
  "-1",
  "1e309",
  "9007199254740993",
  "null",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "xn--a",
  "127.0.0.1",
  "2026-02-30T00:00:00Z",
  "http://",
  "<script>",
  "a".repeat(64),
  "b".repeat(300),
];

const oddText = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) },
);

interface TextChange {
  readonly at: number;
  readonly how: "insert" | "cut" | "replace" | "double" | "upper" | "end";
  readonly text: string;
}

const textChange: fc.Arbitrary<TextChange> = fc.record({
  at: fc.nat(100_000),
  how: fc.constantFrom("insert", "cut", "replace", "double", "upper", "end"),
  text: oddText,
});

function changeText(from: string, { at, how, text }: TextChange): string {
  const place = from.length === 0 ? 0 : at % (from.length + 1);
  const [before, after] = [from.slice(0, place), from.slice(place)];
  switch (how) {
    case "insert":
      return before + text + after;
    case "cut":
      return before + after.slice(1 + text.length);
    case "replace":
      return before + text + after.slice(1);
    case "double":
      return before + after.slice(0, 8) + after;
    case "upper":
      return before + after.slice(0, 4).toUpperCase() + after.slice(4);
    case "end":
      return before;
  }
}

/** One of these texts with at most `most` things changed; sometimes none. */
export function nearText(from: fc.Arbitrary<string>, most = 4): fc.Arbitrary<string> {
  return fc
    .tuple(from, fc.array(textChange, { maxLength: most }))
    .map(([text, changes]) => changes.reduce(changeText, text));
}

/** Values that a member of a document may have all of a sudden. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom<unknown>(null, true, false, -1, 0, 1, 0.1, 1e308, 2 ** 53, -0, [], {}, [null], [[]]),
  fc.constantFrom<unknown>(
    "x".repeat(20_000),
    Array.from({ length: 300 }, () => "a"),
    { a: { a: { a: {} } } },
  ),
  fc
    .constantFrom("__proto__", "constructor", "hasOwnProperty")
    .map((name) => JSON.parse(`{"${name}":{"a":1}}`)),
  fc.jsonValue({ maxDepth: 2 }),
);

interface Change {
  readonly at: number;
  readonly how: "replace" | "drop" | "rename" | "text" | "copy" | "double";
  readonly value: unknown;
  readonly from: number;
  readonly text: TextChange;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(100_000),
  how: fc.constantFrom("replace", "drop", "rename", "text", "copy", "double"),
  value: oddValue,
  from: fc.nat(100_000),
  text: textChange,
});

/** A value and where it stands; the document itself stands in a box. */
interface Place {
  readonly parent: Record<string, unknown> | unknown[];
  readonly key: string | number;
}

function* placesOf(parent: Place["parent"]): Generator<Place> {
  for (const key of Array.isArray(parent) ? parent.keys() : Object.keys(parent)) {
    yield { parent, key };
    const value: unknown = Reflect.get(parent, key);
    if (typeof value === "object" && value !== null) yield* placesOf(value as Place["parent"]);
  }
}

function set({ parent, key }: Place, value: unknown): void {
  // As JSON.parse does: a member called __proto__ is a member.
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function apply(box: { document: unknown }, { at, how, value, from, text }: Change): void {
  const places = [...placesOf(box as unknown as Record<string, unknown>)];
  const place = places[at % places.length];
  const other = places[from % places.length];
  if (place === undefined || other === undefined) return;
  const current: unknown = Reflect.get(place.parent, place.key);
  const copy = (): unknown => structuredClone(Reflect.get(other.parent, other.key));
  const word = text.text === "" ? "more" : text.text;
  // Drawn values are shared between inputs, so none of them may be changed in its place.
  if (how === "replace") set(place, structuredClone(value));
  else if (how === "text" && typeof current === "string") set(place, changeText(current, text));
  else if (how === "copy") set(place, copy());
  else if (how === "drop" || how === "rename") {
    if (Array.isArray(place.parent)) place.parent.splice(Number(place.key), 1);
    else if (place.parent !== (box as unknown)) Reflect.deleteProperty(place.parent, place.key);
    if (how === "rename" && !Array.isArray(place.parent)) set({ parent: place.parent, key: word }, current);
  } else if (Array.isArray(place.parent)) place.parent.push(copy());
  else set({ parent: place.parent, key: word }, copy());
}

/** One of these documents with at most `most` things changed; sometimes none. */
export function nearDocument(documents: readonly unknown[], most = 4): fc.Arbitrary<unknown> {
  return fc
    .tuple(fc.nat(Math.max(0, documents.length - 1)), fc.array(change, { maxLength: most }))
    .map(([which, changes]) => {
      const box = { document: structuredClone(documents[which]) };
      for (const each of changes) apply(box, each);
      return box.document ?? null;
    });
}
