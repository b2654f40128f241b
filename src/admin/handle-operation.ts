/**
 * The life of one API request: foreign site? → who? → may they? → is it well formed? → their product? → do it → answer.
 * It must not know any resource. Called by app.ts for every route. In this order, so that a stranger learns nothing about
 * what exists and cannot make us read a body. Every way out is a Response; what throws is a bug, answered 500 and logged.
 */
import type { Actor } from "../contracts/control.ts";
import { PROBLEMS, type Refusal } from "../contracts/problems.ts";
import { err, type Result } from "../contracts/result.ts";
import type { Authenticator, Denied } from "./authenticate.ts";
import type { AdminContext, Services } from "./deps.ts";
import { invalid } from "./issues.ts";
import { NO_BODY, type Operation, type Prepared } from "./operation.ts";
import { isGuarded, refuseOperation, refuseProduct } from "./permissions.ts";
import { readJson, refuseForeignSite, refuseMediaType } from "./request-guards.ts";
import { jsonResponse, problemResponse } from "./respond.ts";

export interface Incoming {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly context: AdminContext;
  readonly requestId: string;
}

/** Who acts where no token is needed: such operations only read, and this name is in no audit. */
const NOBODY: Actor = { name: "anonymous", role: "viewer", products: [] };

interface Parts {
  readonly services: Services;
  readonly authenticator: Authenticator;
}

/** Builds the handler that runs one operation for one request. Never rejects for what a client can send. */
export function createOperationHandler({
  services,
  authenticator,
}: Parts): (operation: Operation, incoming: Incoming) => Promise<Response> {
  const { config, logger, notes } = services;

  async function identify({ spec }: Operation, incoming: Incoming): Promise<Result<Actor | null, Refusal>> {
    const { request, context } = incoming;
    if (!isGuarded(spec.id)) return { ok: true, value: null };
    const found = await authenticator.authenticate(incoming);
    if (!found.ok) {
      const { kind, refusal } = found.error;
      const who = whoOf(found.error);
      if (kind !== null) notes.note({ kind, request, actor: who, operation: spec.id }, context);
      return err(refusal);
    }
    const refused = refuseOperation(found.value, spec.id);
    if (refused === null) return found;
    notes.note({ kind: "forbidden", request, actor: found.value, operation: spec.id }, context);
    return err(refused);
  }

  async function run(operation: Operation, incoming: Incoming): Promise<Result<unknown, Refusal>> {
    const { request, params, context, requestId } = incoming;
    const { id } = operation.spec;
    const foreign = refuseForeignSite(request, config.adminHost);
    if (foreign !== null) {
      notes.note({ kind: "foreign-site", request, actor: null, operation: id }, context);
      return err(foreign);
    }
    const identity = await identify(operation, incoming);
    if (!identity.ok) return identity;
    const actor = identity.value;
    const prepared = await parse(operation, request, params);
    if (!prepared.ok) return prepared;
    const { product, ifMatch, idempotencyKey } = prepared.value;
    const refused = actor === null ? null : refuseProduct(actor, product);
    if (refused !== null) {
      notes.note({ kind: "forbidden", request, actor, operation: id }, context);
      return err(refused);
    }
    const write = { actor: actor ?? NOBODY, ifMatch, idempotencyKey };
    const result = await prepared.value.run({ services, actor, write, request, requestId, context });
    // What only the control plane could know: whose products an account has, or who must not say yes.
    if (!result.ok && result.error.problem === "forbidden")
      notes.note({ kind: "forbidden", request, actor, operation: id }, context);
    if (operation.spec.method !== "get") {
      logger.line("admin.change", {
        requestId,
        operation: operation.spec.id,
        actor: write.actor.name,
        outcome: result.ok ? "ok" : result.error.problem,
      });
    }
    return result;
  }

  return async (operation, incoming) => {
    const { requestId } = incoming;
    const result = await run(operation, incoming);
    if (result.ok) return toResponse(operation, result.value);
    const { problem, detail } = result.error;
    // 401s have a line of their own, without the detail that is the same for all of them.
    if (problem !== "unauthorized")
      logger.line("admin.refused", {
        requestId,
        operation: operation.spec.id,
        problem,
        detail,
        status: PROBLEMS[problem].status,
      });
    return problemResponse(result.error, requestId);
  };
}

/** Whom Access vouched for is known by name, and may do nothing. */
function whoOf({ identity }: Denied): { readonly name: string; readonly role: string } | null {
  return identity === undefined ? null : { name: identity, role: "nobody" };
}

async function parse(
  operation: Operation,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<Result<Prepared, Refusal>> {
  const { body, lines } = operation.spec;
  const refused = lines === undefined ? null : refuseMediaType(request, "ndjson");
  if (refused !== null) return err(refused);
  const json: Result<unknown, Refusal> =
    body === NO_BODY ? { ok: true, value: undefined } : await readJson(request);
  if (!json.ok) return json;
  const query = new URL(request.url).searchParams;
  const prepared = operation.prepare({ params, query, headers: request.headers, body: json.value });
  return prepared.ok ? prepared : err(invalid(prepared.error));
}

function toResponse(operation: Operation, value: unknown): Response {
  return value instanceof Response ? value : jsonResponse(value, operation.spec.answer.status);
}
