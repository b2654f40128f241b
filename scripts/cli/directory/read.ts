/**
 * Reads a directory of `apply`: every file parsed and checked against the API's own schemas, every mistake with its file
 * and line, all of them at once. Owns no opinion on whether names exist; that is check.ts. Hidden files and *.md are let
 * be; anything else that has no place here is a mistake, because a file in the wrong folder would silently do nothing.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  CalendarNameSchema,
  FreezeInputSchema,
  WindowPutSchema,
} from "../../../src/contracts/api/calendar.ts";
import { ProductNameSchema, VersionNameSchema } from "../../../src/contracts/api/common.ts";
import { RolloutIdSchema, RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import type { Parser } from "../client.ts";
import { cliFailure, type Failure } from "../failure.ts";
import { fileFailure } from "../file-stream.ts";
import { JsoncError, parsePlacedJsonc } from "../jsonc.ts";
import { deepestIssues } from "../rollout-file.ts";
import { pathText } from "../rollout-plan-render.ts";
import {
  ACCOUNT_FILES,
  FOLDERS,
  keyOf,
  KINDS,
  ProductFileSchema,
  toStoredPlan,
  VersionFileSchema,
  type Kind,
  type Resource,
} from "./layout.ts";

/** One mistake in a file. `line` 0: the file as a whole. */
export interface Mistake {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** A resource as its file says it. */
export interface Written {
  readonly resource: Resource;
  readonly file: string;
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

export interface Directory {
  readonly path: string;
  readonly written: ReadonlyMap<string, Written>;
  /** Relative to the directory; null: it says nothing about accounts. */
  readonly accounts: (typeof ACCOUNT_FILES)[number] | null;
  readonly mistakes: readonly Mistake[];
}

const SCHEMAS = {
  product: { file: ProductFileSchema, name: ProductNameSchema },
  version: { file: VersionFileSchema, name: VersionNameSchema },
  window: { file: WindowPutSchema, name: CalendarNameSchema },
  freeze: { file: FreezeInputSchema, name: CalendarNameSchema },
  rollout: { file: RolloutInputSchema, name: RolloutIdSchema },
} as const;
const MAX_CHARS = 1024 * 1024;

/** Reads everything but the accounts. @throws Failure when the directory itself cannot be read. */
export async function readDirectory(path: string): Promise<Directory> {
  const mistakes: Mistake[] = [];
  const written = new Map<string, Written>();
  let accounts: Directory["accounts"] = null;
  for (const name of await list(path, "")) {
    const kind = KINDS.find((each) => FOLDERS[each] === name);
    const table = ACCOUNT_FILES.find((each) => each === name);
    if (kind !== undefined) await readKind({ path, written, mistakes }, kind);
    else if (table === undefined) mistakes.push({ file: name, line: 0, message: strangerText(name) });
    else if (accounts === null) accounts = table;
    else mistakes.push({ file: name, line: 0, message: `there is ${accounts} as well: keep one of them` });
  }
  return { path, written, accounts, mistakes };
}

function strangerText(name: string): string {
  const places = [...Object.values(FOLDERS).map((folder) => `${folder}/`), ...ACCOUNT_FILES].join(", ");
  return `has no place here: there are ${places}${/\.jsonc?$/.test(name) ? "; a plan goes into rollouts/" : ""}`;
}

async function list(root: string, below: string): Promise<readonly string[]> {
  try {
    const found = await readdir(join(root, below));
    return found.filter((name) => !name.startsWith(".") && !/\.md$/i.test(name)).toSorted();
  } catch (error) {
    if (below === "" && error instanceof Error && "code" in error && error.code === "ENOENT")
      throw cliFailure("file", { title: "The folder cannot be read", detail: `There is no folder ${root}.` });
    throw fileFailure(join(root, below), error, "read");
  }
}

interface Reading {
  readonly path: string;
  readonly written: Map<string, Written>;
  readonly mistakes: Mistake[];
}

async function readKind(reading: Reading, kind: Kind): Promise<void> {
  const folder = FOLDERS[kind];
  for (const entry of await list(reading.path, folder)) {
    if (kind !== "version") {
      await readOne(reading, { kind, folder, entry });
      continue;
    }
    const below = `${folder}/${entry}`;
    if (!(await isFolder(join(reading.path, below)))) {
      const message = "a version lies in a folder of its product, as in versions/kiln/2.9.0.json";
      reading.mistakes.push({ file: below, line: 0, message });
      continue;
    }
    for (const inner of await list(reading.path, below))
      await readOne(reading, { kind, folder: below, entry: inner, product: entry });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

interface Place {
  readonly kind: Kind;
  readonly folder: string;
  readonly entry: string;
  readonly product?: string;
}

async function readOne({ path, written, mistakes }: Reading, place: Place): Promise<void> {
  const { kind, folder, entry, product } = place;
  const file = `${folder}/${entry}`;
  const own = entry.replace(/\.jsonc?$/, "");
  const fault = (message: string, line = 0): void => void mistakes.push({ file, line, message });
  if (own === entry) return fault("must end with .json or .jsonc");
  for (const [text, schema] of [[own, SCHEMAS[kind].name] as const, ...productName(product)]) {
    const wrong = schema.safeParse(text).error?.issues[0];
    if (wrong !== undefined) return fault(`the name "${text}" ${wrong.message}`);
  }
  const read = readDocument(await readText(join(path, file)), SCHEMAS[kind].file);
  if (!read.ok) {
    for (const { message, line } of read.faults) fault(message, line);
    return;
  }
  const name = product === undefined ? own : `${product}/${own}`;
  const resource = toResource(kind, name, read.value);
  const key = keyOf(resource);
  const other = written.get(key);
  if (other !== undefined) return fault(`${other.file} says the same thing: keep one of them`);
  if (resource.kind === "rollout" && resource.value.id !== name)
    return fault(`the plan calls itself "${resource.value.id}", its file "${name}"`, read.lineOf(["id"]));
  written.set(key, { resource, file, lineOf: read.lineOf });
}

function productName(product: string | undefined): readonly (readonly [string, typeof ProductNameSchema])[] {
  return product === undefined ? [] : [[product, ProductNameSchema]];
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw fileFailure(file, error, "read");
  }
}

type Read =
  | { readonly ok: true; readonly value: unknown; readonly lineOf: (path: readonly PropertyKey[]) => number }
  | { readonly ok: false; readonly faults: readonly { readonly message: string; readonly line: number }[] };

function readDocument(text: string, schema: Parser<unknown>): Read {
  if (text.length > MAX_CHARS) return { ok: false, faults: [{ message: "is larger than 1 MiB", line: 0 }] };
  try {
    const { value, lineOf } = parsePlacedJsonc(text);
    const parsed = schema.safeParse(value);
    if (parsed.success) return { ok: true, value: parsed.data, lineOf };
    const faults = parsed.error.issues
      .flatMap((issue) => deepestIssues(issue))
      .map(({ path, message }) => ({
        message: `${pathText(path.map((part) => (typeof part === "number" ? part : String(part)))) || "the document"}: ${message}`,
        line: lineOf(path),
      }));
    return { ok: false, faults };
  } catch (error) {
    if (!(error instanceof JsoncError)) throw error;
    return { ok: false, faults: [{ message: `is not JSON: ${error.message}`, line: error.line }] };
  }
}

/** The schema of the kind has just been through it. */
function toResource(kind: Kind, name: string, value: unknown): Resource {
  switch (kind) {
    case "product":
      return { kind, name, value: ProductFileSchema.parse(value) };
    case "version":
      return { kind, name, value: VersionFileSchema.parse(value) };
    case "window":
      return { kind, name, value: WindowPutSchema.parse(value) };
    case "freeze":
      return { kind, name, value: FreezeInputSchema.parse(value) };
    case "rollout":
      return { kind, name, value: toStoredPlan(RolloutInputSchema.parse(value)) };
  }
}

const MAX_SHOWN = 50;

/** Everything that is wrong with a directory, one mistake a line, as `file:line: what`. */
export function directoryFailure(path: string, mistakes: readonly Mistake[]): Failure {
  const shown = mistakes
    .slice(0, MAX_SHOWN)
    .map(({ file, line, message }) => `${join(path, file)}${line > 0 ? `:${line}` : ""}: ${message}`);
  const more = mistakes.length - shown.length;
  return cliFailure("file", {
    title: `The directory cannot be applied (${mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`})`,
    detail: [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join("\n"),
    next: "Correct it and run the command again: nothing was changed.",
  });
}
