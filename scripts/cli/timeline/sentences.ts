/**
 * What one entry of the audit means, as a sentence for people who were not there. Pure. An action that has no sentence
 * here is told by its name, so that a new one is never lost.
 */
import type { AuditEntry } from "../../../src/contracts/api/operations.ts";
import { count } from "../render.ts";
import { nameOf, numberIn, textIn, textsIn, within, type Happening } from "./facts.ts";

type Said = Pick<Happening, "kind" | "what">;
type Say = (entry: AuditEntry) => Said;

const forward = (what: string): Said => ({ kind: "forward", what });
const back = (what: string): Said => ({ kind: "back", what });
const stop = (what: string): Said => ({ kind: "stop", what });
const setting = (what: string): Said => ({ kind: "setting", what });
const gate = (what: string): Said => ({ kind: "gate", what });

const SAYINGS: Readonly<Record<string, Say>> = {
  "rollout.create": ({ detail, target }) => {
    const targets = Object.entries(within(within(detail, "plan"), "targets"));
    const to = targets.map(([product, version]) => `${product} ${String(version)}`).join(" and ");
    return setting(`Draft ${nameOf(target)} written${to === "" ? "" : `, to ${to}`}`);
  },
  "rollout.start": ({ detail, target }) =>
    forward(`${nameOf(target)} started over ${count(numberIn(detail, "accounts") ?? 0, "account")}`),
  "rollout.published": ({ detail, reason }) =>
    (reason ?? "").startsWith("rolled back")
      ? back(
          `${capital(reason ?? "")}; ${(numberIn(detail, "moved") ?? 0).toLocaleString("en-US")} stay moved`,
        )
      : forward(capital(reason ?? "A step was published")),
  "rollout.phase": ({ reason, detail }) =>
    setting(capital(reason ?? `phase ${textIn(detail, "phase") ?? "changed"}`)),
  "rollout.notice": ({ reason, target }) =>
    gate(capital((reason ?? "A notice").replace(`${nameOf(target)}: `, ""))),
  "rollout.pause": ({ target }) => stop(`${nameOf(target)} paused`),
  "rollout.resume": ({ target }) => forward(`${nameOf(target)} resumed`),
  "rollout.stop": ({ target }) => stop(`${nameOf(target)} stopped; who had moved stays`),
  "rollout.rollback": ({ target, detail }) =>
    back(`Rollback of ${nameOf(target)} ordered (${scopeText(within(detail, "scope"))})`),
  "rollout.approve": ({ target, detail }) => forward(`${nameOf(target)}: ${approvedText(detail)} approved`),
  "rollout.waive-gate": ({ target }) => forward(`${nameOf(target)}: the gate was let pass by name`),
  "rollout.signal": ({ detail }) =>
    gate(`Signal from ${textIn(detail, "source") ?? "outside"}: ${textIn(detail, "verdict") ?? "heard"}`),
  "product.default.set": defaultSaid,
  "product.default.revert": (entry) => ({ ...defaultSaid(entry), kind: "back" }),
  "product.stable.set": ({ target, detail }) =>
    setting(
      `Stable of ${nameOf(target)} (new accounts): ${textIn(within(detail, "after"), "stable") ?? "changed"}`,
    ),
  "product.put": ({ target }) => setting(`Product ${nameOf(target)} edited`),
  "product.hold.set": ({ target }) => stop(`Maintenance page for all of ${nameOf(target)}`),
  "product.hold.lift": ({ target }) => forward(`Maintenance page of ${nameOf(target)} lifted`),
  "version.put": ({ target, detail }) =>
    setting(`Version ${nameOf(target)} ${detail["before"] === null ? "registered" : "edited"}`),
  "version.state.set": ({ target, detail }) =>
    setting(
      `Version ${nameOf(target)}: ${textIn(detail, "before") ?? "?"} → ${textIn(detail, "after") ?? "?"}`,
    ),
  "version.bad.mark": ({ target }) => stop(`Version ${nameOf(target)} marked bad`),
  "version.bad.clear": ({ target }) => forward(`Mark taken off version ${nameOf(target)}`),
  "preflight.run": preflightSaid,
  "preflight.waive": ({ target, detail }) =>
    forward(`Probe ${textIn(detail, "probe") ?? "?"} of ${nameOf(target)} let past by name`),
  "account.quarantine.set": ({ target, detail }) =>
    back(`${nameOf(target)} put back alone on ${textIn(detail, "product") ?? ""} ${landed(detail)}`),
  "account.quarantine.refused": ({ target, detail }) =>
    gate(`${nameOf(target)} could not be put back alone: ${textIn(detail, "problem") ?? "refused"}`),
  "account.quarantine.lift": ({ target }) => setting(`Quarantine of ${nameOf(target)} lifted`),
  "account.pin.set": ({ target, detail }) =>
    setting(
      `${nameOf(target)} pinned to ${textIn(detail, "product") ?? ""} ${textIn(detail, "version") ?? ""}`.trim(),
    ),
  "account.pin.lift": ({ target }) => setting(`Pin of ${nameOf(target)} lifted`),
  "account.delete": ({ target }) => setting(`Account ${nameOf(target)} deleted`),
  "account.undelete": ({ target }) => setting(`Account ${nameOf(target)} brought back after its deletion`),
  "account.hold.set": ({ target }) => stop(`Maintenance page for ${nameOf(target)}`),
  "account.hold.lift": ({ target }) => forward(`Maintenance page of ${nameOf(target)} lifted`),
  "halt.set": ({ detail }) =>
    detail["after"] === true
      ? stop("HALT: every forward move and automatic action stopped")
      : forward("Halt lifted"),
  "window.put": ({ target }) => setting(`Window ${nameOf(target)} written`),
  "freeze.put": ({ target }) => stop(`Freeze ${nameOf(target)} written`),
  "freeze.delete": ({ target }) => forward(`Freeze ${nameOf(target)} deleted`),
  "accounts.import": ({ detail }) =>
    setting(
      `Accounts imported: ${numberIn(detail, "added") ?? 0} added, ${numberIn(detail, "changed") ?? 0} changed`,
    ),
  "replacement.start": ({ target }) => forward(`Replacement of ${nameOf(target)} started`),
  "replacement.rollback": ({ target }) => back(`Replacement of ${nameOf(target)} taken back`),
  "alarm.raised": ({ detail, reason }) =>
    gate(`Alarm (${textIn(detail, "level") ?? "page"}): ${reason ?? textIn(detail, "name") ?? "?"}`),
  "alarm.cleared": ({ detail }) => setting(`Alarm ${textIn(detail, "name") ?? "?"} is over`),
  restore: () => back("Everything restored from an export"),
};

