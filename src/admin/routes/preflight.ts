/**
 * Preflight: how a product is probed, a run from the control plane or from somebody's command line, what is known, and
 * waivers. Every change is answered with the whole picture, because what counts is what it does to the verdicts.
 * The matrix with its bytes may hold signatures and secrets of own probes: only who may run it reads it.
 */
import {
  PreflightReportSchema,
  PreflightSettingsSchema,
  WaiverInputSchema,
} from "../../contracts/api/preflight.ts";
import {
  MatrixQuerySchema,
  MatrixSchema,
  PreflightRunInputSchema,
  PreflightSchema,
  StoredSettingsSchema,
  WaiverParamsSchema,
  WithdrawQuerySchema,
  writeExpectation,
  writeProbe,
  type PreflightView,
} from "../../contracts/api/preflight-runs.ts";
import { ProductParamsSchema, VersionParamsSchema } from "../../contracts/api/products.ts";
import type { KeptSettings } from "../../contracts/preflight-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { defineOperation, NO_BODY, NOTHING, type Call, type Operation } from "../operation.ts";

const TAG = "preflight";
const SETTINGS = "/api/v1/products/{product}/preflight";
const ONE = "/api/v1/products/{product}/versions/{version}/preflight";
const KNOWN = {
  status: 200,
  description: "What is known now, and both verdicts",
  schema: PreflightSchema,
} as const;
const KEPT = {
  status: 200,
  description: "The settings as they are now",
  schema: StoredSettingsSchema,
} as const;

interface OfVersion {
  readonly product: ProductName;
  readonly version: VersionName;
}

/** What is known after a change that went well. */
async function pictureAfter(
  done: Result<unknown, Refusal>,
  { product, version }: OfVersion,
  { services }: Call,
): Promise<Result<PreflightView, Refusal>> {
  return done.ok ? services.control.query("preflight", { product, version }) : done;
}

function writeSettings({ settings, ...rest }: KeptSettings) {
  const { presets, syntheticAccount, syntheticByCell, cells, own } = settings;
  return {
    ...rest,
    settings: {
      presets: [...presets],
      syntheticAccount,
      syntheticByCell: { ...syntheticByCell },
      cells: [...cells],
      own: own.map(({ request, expect, ...probe }) => ({
        ...probe,
        request:
          request.kind === "raw"
            ? request
            : {
                ...request,
                headers: request.headers.map(([name, value]): [string, string] => [name, value]),
              },
        expect: writeExpectation(expect),
      })),
    },
  };
}

const SETTINGS_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "preflight.settings.get",
    method: "get",
    path: SETTINGS,
    tag: TAG,
    summary: "How the versions of a product are probed",
    params: ProductParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: KEPT,
    run: async ({ params }, { services }) => {
      const found = await services.control.query("preflight.settings", params);
      return found.ok ? ok(writeSettings(found.value)) : found;
    },
  }),
  defineOperation({
    id: "preflight.settings.set",
    method: "put",
    path: SETTINGS,
    tag: TAG,
    summary: "Set how the versions of a product are probed",
    description:
      "Replaced as a whole: load balancers in front, a synthetic account, cells, own probes. Runs made before count no more.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: PreflightSettingsSchema,
    example: {
      presets: ["haproxy", "alb"],
      syntheticAccount: "firebreak-probe",
      own: [
        {
          id: "own-login",
          title: "GET /login for the synthetic account",
          class: "known",
          why: "The page that every customer sees first",
          request: { kind: "request", target: "/login", host: "firebreak-probe.{domain}" },
          expect: { status: ["200"], bodyContains: "Sign in" },
        },
      ],
    },
    answer: KEPT,
    run: async ({ params, body }, { services, write }) => {
      const done = await services.control.execute(
        "preflight.settings.set",
        { ...params, input: body },
        write,
      );
      return done.ok ? ok(writeSettings(done.value)) : done;
    },
  }),
];

