/**
 * Makes the OpenAPI 3.1 document from the same declarations that are routed and validated: there is no second list.
 * Pure. It must not describe anything that is not an operation. Called once an isolate, when the document is asked for.
 * https://spec.openapis.org/oas/v3.1.1
 */
import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from "@asteasolutions/zod-to-openapi";
import { ProblemSchema } from "../contracts/api/common.ts";
import { PROBLEMS, type ProblemType } from "../contracts/problems.ts";
import { headersOf, NO_BODY, takesConditions, type Operation } from "./operation.ts";
import { isGuarded, PERMISSIONS } from "./permissions.ts";
import { NDJSON } from "./respond.ts";

const SECURITY_SCHEME = "token";

const DESCRIPTION = `Administration of Firebreak, the edge account router.

Every refusal is an RFC 9457 problem with a stable \`type\` (urn:firebreak:problem:…), a \`detail\` that says what to do, and the
request id as \`instance\`. Changes take \`If-Match\` (the \`revision\` that was read) and \`Idempotency-Key\`. Unknown fields and
query parameters are refused. Streams are NDJSON, one JSON document a line: read the answer while sending the body.`;

/** Refusals that every operation with a token can answer. */
const GUARDED_PROBLEMS: readonly ProblemType[] = [
  "invalid",
  "unauthorized",
  "forbidden",
  "not-found",
  "rate-limited",
  "internal",
  "control-unavailable",
];
const WRITE_PROBLEMS: readonly ProblemType[] = ["stale-revision", "conflict", "idempotency-mismatch"];
const BODY_PROBLEMS: readonly ProblemType[] = ["too-large", "unsupported-media-type"];

/** The document of these operations as JSON text. */
export function describeOperations(operations: readonly Operation[]): string {
  const registry = new OpenAPIRegistry();
  registry.registerComponent("securitySchemes", SECURITY_SCHEME, {
    type: "http",
    scheme: "bearer",
    description:
      "A token of POST /api/v1/tokens, or to begin with one of ADMIN_TOKENS. What each role may do is said at each operation.",
  });
  for (const operation of operations) registry.registerPath(toRoute(operation));
  const info = { title: "Firebreak", version: "1", description: DESCRIPTION };
  const generator = new OpenApiGeneratorV31(registry.definitions);
  return JSON.stringify(generator.generateDocument({ openapi: "3.1.0", info, servers: [{ url: "/" }] }));
}

function toRoute({ spec }: Operation): RouteConfig {
  const guarded = isGuarded(spec.id);
  const roles = guarded ? `Roles: ${PERMISSIONS[spec.id].roles.join(", ")}.` : "No token needed.";
  return {
    operationId: spec.id,
    method: spec.method,
    path: spec.path,
    tags: [spec.tag],
    summary: spec.summary,
    description: spec.description === undefined ? roles : `${spec.description} ${roles}`,
    security: guarded ? [{ [SECURITY_SCHEME]: [] }] : [],
    request: {
      params: spec.params,
      query: spec.query,
      ...(takesConditions(spec) ? { headers: headersOf(spec) } : {}),
      ...requestBody({ spec }),
    },
    responses: { ...successes({ spec }), ...problems({ spec }) },
  };
}

function requestBody({ spec }: Pick<Operation, "spec">): Pick<NonNullable<RouteConfig["request"]>, "body"> {
  if (spec.lines !== undefined)
    return {
      body: {
        required: true,
        description: "One JSON document a line",
        content: { [NDJSON]: { schema: spec.lines } },
      },
    };
  if (spec.body === NO_BODY) return {};
  return {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: spec.body,
          ...(spec.example === undefined ? {} : { example: spec.example }),
        },
      },
    },
  };
}

function successes({ spec }: Pick<Operation, "spec">): RouteConfig["responses"] {
  const { status, description, schema, mediaType } = spec.answer;
  return { [status]: { description, content: { [mediaType ?? "application/json"]: { schema } } } };
}

function problems({ spec }: Pick<Operation, "spec">): RouteConfig["responses"] {
  const types = [
    ...(isGuarded(spec.id) ? GUARDED_PROBLEMS : []),
    ...(spec.method === "get" ? [] : WRITE_PROBLEMS),
    ...(spec.body === NO_BODY && spec.lines === undefined ? [] : BODY_PROBLEMS),
    ...(spec.id === "products.default.set" ? (["preflight-missing"] as const) : []),
    ...(spec.id === "overrides.issue" ? (["not-configured"] as const) : []),
  ];
  const byStatus = new Map<number, string[]>();
  for (const type of types) {
    const { status, title } = PROBLEMS[type];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `${type}: ${title}`]);
  }
  const content = { "application/problem+json": { schema: ProblemSchema } };
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [status, { description: lines.join("; "), content }]),
  );
}
