/** What is known of a version's preflight as the API shows it, made from kept runs and waivers. Reads only. */
import type { PreflightView } from "../../contracts/api/preflight-runs.ts";
import type { KeptSettings } from "../../contracts/preflight-port.ts";
import { expectationWords } from "../../core/preflight/words.ts";
import type { PreflightVerdict, ProbeResult, Waiver } from "../../contracts/preflight.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import type { Subject } from "../preflight/subject.ts";
import { weigh } from "../preflight/weigh.ts";
import type { SettingsRecord } from "../store/preflight-settings.ts";

/** The last runs of a version, what counts of them, and both verdicts. */
export function viewPreflight(db: Db, subject: Subject): PreflightView {
  const { product, version, basis } = subject;
  const weighed = weigh(db, subject);
  return {
    product,
    version: version.name,
    origin: version.origin,
    at: toInstantOrNull(weighed.at),
    runs: weighed.runs.map((run) => ({
      at: toInstant(run.at),
      by: run.by,
      from: run.source,
      purpose: run.purpose,
      via: run.via,
      stale: run.basis !== basis,
    })),
    wave: viewVerdict(weighed.wave),
    default: viewVerdict(weighed.default),
    uncovered: [...weighed.uncovered],
    waivers: weighed.waivers.map((waiver) => ({ ...viewWaiver(waiver), target: waiver.target })),
    probes: weighed.probes.map(({ id, title, class: of, cell, why, demandedBy, expect }) => ({
      id,
      title,
      class: of,
      cell,
      why,
      demandedBy: [...demandedBy],
      expects: expectationWords(expect),
    })),
    results: weighed.results.map(viewResult),
  };
}

function viewVerdict(verdict: PreflightVerdict): PreflightView["wave"] {
  return {
    verdict: verdict.verdict,
    failed: [...verdict.failed],
    waived: verdict.waived.map(({ id, outcome, waiver }) => ({ id, outcome, waiver: viewWaiver(waiver) })),
    unreachable: [...verdict.unreachable],
    missing: [...verdict.missing],
    sentence: verdict.sentence,
  };
}

function viewWaiver({ probe, reason, by, at }: Waiver): PreflightView["wave"]["waived"][number]["waiver"] {
  return { probe, reason, by, at: toInstant(at) };
}

function viewResult(result: ProbeResult): PreflightView["results"][number] {
  return { ...result, evidence: { ...result.evidence } };
}

/** Settings as they are kept. */
export function viewSettings({ product, settings, by, at, revision }: SettingsRecord): KeptSettings {
  return { product, settings, by, at: toInstantOrNull(at), revision };
}
