/**
 * Experiments 1 to 15: load balancers, Hosts, smuggling, the publisher killed, KV that fails, origins that misbehave. See
 * `experiments.ts` for what the entries are.
 */
import type { Experiment } from "./experiment.ts";

const HAPROXY = "test/e2e/haproxy.e2e.test.ts";
const READER = "test/unit/maps/maps-reader-faults.test.ts";
const NTH_READ = "test/unit/maps/nth-read.test.ts";
const WIRE = "test/e2e/edge-wire.e2e.test.ts";
const STREAMING = "test/e2e/streaming.e2e.test.ts";
const NODES = "test/faults/21-nodes-under-load.e2e.test.ts";
const ATTACKS = "test/faults/05-attacks-on-the-wire.e2e.test.ts";
const ORIGINS = "test/faults/14-misbehaving-origins.e2e.test.ts";
const SECURITY = "test/integration/security.test.ts";

export const FIRST_HALF: readonly Experiment[] = [
  {
    number: 1,
    fault: "a real HAProxy with a bare `option httpchk` in front of two nodes",
    holds: "no node is ever taken out; checks ask no KV, no object and no origin",
    proofs: [
      { file: NODES, tests: ["ask nothing and nobody for the checks"] },
      { file: HAPROXY, tests: ["behind HAProxy with a bare option httpchk"] },
      { file: "test/unit/edge/classes.test.ts", tests: ["health >"] },
      { file: "test/integration/edge.test.ts", tests: ["answers health from a fresh isolate"] },
    ],
  },
  {
    number: 2,
    fault: "an empty Host, `OPTIONS *`, HTTP/1.1 without Host, a path that looks like the admin host",
    holds: "2xx or a clean 400, never a tenant's page or the admin's",
    proofs: [
      { file: "test/e2e/front-socket.e2e.test.ts" },
      { file: WIRE, tests: ["health on the wire"] },
      { file: "test/unit/classify-request.test.ts" },
    ],
  },
  {
    number: 3,
    fault:
      "the default's origin refuses, hangs, answers 500; the default is forced to a version that fails OPTIONS",
    holds:
      "all nodes stay up, known accounts of other versions are served, unknown ones get that origin's error",
    proofs: [
      { file: HAPROXY, tests: ["origin refuses", "origin hangs", "origin answers 500"] },
      { file: "test/e2e/drill.e2e.test.ts" },
    ],
  },
  {
    number: 4,
    fault: "every spelling of Host: the table of RFC 3986, RFC 9112 and WHATWG oddities, and generated ones",
    holds: "accepted is exactly the written grammar; nothing throws, no 5xx",
    proofs: [
      { file: "test/property/classify-request.prop.test.ts" },
      { file: "test/unit/parse-host.test.ts" },
      { file: "test/unit/parse-target.test.ts" },
    ],
  },
  {
    number: 5,
    fault:
      "two Hosts, another absolute target, `@`, `#`, `\\`, `%2e`, full-width, NUL, long labels and names, raw",
    holds: "refused by the load balancer, the router or workerd; the origins receive nothing",
    proofs: [{ file: "test/e2e/raw-table.e2e.test.ts" }, { file: ATTACKS, tests: ["bad hosts"] }],
  },
  {
    number: 6,
    fault:
      "spoofed X-Forwarded-*, Forwarded, Firebreak*, X-Account, Cf-Access-*, `_` spellings, and `Connection` naming ours",
    holds: "routing unchanged; the origin sees our values alone, all of them",
    proofs: [
      { file: WIRE, tests: ["is none of the spoofed headers and all of ours"] },
      { file: ATTACKS, tests: ["headers that claim to be ours"] },
      { file: STREAMING, tests: ["headers that only the router may set are the router's"] },
      { file: SECURITY, tests: ["identity >"] },
      { file: "test/unit/edge/origin-headers.test.ts" },
      { file: "test/unit/edge/traps.test.ts", tests: ["headers for the origin"] },
    ],
  },
  {
    number: 7,
    fault: "request smuggling: framings that parsers disagree about, victims behind, beside and after each",
    holds: "the victim's answer is its own; no origin sees a request that nobody sent",
    proofs: [
      { file: ATTACKS, tests: ["requests whose end is in doubt"] },
      {
        file: "test/e2e/raw-table.e2e.test.ts",
        tests: ["serves a pipelined victim its own answer", "ends the connection behind a refused"],
      },
    ],
  },
  {
    number: 8,
    fault: "the control plane killed at every operation of a publish, lost or landed",
    holds: "maps in KV are of one generation, never mixed; a restart completes; nothing named is missing",
    proofs: [
      { file: "test/integration/control/kill.test.ts" },
      { file: "test/unit/control/data-moves.test.ts", tests: ["goes on after the control plane died"] },
      { file: "test/unit/control/events.test.ts", tests: ["are the same when the control plane dies"] },
    ],
  },
  {
    number: 9,
    fault: "KV answers what was true up to two minutes ago, out of order",
    holds: "an isolate's generation never falls, and it is at the newest a period after KV is",
    proofs: [
      { file: READER, tests: ["KV that lags and reorders", "does not go back from a newer copy"] },
      { file: NTH_READ, tests: ["is old", "is missing"] },
      { file: "test/property/settling.prop.test.ts" },
    ],
  },
  {
    number: 10,
    fault:
      "KV answers garbage: truncated, another schema, blank fields, wrong checksum, 26 MB, over the limits",
    holds: "refused, counted, the last good maps kept; the publisher refuses the same document",
    proofs: [
      { file: READER, tests: ["a refused root", "what is nested deeper", "a shard under a new index"] },
      { file: NTH_READ, tests: ["a reader whose n-th read goes wrong"] },
      { file: "test/unit/maps/root-codec.test.ts", tests: ["decodeRoot"] },
      { file: "test/unit/maps/root-checks.test.ts" },
      { file: "test/property/maps.prop.test.ts" },
      { file: "test/integration/maps-reader.test.ts", tests: ["refuses 26 MB"] },
      { file: "test/unit/control/publish-traps.test.ts" },
    ],
  },
  {
    number: 11,
    fault: "KV throws for ten minutes, then hangs for ten; isolates are started meanwhile",
    holds:
      "warm ones answer at once; cold ones from copies within half a second or FALLBACK within one; one read a period; recovery is spread out",
    proofs: [
      { file: READER, tests: ["ten minutes without KV", "a cold isolate beside a slow KV"] },
      {
        file: NTH_READ,
        tests: ["throws", "never answers", "every read throws", "no read answers"],
      },
      { file: HAPROXY, tests: ["KV fails, and a node restarts"] },
      { file: STREAMING, tests: ["leaves a node that serves again by itself when KV answers"] },
    ],
  },
  {
    number: 12,
    fault: "KV takes five seconds for half of the reads",
    holds: "no warm request waits; one refresh under way at most",
    proofs: [
      { file: READER, tests: ["KV that takes five seconds"] },
      { file: NTH_READ, tests: ["is late", "every second read takes five seconds"] },
      { file: "test/unit/maps/single-flight.test.ts" },
    ],
  },
  {
    number: 13,
    fault: "no control plane and no cron for a day",
    holds: "routing is the same; status says since when; rollouts wait and do not make up for it",
    proofs: [
      { file: HAPROXY, tests: ["object fails"] },
      { file: "test/unit/rollout/engine.test.ts", tests: ["does not make up for a night without ticks"] },
      {
        file: "test/unit/control/rollout-faults.test.ts",
        tests: ["a day without control plane and cron >", "with cron gone as well moves nobody"],
      },
      { file: "test/unit/control/upkeep.test.ts", tests: ["tick >"] },
      { file: "test/unit/admin/status.test.ts" },
    ],
  },
  {
    number: 14,
    fault: "one version's origin refuses, hangs at connect, after headers or in the body, resets, drips",
    holds:
      "only its accounts suffer; 504 within its time; a truncated body looks truncated; a breaker opens, tries now and then, and closes",
    proofs: [
      { file: ORIGINS },
      { file: "test/faults/14-circuit-breaker.e2e.test.ts" },
      { file: "test/unit/edge/circuit-breaker.test.ts" },
      {
        file: WIRE,
        tests: ["origins that fail", "is a truncated body that looks truncated", "is a body that goes on"],
      },
      { file: "test/unit/edge/forward.test.ts" },
    ],
  },
  {
    number: 15,
    fault: "an origin sends no HTTP, too many headers, two lengths, obs-fold, a flood of 1xx, fifty cookies",
    holds: "502 or faithful pass-through, never a header injected; cookies keep order and count",
    proofs: [
      { file: ORIGINS, tests: ["gives its own account alone what becomes of one that is"] },
      { file: WIRE, tests: ["is every Set-Cookie in its order", "are 502 when"] },
      { file: STREAMING, tests: ["fifty cookies keep their order and count"] },
    ],
  },
];