const RUN_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "preflight.get",
    method: "get",
    path: ONE,
    tag: TAG,
    summary: "What is known of a version's preflight",
    description:
      "The matrix, the results that count, waivers, and the verdicts for accounts and for the default.",
    params: VersionParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: KNOWN,
    run: ({ params }, { services }) => services.control.query("preflight", params),
  }),
  defineOperation({
    id: "preflight.run",
    method: "post",
    path: ONE,
    tag: TAG,
    summary: "Probe a version now",
    description:
      "Sends what the world really sends (no Host, unknown accounts, health checks) over raw TCP or TLS and keeps the bytes. Takes at most about 45 s. If-Match is the revision of the version.",
    params: VersionParamsSchema,
    query: NOTHING,
    body: PreflightRunInputSchema,
    example: { purpose: "default" },
    answer: KNOWN,
    run: async ({ params, body }, call) =>
      pictureAfter(
        await call.services.control.runPreflight({ ...params, ...body }, call.write),
        params,
        call,
      ),
  }),
  defineOperation({
    id: "preflight.report",
    method: "post",
    path: `${ONE}/report`,
    tag: TAG,
    summary: "Send in a matrix that was run elsewhere",
    description:
      "Kept under the sender's name as `from: here`. It counts where the control plane hears nothing; it never turns a failure into a pass.",
    params: VersionParamsSchema,
    query: NOTHING,
    body: PreflightReportSchema,
    example: {
      origin: "https://kiln-2-9-0.origins.example.net",
      results: [
        {
          id: "options-hostless",
          title: "OPTIONS / HTTP/1.0 without Host",
          class: "none",
          cell: null,
          outcome: "pass",
          evidence: {
            sent: "OPTIONS / HTTP/1.0\\r\\n\n\\r\\n\n",
            received: "HTTP/1.1 204 No Content\\r\\n\n\\r\\n\n",
            status: 204,
            ms: 12,
            fault: null,
            from: "here",
          },
          sentence: "OPTIONS / HTTP/1.0 without Host: 204 as expected",
        },
      ],
    },
    answer: KNOWN,
    run: async ({ params, body }, call) =>
      pictureAfter(
        await call.services.control.execute("preflight.record", { ...params, report: body }, call.write),
        params,
        call,
      ),
  }),
  defineOperation({
    id: "preflight.probes.list",
    method: "get",
    path: `${ONE}/probes`,
    tag: TAG,
    summary: "The matrix with its bytes",
    description: "For sending it from elsewhere. Signed requests in it are good for about a minute.",
    params: VersionParamsSchema,
    query: MatrixQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "Every probe as it would be sent", schema: MatrixSchema },
    run: async ({ params, query }, { services }) => {
      const via = query.origin ?? null;
      const found = await services.control.query("preflight.probes", { ...params, via });
      if (!found.ok) return found;
      const { origin, probes } = found.value;
      return ok({ ...params, origin, via, items: probes.map(writeProbe), cursor: null });
    },
  }),
];

const WAIVER_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "preflight.waive",
    method: "put",
    path: `${ONE}/waivers/{probe}`,
    tag: TAG,
    summary: "Let one probe past",
    description:
      "For this version and its present origin. For accounts any probe may be waived; for the default only one of which nothing was heard.",
    params: WaiverParamsSchema,
    query: NOTHING,
    body: WaiverInputSchema,
    example: { target: "wave", reason: "Nothing of ours sends this; ticket 4711" },
    answer: KNOWN,
    run: async ({ params, body }, call) =>
      pictureAfter(
        await call.services.control.execute("preflight.waive", { ...params, input: body }, call.write),
        params,
        call,
      ),
  }),
  defineOperation({
    id: "preflight.waiver.withdraw",
    method: "delete",
    path: `${ONE}/waivers/{probe}`,
    tag: TAG,
    summary: "Withdraw a waiver",
    params: WaiverParamsSchema,
    query: WithdrawQuerySchema,
    body: NO_BODY,
    answer: KNOWN,
    run: async ({ params, query }, call) =>
      pictureAfter(
        await call.services.control.execute("preflight.waiver.withdraw", { ...params, ...query }, call.write),
        params,
        call,
      ),
  }),
];

export const PREFLIGHT_OPERATIONS: readonly Operation[] = [
  ...SETTINGS_OPERATIONS,
  ...RUN_OPERATIONS,
  ...WAIVER_OPERATIONS,
];
