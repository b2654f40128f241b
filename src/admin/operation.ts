/**
 * What an operation of the API is: one declaration from which its route, its validation and its entry in the OpenAPI
 * document are made, so that the three cannot differ. It owns parsing (path, query, headers, body: all issues of all of
 * them together) and nothing about authentication or transport. Declared in routes/, run by handle-operation.ts.
 * Posture: closed; unknown query parameters and fields are refused, because a mistyped `dryrun` must not import.
 */
import * as z from "../contracts/api/zod.ts";
import { NothingSchema, WriteHeadersSchema } from "../contracts/api/common.ts";
import type { Actor, WriteContext } from "../contracts/control.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { ProductName } from "../contracts/units.ts";
import type { AdminContext, Services } from "./deps.ts";
import { fieldIssues, type FieldIssue } from "./issues.ts";
import type { OperationId } from "./permissions.ts";

export type Method = "get" | "put" | "post" | "delete";

/** Who and what an operation runs for. */
export interface Call {
  readonly services: Services;
  /** Of a guarded operation always somebody; of an open one nobody. */
  readonly actor: Actor | null;
  /** Conditions of the write, by the actor. */
  readonly write: WriteContext;
  readonly request: Request;
  readonly requestId: string;
  readonly context: AdminContext;
}

export interface Input<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** The successful answer: for JSON its schema, for streams what one line is. */
export interface AnswerSpec<A extends z.ZodType> {
  readonly status: 200 | 201;
  readonly description: string;
  readonly schema: A;
  /** Left out: application/json. Anything else is made by `run` as a Response. */
  readonly mediaType?: string;
}

/** For routes without path parameters or query: whatever comes is refused. */
export const NOTHING = NothingSchema;
/** For routes that read no JSON body. */
export const NO_BODY = z.undefined();

export interface OperationSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  A extends z.ZodType,
> {
  readonly id: OperationId;
  readonly method: Method;
  /** With `{names}`, from the root of the admin host. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: P;
  readonly query: Q;
  /** JSON body, or NO_BODY. */
  readonly body: B;
  /** A body the schema accepts, for the document and its test. */
  readonly example?: z.input<B>;
  /** The body is an NDJSON stream of these, which `run` reads by itself from the request. */
  readonly lines?: z.ZodType;
  readonly answer: AnswerSpec<A>;
  /** There is no revision to compare: If-Match is refused, because whoever sends it counts on it. */
  readonly unconditional?: true;
  /** The product it is about, where the path does not say. */
  readonly productOf?: (body: z.output<B>) => ProductName;
  readonly run: (
    input: Input<z.output<P>, z.output<Q>, z.output<B>>,
    call: Call,
  ) => Promise<Result<z.input<A> | Response, Refusal>>;
}

/** A request in pieces, before anything is believed. */
export interface RawInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A request that parsed: what it is about, its conditions, and the rest of the work. */
export interface Prepared {
  readonly product: ProductName | null;
  readonly ifMatch: number | null;
  readonly idempotencyKey: string | null;
  readonly run: (call: Call) => Promise<Result<unknown, Refusal>>;
}

/** An operation with its types closed over: what the handler and the document see. */
export interface Operation {
  readonly spec: Omit<OperationSpec<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>, "run" | "productOf">;
  readonly prepare: (raw: RawInput) => Result<Prepared, readonly FieldIssue[]>;
}

/** Declares an operation, closing over its types. */
export function defineOperation<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  A extends z.ZodType,
>(spec: OperationSpec<P, Q, B, A>): Operation {
  const { run, productOf, ...rest } = spec;
  const { params, query, body } = rest;

  function prepare(raw: RawInput): Result<Prepared, readonly FieldIssue[]> {
    const refused = [...repeatedNames(raw.query), ...uncheckable(spec, raw.headers)];
    const parsed = {
      params: params.safeParse(raw.params),
      query: query.safeParse(Object.fromEntries(raw.query)),
      headers: WriteHeadersSchema.safeParse(takesConditions(spec) ? Object.fromEntries(raw.headers) : {}),
      body: body.safeParse(raw.body),
    };
    if (
      refused.length > 0 ||
      !parsed.params.success ||
      !parsed.query.success ||
      !parsed.headers.success ||
      !parsed.body.success
    ) {
      return err([
        ...refused,
        ...fieldIssues(parsed.params.error ?? NO_ISSUES, "path"),
        ...fieldIssues(parsed.query.error ?? NO_ISSUES, "query"),
        ...fieldIssues(parsed.headers.error ?? NO_ISSUES, "header"),
        ...fieldIssues(parsed.body.error ?? NO_ISSUES, "body"),
      ]);
    }
    const input = { params: parsed.params.data, query: parsed.query.data, body: parsed.body.data };
    return ok({
      product: productOf === undefined ? (raw.params["product"] ?? null) : productOf(input.body),
      ifMatch: parsed.headers.data["if-match"] ?? null,
      idempotencyKey: parsed.headers.data["idempotency-key"] ?? null,
      run: (call) => run(input, call),
    });
  }
  return { spec: rest, prepare };
}

/** The conditions that a change takes. */
export function headersOf({ unconditional }: Pick<Operation["spec"], "unconditional">): z.ZodObject {
  return unconditional === true ? WriteHeadersSchema.omit({ "if-match": true }) : WriteHeadersSchema;
}

/** Whether If-Match and Idempotency-Key count: for every change but the streams, which say for themselves what a repeat does. */
export function takesConditions({ method, lines }: Pick<Operation["spec"], "method" | "lines">): boolean {
  return method !== "get" && lines === undefined;
}

/** A condition that nobody would check, of what has no revision. */
function uncheckable(
  { unconditional }: Pick<Operation["spec"], "unconditional">,
  headers: Headers,
): readonly FieldIssue[] {
  if (unconditional !== true || !headers.has("if-match")) return [];
  return [{ path: "header.if-match", message: "is not for this: it has no revision, leave it out" }];
}

const NO_ISSUES = new z.ZodError([]);

/** `Object.fromEntries` would keep the last of two and silently drop the first. */
function repeatedNames(query: URLSearchParams): readonly FieldIssue[] {
  const names = [...query.keys()];
  const repeated = names.filter((name, at) => names.indexOf(name) !== at);
  return repeated.map((name) => ({
    path: `query.${name.slice(0, 50)}`,
    message: "is given twice, send it once",
  }));
}
