/**
 * What people say about preflight: how a product is probed, which probe may be let past and why, and what a command line
 * heard where the control plane hears nothing. Running it from here is preflight/run.ts, because it waits.
 * A waiver is for one version and one origin; a failed probe is never waived for the default (`force` says that instead).
 */
import type { CommandInputs, CommandOutputs } from "../../contracts/control.ts";
import type { ProbeResult, Waiver } from "../../contracts/preflight.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { keepRun } from "../preflight/keep.ts";
import { loadSubject, matrixOf, type Subject } from "../preflight/subject.ts";
import { weigh } from "../preflight/weigh.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { deleteWaiver, loadWaivers, saveWaiver, type WaiverRecord } from "../store/preflight-runs.ts";
import { loadSettings, saveSettings, type SettingsRecord } from "../store/preflight-settings.ts";
import { loadProduct } from "../store/products.ts";
import { viewSettings } from "../view/preflight.ts";
import type { Change, Work } from "./work.ts";

const MAX_NAMED = 5;

/** Replaces the settings of a product; runs made of the old ones are stale from now on. */
export function setPreflightSettings(
  work: Work,
  { product, input }: CommandInputs["preflight.settings.set"],
): Result<Change<CommandOutputs["preflight.settings.set"]>, Refusal> {
  const { db, actor, nowMs } = work;
  if (loadProduct(db, product) === null) return notFound(`product ${product}`);
  const before = loadSettings(db, product);
  const refused = refuseProducts(actor, [product]) ?? checkRevision(work.ifMatch, before.revision);
  if (refused !== null) return refused;
  const after = { product, settings: input, by: actor.name, at: nowMs, revision: before.revision + 1 };
  saveSettings(db, after);
  return ok({
    output: viewSettings(after),
    told: {
      target: `product/${product}`,
      reason: null,
      detail: { before: shown(before), after: shown(after) },
    },
  });
}

/** Own probes by name alone: their headers may hold a secret, and the audit is for everybody. */
function shown({ settings: { own, ...rest } }: Pick<SettingsRecord, "settings">): unknown {
  return { ...rest, own: own.map(({ id }) => id) };
}

function findSubject(
  work: Work,
  of: { readonly product: string; readonly version: string },
): Result<Subject, Refusal> {
  const subject = loadSubject(work.db, of);
  if (!subject.ok) return subject;
  return (
    refuseProducts(work.actor, [of.product]) ??
    checkRevision(work.ifMatch, subject.value.version.revision) ??
    subject
  );
}

/** Lets one probe past for one version as it is now. */
export function waiveProbe(
  work: Work,
  { product, version, probe, input }: CommandInputs["preflight.waive"],
): Result<Change<Waiver>, Refusal> {
  const found = findSubject(work, { product, version });
  if (!found.ok) return found;
  const { target, reason } = input;
  const refused = refuseWaiver(work, found.value, { probe, target });
  if (refused !== null) return refused;
  const { origin } = found.value.version;
  const waiver: WaiverRecord = { probe, target, origin, reason, by: work.actor.name, at: work.nowMs };
  saveWaiver(work.db, { product, version }, waiver);
  return ok({
    output: bare(waiver),
    told: { target: `version/${product}/${version}`, reason, detail: { probe, for: target, origin } },
  });
}

function refuseWaiver(
  { db }: Work,
  subject: Subject,
  { probe, target }: Pick<WaiverRecord, "probe" | "target">,
): Result<never, Refusal> | null {
  const { probes, results } = weigh(db, subject);
  const covers = (id: string): boolean => id === probe || id.split("@")[0] === probe;
  if (!probes.some(({ id }) => covers(id))) {
    const names = probes.map(({ id }) => id);
    return refuse("not-found", `no probe ${probe} is sent to this version; there are ${names.join(", ")}`);
  }
  const failed = results.filter(({ id, outcome }) => covers(id) && outcome === "fail");
  if (target === "wave" || failed.length === 0) return null;
  return refuse(
    "conflict",
    `${probe} failed, and for the default a failure is not waived: unknown accounts and health checks are what the default serves. Move it by force, with a reason, if it must be`,
  );
}

/** Takes a waiver back. */
export function withdrawWaiver(
  work: Work,
  { product, version, probe, target, reason }: CommandInputs["preflight.waiver.withdraw"],
): Result<Change<Waiver>, Refusal> {
  const found = findSubject(work, { product, version });
  if (!found.ok) return found;
  const { origin } = found.value.version;
  const waiver = loadWaivers(work.db, { product, version }, origin).find(
    (each) => each.probe === probe && each.target === target,
  );
  if (waiver === undefined) return notFound(`waiver of ${probe} for the ${target} of ${product} ${version}`);
  deleteWaiver(work.db, { product, version }, waiver);
  const detail = { probe, for: target, givenFor: waiver.reason, givenBy: waiver.by };
  return ok({
    output: bare(waiver),
    told: { target: `version/${product}/${version}`, reason, detail },
  });
}

function bare({ probe, reason, by, at }: Waiver): Waiver {
  return { probe, reason, by, at };
}

/** Keeps what somebody's command line heard, under the sender's name and as `here`. */
export function recordPreflight(
  work: Work,
  { product, version, report }: CommandInputs["preflight.record"],
): Result<Change<CommandOutputs["preflight.record"]>, Refusal> {
  const found = findSubject(work, { product, version });
  if (!found.ok) return found;
  const subject = found.value;
  if (report.origin !== subject.version.origin) {
    return refuse(
      "conflict",
      `these results are of ${report.origin}, and ${product} ${version} is at ${subject.version.origin} by now: run it again`,
    );
  }
  const results = takeResults(subject, report.results);
  if (!results.ok) return results;
  const { done, told } = keepRun(work.db, subject, {
    source: "here",
    via: report.via,
    purpose: "wave",
    by: work.actor.name,
    at: work.nowMs,
    results: results.value,
  });
  return ok({ output: done, told });
}

/** Results of the matrix alone, each once; what a probe is called and counts for is ours to say. */
function takeResults(
  subject: Subject,
  results: readonly ProbeResult[],
): Result<readonly ProbeResult[], Refusal> {
  const probes = new Map(
    matrixOf(subject, { via: null, routerHeader: null }).map((probe) => [probe.id, probe]),
  );
  const strange = results.filter(({ id }) => !probes.has(id)).map(({ id }) => id);
  if (strange.length > 0) {
    return refuse(
      "invalid",
      `not in the matrix of this version: ${strange.slice(0, MAX_NAMED).join(", ")}; the settings may have changed meanwhile: run it again`,
    );
  }
  const ids = results.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) return refuse("invalid", `${twice} is reported twice`);
  return ok(
    results.map((result) => {
      const probe = probes.get(result.id);
      if (probe === undefined) return result;
      const { title, class: of, cell } = probe;
      return { ...result, title, class: of, cell, evidence: { ...result.evidence, from: "here" } };
    }),
  );
}
