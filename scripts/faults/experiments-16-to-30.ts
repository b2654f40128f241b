/**
 * Experiments 16 to 30: redirects and circles, races, clocks, restarts, size, floods, time zones, rollouts, the admin surface.
 * See `experiments.ts` for what the entries are.
 */
import type { Experiment } from "./experiment.ts";

const HAPROXY = "test/e2e/haproxy.e2e.test.ts";
const READER = "test/unit/maps/maps-reader-faults.test.ts";
const WIRE = "test/e2e/edge-wire.e2e.test.ts";
const STREAMING = "test/e2e/streaming.e2e.test.ts";
const SECURITY = "test/integration/security.test.ts";
const COMMANDS = "test/unit/control/commands.test.ts";
const ROLLOUT_FAULTS = "test/unit/control/rollout-faults.test.ts";
const NODES = "test/faults/21-nodes-under-load.e2e.test.ts";
const GATES = "test/unit/control/gates.test.ts";
const VERDICT = "test/unit/gates/verdict.test.ts";

export const SECOND_HALF: readonly Experiment[] = [
  {
    number: 16,
    fault: "an origin redirects to a metadata address, to our own host, to another tenant",
    holds: "the client gets the redirect, nobody follows it; such an origin cannot be registered",
    proofs: [
      { file: WIRE, tests: ["is the redirect itself: ", "are never reached when they are not allowed"] },
      { file: STREAMING, tests: ["a redirect to another host is passed on"] },
      { file: COMMANDS, tests: ["refuses origins outside ORIGIN_ALLOW and under our own hosts"] },
      { file: "test/unit/contracts/origin-rules.test.ts" },
    ],
  },
  {
    number: 17,
    fault: "circles: an origin that is the router, our id in CDN-Loop, CDN-Loop that cannot be parsed",
    holds: "refused when registered; 508 after one pass; other ids are kept",
    proofs: [
      { file: SECURITY, tests: ["circles >"] },
      { file: WIRE, tests: ["are no circle"] },
      {
        file: "test/faults/05-attacks-on-the-wire.e2e.test.ts",
        tests: ["circles over a second router"],
      },
      { file: "test/unit/edge/origin-headers.test.ts", tests: ["CDN-Loop >"] },
      { file: COMMANDS, tests: ["refuses origins outside ORIGIN_ALLOW and under our own hosts"] },
    ],
  },
  {
    number: 18,
    fault: "two operators and cron write the same and other things at once, interleaved by seed",
    holds: "serialisable; who loses is told the present revision; the audit is whole and in order",
    proofs: [
      { file: "test/integration/control/race.test.ts" },
      { file: "test/integration/control/race-later.test.ts" },
      { file: COMMANDS, tests: ["conditions of a write"] },
      { file: "test/unit/control/rollout-behind.test.ts", tests: ["the audit"] },
    ],
  },
  {
    number: 19,
    fault: "cron twice, late, or never; the alarm lost for good, with cron or without",
    holds:
      "each step once in effect; a late tick looks at window and health first; either source carries on alone; with neither nothing moves, and status says so",
    proofs: [
      { file: "test/unit/control/upkeep.test.ts", tests: ["tick >"] },
      { file: "test/unit/control/rollout-behind.test.ts" },
      { file: ROLLOUT_FAULTS, tests: ["an alarm that has used up its retries >", "an alarm without cron >"] },
      { file: "test/property/rollout.prop.test.ts" },
      { file: "test/unit/rollout/engine.test.ts", tests: ["share and pace >"] },
    ],
  },
  {
    number: 20,
    fault: "clocks five minutes apart; a clock that goes back by an hour",
    holds: "tokens within a minute of leeway and no more; no step twice; maps are read on",
    proofs: [
      {
        file: "test/unit/edge/override.test.ts",
        tests: ["counts within a minute of clock skew", "is ignored"],
      },
      { file: "test/unit/control/overrides.test.ts" },
      { file: READER, tests: ["a clock that is put back by an hour"] },
      {
        file: "test/unit/control/publish-traps.test.ts",
        tests: [
          "does not wait longer when the clock is put back",
          "publishes on when the clock was put back",
        ],
      },
      { file: "test/unit/control/upkeep.test.ts", tests: ["does nothing when it is older than the clock"] },
    ],
  },
  {
    number: 21,
    fault: "nodes restart again and again under load, while a rollout moves accounts",
    holds: "no error, no generation that falls, no account that goes back",
    proofs: [
      { file: NODES, tests: ["move no account back when they lose their memory"] },
      { file: HAPROXY, tests: ["KV fails, and a node restarts"] },
    ],
  },
  {
    number: 22,
    fault: "size: a million accounts, 20 versions, 50,000 custom domains (fewer in the short form)",
    holds: "publishes within KV's limits, few reads when cold, look-ups and memory bounded",
    proofs: [
      { file: "test/e2e/import-scale.e2e.test.ts" },
      { file: "test/unit/maps/scale.test.ts" },
      { file: "test/unit/control/publish.test.ts", tests: ["keeps two roots at least 1.1 s apart"] },
      { file: "test/unit/maps/maps-reader.test.ts", tests: ["a cold isolate >"] },
      { file: "test/unit/maps/stores.test.ts" },
    ],
  },
  {
    number: 23,
    fault: "a flood of random hosts, under a base domain and foreign",
    holds: "KV reads bounded by shards and periods; known accounts unharmed; logs thinned out",
    open: "10,000 a second over sockets: there what is short is the processor, and only the platform or more nodes help against that",
    proofs: [
      { file: "test/faults/23-names-that-nobody-has.e2e.test.ts" },
      { file: "test/unit/maps/maps-reader.test.ts", tests: ["cost no more reads than there are shards"] },
      { file: SECURITY, tests: ["floods >"] },
      { file: NODES, tests: ["read no more for hosts that nobody has"] },
    ],
  },
  {
    number: 24,
    fault: "slow clients by the hundred, oversized headers and targets, a huge upload",
    holds: "others unaffected; 431, 414 or closed; bodies streamed, memory flat",
    proofs: [
      { file: SECURITY, tests: ["of headers and targets are refused before anything is looked up"] },
      { file: "test/e2e/raw-table.e2e.test.ts" },
      { file: "test/e2e/uploads.e2e.test.ts", tests: ["an upload >"] },
      { file: NODES, tests: ["serve others beside hundreds of slow clients"] },
    ],
  },
  {
    number: 25,
    fault:
      "a WebSocket, events and long polls open while their account moves; an upgrade refused; bytes before its answer",
    holds: "what is open stays where it is and is counted; what is new goes to the new version",
    proofs: [
      { file: "test/integration/open-connections.test.ts" },
      { file: "test/e2e/handover.e2e.test.ts" },
      { file: "test/faults/25-early-bytes.e2e.test.ts" },
      {
        file: STREAMING,
        tests: [
          "a WebSocket opens",
          "an upgrade that the version refuses",
          "server-sent events",
          "keeps its events",
        ],
      },
      { file: "test/unit/control/draining.test.ts" },
    ],
  },
  {
    number: 26,
    fault:
      "daylight saving both ways in 14 zones, a half-hour shift, a date left out, leap day, the ISO week of New Year",
    holds:
      "a window opens once, at the instant that the zone files give; what does not exist has its written choice",
    proofs: [
      { file: "test/unit/calendar/zone-database.test.ts" },
      { file: "test/unit/calendar/openings.test.ts" },
      { file: "test/property/calendar.prop.test.ts" },
    ],
  },
  {
    number: 27,
    fault: "a second rollout over the same accounts; pause, resume and rollback at once",
    holds: "refused with the reason; no account in two plans; going back wins",
    proofs: [
      { file: "test/property/rollout-race.prop.test.ts" },
      { file: "test/unit/control/rollout.test.ts", tests: ["refuses a second rollout of a product"] },
      { file: "test/unit/rollout/engine.test.ts", tests: ["wins over a pause and a resume"] },
      { file: "test/unit/control/rollout-back.test.ts", tests: ["two products that go only together"] },
    ],
  },
  {
    number: 28,
    fault: "going back after the default moved, to a version marked bad or gone, and while KV is down",
    holds:
      "asked for or refused; the state before comes back as a new generation; what is not out yet is said so",
    proofs: [
      { file: "test/unit/rollout/engine.test.ts", tests: ["going back >"] },
      { file: ROLLOUT_FAULTS, tests: ["going back while KV is down >", "going back to where"] },
      { file: "test/unit/rollout/bad.test.ts" },
      { file: COMMANDS, tests: ["version.state.set"] },
      { file: "test/unit/control/publish.test.ts", tests: ["says since when and why KV fails"] },
      { file: "test/unit/control/rollout-back.test.ts", tests: ["a rollback's preview"] },
    ],
  },
  {
    number: 29,
    fault: "one noisy account, three requests, everything failing, no measurements, a failure hours later",
    holds:
      "a minimum sample; halt and page where all is bad; silence is not health; the bake catches what is late",
    proofs: [{ file: GATES }, { file: VERDICT }, { file: "test/unit/replay/incident.test.ts" }],
  },
  {
    number: 30,
    fault:
      "the admin surface: wrong tokens, wrong tokens of Cloudflare Access, forged forms, naughty strings, overrides replayed elsewhere or too late",
    holds:
      "all refused alike and in the audit; keys of Access fetched at most once a minute; tokens in no log, URL or origin; attempts are limited",
    proofs: [
      { file: "test/unit/admin/authenticate.test.ts" },
      { file: "test/unit/admin/token-timing.test.ts" },
      { file: "test/faults/30-wrong-tokens.e2e.test.ts" },
      { file: "test/unit/access/tokens.test.ts" },
      { file: "test/unit/access/keys.test.ts" },
      { file: "test/unit/access/dashboard.test.ts" },
      { file: "test/unit/admin/hostile-control.test.ts" },
      { file: "test/unit/admin/refusal-notes.test.ts" },
      { file: "test/unit/control/refused.test.ts" },
      { file: "test/unit/dashboard/fences.test.ts" },
      { file: "test/unit/dashboard/naughty.test.ts" },
      { file: "test/unit/alarms/look.test.ts", tests: ["pass on what edges refused of testers' overrides"] },
      {
        file: "test/unit/admin/requests.test.ts",
        tests: ["where a request comes from", "conditions", "addresses"],
      },
      {
        file: "test/unit/admin/openapi.test.ts",
        tests: ["never breaks on hostile paths", "refuses a request"],
      },
      { file: SECURITY, tests: ["override tokens >"] },
      { file: "test/unit/edge/override.test.ts" },
    ],
  },
];
