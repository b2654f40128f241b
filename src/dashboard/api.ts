/**
 * How pages ask and act: through the admin API of the same isolate, with what the reader came with. So a page can
 * do no more than its reader could with curl, every action is checked, audited and refused in the API's words, and the
 * API is complete by construction. It must not know a page.
 */
import type * as z from "../contracts/api/zod.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import { headersOf, type Credential } from "./session.ts";

export type Handler = (
  request: Request,
  context: { readonly waitUntil: (work: Promise<unknown>) => void },
) => Promise<Response>;

/** Why the API did not do it, in its own words. */
export interface Problem {
  readonly status: number;
  readonly type: string;
  readonly detail: string;
}

export interface Asked {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `/api/v1`, with its query. Parts that come from outside are encoded by the caller (`path`). */
  readonly path: string;
  readonly body?: unknown;
  /** Revision that the form was drawn for. */
  readonly ifMatch?: string | null;
}

export interface Api {
  /** Asks and reads the answer with the API's own schema. */
  ask<T>(schema: z.ZodType<T>, asked: Asked): Promise<Result<T, Problem>>;
}

interface Parts {
  readonly admin: Handler;
  readonly request: Request;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly credential: Credential;
}

/** Whom failures are counted against, and the id that the log and a problem name. */
const FROM_THE_READER = ["cf-connecting-ip", "x-forwarded-for", "firebreak-request-id"];

/** The API as one reader sees it. */
export function createApi({ admin, request, waitUntil, credential }: Parts): Api {
  return {
    async ask(schema, { method = "GET", path, body, ifMatch = null }) {
      const headers = new Headers(headersOf(credential));
      for (const name of FROM_THE_READER) {
        const value = request.headers.get(name);
        if (value !== null) headers.set(name, value);
      }
      if (ifMatch !== null) headers.set("if-match", `"${ifMatch}"`);
      if (body !== undefined) headers.set("content-type", "application/json");
      const asked = new Request(new URL(`/api/v1${path}`, request.url), {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const response = await admin(asked, { waitUntil });
      const value: unknown = await response.json();
      if (!response.ok) return err(problemOf(response.status, value));
      // The API answers by the schema its document names, so this can only fail when a page asks with a wrong one.
      return ok(schema.parse(value));
    },
  };
}

function problemOf(status: number, value: unknown): Problem {
  const problem = typeof value === "object" && value !== null ? value : {};
  return {
    status,
    type: "type" in problem && typeof problem.type === "string" ? problem.type : "about:blank",
    detail:
      "detail" in problem && typeof problem.detail === "string"
        ? problem.detail
        : "The control plane did not answer. Serving goes on; try again in a minute.",
  };
}

/** A path with its parts encoded: path`/accounts/${slug}`. */
export function path(texts: TemplateStringsArray, ...parts: readonly (string | number)[]): string {
  return texts
    .map((text, at) => text + (at < parts.length ? encodeURIComponent(parts[at] ?? "") : ""))
    .join("");
}
