/**
 * `preflight`: sends a version what the world really sends, from the control plane or (`--from here`) from this machine,
 * and shows what came back of what failed. Exit code 1 unless it passes. Waivers are here too.
 */
import type { Command } from "commander";
import {
  PreflightReportSchema,
  ProbeIdSchema,
  WaiverInputSchema,
} from "../../src/contracts/api/preflight.ts";
import { MatrixSchema, PreflightSchema, type PreflightView } from "../../src/contracts/api/preflight-runs.ts";
import { OriginSchema } from "../../src/contracts/api/common.ts";
import { oneOf, toInput, word } from "./arguments.ts";
import { change } from "./change.ts";
import { EXIT_FAILED, EXIT_OK, usageFailure } from "./failure.ts";
import { runFromHere } from "./preflight-here.ts";
import { renderPreflight } from "./preflight-render.ts";
import { addPreflightSettings } from "./preflight-settings.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { startProgress } from "./progress.ts";
import {
  addObject,
  addVerb,
  print,
  type ArgumentSpec,
  type OptionSpec,
  type ProgramContext,
  type Session,
} from "./verb.ts";
import { VERSION_ARGUMENT } from "./version.ts";

type Purpose = "wave" | "default";

const FOR_OPTION: OptionSpec = {
  flags: "--for <wave|default>",
  about: "what the verdict is for: accounts in a wave, or the default (unknown accounts)",
  parse: oneOf("wave", "default"),
  preset: "wave",
};
const ALL_OPTION: OptionSpec = {
  flags: "--all",
  about: "every probe, and the bytes of what did not pass (default: what did not pass, and why)",
};
const PROBE_ARGUMENT: ArgumentSpec = {
  name: "<probe>",
  about: "id of the probe; without @CELL it stands for every cell",
  parse: word(ProbeIdSchema),
};

export function addPreflight(program: Command, context: ProgramContext): void {
  const object = addObject(program, "preflight", {
    summary: "try a version with what the world really sends: run, show, waive, settings",
  });
  addRun(object, context);
  addShow(object, context);
  addWaivers(object, context);
  addPreflightSettings(object, context);
}

function addRun(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "run",
      isDefault: true,
      summary: "probe a version now (`run` may be left out)",
      exits: ["it passes", "it does not, or could not be asked"],
      seeAlso: ["preflight show", "preflight waive", "default promote", "rollout start"],
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      options: [
        FOR_OPTION,
        {
          flags: "--from <control|here>",
          about: "who sends: the control plane, or this machine, which is recorded as such",
          parse: oneOf("control", "here"),
          preset: "control",
        },
        {
          flags: "--origin <origin>",
          about:
            "with --from here: ask this address, where no raw connection leads to the version's own (default: its own)",
          parse: word(OriginSchema),
        },
        ALL_OPTION,
      ],
      writes: true,
      notes: [
        "What the control plane heard comes first: from here a failure cannot be turned into a pass.",
        "It moves nobody. A default moves on a preflight --for default that passed within the hour.",
      ],
      examples: [
        "preflight run kiln 2.9.0",
        "preflight kiln 2.9.0 --for default",
        "preflight kiln 2.9.0 --from here --origin https://10.0.0.7:8443",
      ],
      run: runPreflight,
    },
    context,
  );
}

async function runPreflight(session: Session): Promise<number> {
  const { words } = session;
  const purpose = purposeOf(session);
  const here = words.text("from") === "here";
  if (!here && words.maybe("origin") !== undefined)
    throw usageFailure("--origin needs --from here: the control plane asks the version's own origin.");
  const headers = writeHeaders(session);
  const request = here
    ? { path: `${pathOf(session)}/report`, body: await runHere(session) }
    : { path: pathOf(session), body: { purpose } };
  const answer = await session.api().send(PreflightSchema, { method: "POST", headers, ...request });
  return show(session, answer, purpose);
}

function writeHeaders({ words }: Session): Record<string, string> {
  const [revision, key] = [words.number("ifMatch"), words.maybe("idempotencyKey")];
  return {
    ...(revision === undefined ? {} : { "if-match": `"${revision}"` }),
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
}

/** Sends the matrix from this machine. @returns the report to be sent in. */
async function runHere(session: Session): Promise<unknown> {
  const { terminal, json, words } = session;
  const query = { origin: words.maybe("origin") };
  const path = `${pathOf(session)}/probes`;
  const { value } = await session.api().send(MatrixSchema, { method: "GET", path, query });
  const progress = startProgress(terminal, { label: "probing", total: value.items.length, silent: json });
  let done = 0;
  const results = await runFromHere(value.items, ({ title }) => progress.update(++done, title));
  progress.stop();
  return toInput(PreflightReportSchema, { origin: value.origin, via: value.via, results });
}

function addShow(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "show",
      summary: "what is known of a version's preflight",
      exits: ["it passes", "it does not, or was not run"],
      seeAlso: ["preflight run", "preflight waive", "version show"],
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      options: [FOR_OPTION, ALL_OPTION],
      examples: ["preflight show kiln 2.9.0", "preflight show kiln 2.9.0 --for default --json"],
      run: async (session) =>
        show(
          session,
          await session.api().send(PreflightSchema, { method: "GET", path: pathOf(session) }),
          purposeOf(session),
        ),
    },
    context,
  );
}

function show(
  session: Session,
  answer: { readonly value: PreflightView; readonly raw: unknown },
  purpose: Purpose,
): number {
  print(session, answer, (view) => renderPreflight(view, { purpose, all: session.words.on("all") }));
  return answer.value[purpose].verdict === "pass" ? EXIT_OK : EXIT_FAILED;
}

function addWaivers(object: Command, context: ProgramContext): void {
  const words = [PRODUCT_ARGUMENT, VERSION_ARGUMENT, PROBE_ARGUMENT];
  const common = { arguments: words, options: [FOR_OPTION], changes: true, reason: true, writes: true };
  addVerb(
    object,
    {
      ...common,
      name: "waive",
      summary: "let one probe past, for this version and its present origin",
      notes: ["For the default only a probe of which nothing was heard can be waived, never a failed one."],
      examples: [
        'preflight waive kiln 2.9.0 options-asterisk --reason "nothing of ours sends it, ticket 4711"',
      ],
      run: (session) =>
        change(session, {
          schema: PreflightSchema,
          request: {
            method: "PUT",
            path: waiverPath(session),
            body: toInput(WaiverInputSchema, {
              target: purposeOf(session),
              reason: session.words.text("reason"),
            }),
          },
          render: (view) => renderPreflight(view, { purpose: purposeOf(session), all: false }),
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      ...common,
      name: "unwaive",
      summary: "withdraw a waiver",
      examples: ['preflight unwaive kiln 2.9.0 options-asterisk --reason "fixed"'],
      run: (session) =>
        change(session, {
          schema: PreflightSchema,
          request: {
            method: "DELETE",
            path: waiverPath(session),
            query: { reason: session.words.text("reason"), target: purposeOf(session) },
          },
          render: (view) => renderPreflight(view, { purpose: purposeOf(session), all: false }),
        }),
    },
    context,
  );
}

function purposeOf({ words }: Session): Purpose {
  return words.text("for") === "default" ? "default" : "wave";
}

function pathOf({ words }: Session): string {
  return `/products/${encodeURIComponent(words.text("product"))}/versions/${encodeURIComponent(words.text("version"))}/preflight`;
}

function waiverPath(session: Session): string {
  return `${pathOf(session)}/waivers/${encodeURIComponent(session.words.text("probe"))}`;
}
