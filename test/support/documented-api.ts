/** Reads the API's own document, and makes of each operation in it a request that the document says is valid. */
import type { TestAdmin } from "./admin-builders.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: { readonly example?: unknown; readonly $ref?: string };
}
export interface Documented {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: unknown; readonly example?: unknown }>;
  };
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>;
}
export interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Documented>>;
  readonly components: {
    readonly schemas: Record<string, unknown>;
    readonly securitySchemes: Record<string, unknown>;
  };
}

export const SAMPLES: Record<string, string> = {
  product: "kiln",
  version: "2.9.0",
  from: "2.8.0",
  account: "acme",
  name: "deploy-pipeline",
  identity: "alice@example.com",
  probe: "options-hostless",
  id: "2026-11-autumn",
};

export async function readDocument(at: TestAdmin): Promise<Document> {
  return (await at.call("/api/v1/openapi.json", { token: null })).json();
}

export interface Route {
  readonly path: string;
  readonly method: string;
  readonly of: Documented;
}

export function routesOf(document: Document): readonly Route[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]) => ({ path, method: method.toUpperCase(), of })),
  );
}

/** The path with samples in it, and the query that is required. */
export function address({ path, of }: Route, samples: Record<string, string> = SAMPLES): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(samples[name] ?? ""),
  );
  const required = (of.parameters ?? []).filter(
    (parameter) => parameter.in === "query" && parameter.required === true,
  );
  const query = new URLSearchParams(required.map(({ name }) => [name, name === "reason" ? "because" : "1"]));
  return query.size === 0 ? filled : `${filled}?${query.toString()}`;
}

/** A body as documented: the example for JSON, one empty object for streams. */
export function bodyOf({ of }: Route): { body?: string; headers?: Record<string, string> } {
  const [mediaType, content] = Object.entries(of.requestBody?.content ?? {})[0] ?? [];
  if (mediaType === undefined || content === undefined) return {};
  const body = mediaType === "application/json" ? JSON.stringify(content.example) : "{}\n";
  return { body, headers: { "content-type": mediaType } };
}

/** Every address of the API, with samples in place of names. */
export async function documentedPaths(at: TestAdmin): Promise<readonly string[]> {
  return [...new Set(routesOf(await readDocument(at)).map((route) => address(route)))];
}