/** The sentence of an entry. */
export function sayEntry(entry: AuditEntry): Said {
  return SAYINGS[entry.action]?.(entry) ?? setting(`${entry.action} ${entry.target}`);
}

/** With a capital at its beginning. */
export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function scopeText(scope: AuditEntry["detail"]): string {
  const kind = textIn(scope, "kind");
  if (kind === "where") return "some accounts";
  return kind === "to-wave" ? `all after wave ${(numberIn(scope, "wave") ?? 0) + 1}` : "all";
}

function approvedText(detail: AuditEntry["detail"]): string {
  const what = within(detail, "what");
  const wave = numberIn(what, "wave");
  return wave === null
    ? `moving the default of ${textIn(what, "default") ?? "a product"}`
    : `wave ${wave + 1}`;
}

function landed(detail: AuditEntry["detail"]): string {
  const was = textIn(detail, "was");
  const version = textIn(detail, "version") ?? "?";
  return was === null || was === version ? version : `${version} (was on ${was})`;
}

function defaultSaid({ target, detail }: AuditEntry): Said {
  const before = textIn(within(detail, "before"), "default") ?? "none";
  const after = textIn(within(detail, "after"), "default") ?? "none";
  const force = detail["forced"] === true ? ", by force: its preflight was not asked" : "";
  return forward(`Default of ${nameOf(target)} (unknown accounts): ${before} → ${after}${force}`);
}

function preflightSaid({ target, detail }: AuditEntry): Said {
  const verdict = textIn(detail, textIn(detail, "purpose") ?? "wave") ?? "ran";
  const failed = [...textsIn(detail, "failed"), ...textsIn(detail, "unreachable")];
  const which = failed.length === 0 ? "" : ` (${failed.join(", ")})`;
  const purpose = textIn(detail, "purpose") === "default" ? "the default" : "a wave";
  return { kind: "probe", what: `Preflight of ${nameOf(target)} for ${purpose}: ${verdict}${which}` };
}
