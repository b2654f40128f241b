/**
 * A control plane that records what it was asked and answers as it was told. It decides nothing: what the real one allows
 * is tested with the real one. Commands and questions have plausible answers until a test gives others.
 */
import type { Webhook } from "../../src/contracts/api/webhooks.ts";
import type { Account } from "../../src/contracts/api/accounts.ts";
import type { StoredFreeze, StoredWindow } from "../../src/contracts/api/calendar.ts";
import type { PreflightView } from "../../src/contracts/api/preflight-runs.ts";
import type { KeptSettings, PreflightDone } from "../../src/contracts/preflight-port.ts";
import type { Probe } from "../../src/contracts/preflight.ts";
import type { Halt, TokenView } from "../../src/contracts/api/operations.ts";
import type { Status } from "../../src/contracts/api/status.ts";
import type { ReplacementView } from "../../src/contracts/api/replacements.ts";
import type { RolloutInput, RolloutView } from "../../src/contracts/api/rollouts.ts";
import type { RolloutPlanView } from "../../src/contracts/rollout-port.ts";
import type { Product, Version } from "../../src/contracts/api/products.ts";
import type { AccessGrant } from "../../src/contracts/api/access.ts";
import type {
  Actor,
  Authenticated,
  CommandInputs,
  CommandName,
  CommandOutputs,
  ControlPort,
  ExportPage,
  QueryInputs,
  QueryName,
  QueryOutputs,
  WriteContext,
} from "../../src/contracts/control.ts";
import type { BatchDone, ImportBegin, ImportEnded, NumberedLine } from "../../src/contracts/import-port.ts";
import type { AccountMove } from "../../src/contracts/history-port.ts";
import type { Root } from "../../src/contracts/maps.ts";
import type { Refusal } from "../../src/contracts/problems.ts";
import type { RefusedAttempts } from "../../src/contracts/refused.ts";
import { err, ok, type Result } from "../../src/contracts/result.ts";

export const AT = "2026-11-28T22:05:00.000Z";

export const PRODUCT: Product = {
  name: "kiln",
  domains: ["kiln.example.com"],
  timeouts: [],
  stable: "2.8.0",
  default: "2.8.0",
  standby: null,
  hold: null,
  fourEyes: false,
  pendingDefault: null,
  fleet: null,
  accounts: 3,
  revision: 7,
};

export const VERSION: Version = {
  product: "kiln",
  name: "2.9.0",
  origin: "https://kiln-2-9-0.origins.example.net",
  state: "live",
  reversible: true,
  mixed: "ok",
  migration: { kind: "none" },
  events: null,
  connections: null,
  switchOff: null,
  upgradesFrom: null,
  assets: [],
  requires: {},
  notes: "",
  bad: null,
  accounts: 3,
  registeredAt: AT,
  revision: 2,
};

export const ACCOUNT: Account = {
  account: "acme",
  timeZone: "Europe/Paris",
  cohort: "early",
  labels: {},
  cell: null,
  domains: [],
  homes: { kiln: "2.8.0" },
  pins: {},
  quarantine: {},
  hold: null,
  deferral: null,
  deleted: null,
  createdAt: AT,
  updatedAt: AT,
  visibleBy: null,
  revision: 4,
};

export const HALT: Halt = { on: false, reason: null, by: null, at: null };

export const GRANT: AccessGrant = {
  identity: "alice@example.com",
  role: "operator",
  products: ["kiln"],
  expires: null,
  grantedAt: AT,
  grantedBy: "boot",
  revision: 1,
};

export const TOKEN: TokenView = {
  name: "deploy-pipeline",
  role: "deployer",
  products: null,
  expires: null,
  createdAt: AT,
  createdBy: "test",
  revokedAt: null,
};

const WEBHOOK: Webhook = {
  name: "deploy-pipeline",
  url: "https://hooks.example.net/firebreak",
  events: ["alarm.*"],
  notes: "",
  madeBy: "jo",
  madeAt: AT,
  rotatedAt: null,
  delivered: 3,
  deliveredAt: AT,
  waiting: 0,
  dead: 0,
  failingSince: null,
  retryAt: null,
  problem: null,
  revision: 1,
};

export const STATUS: Status = {
  now: AT,
  halt: HALT,
  breakGlass: { active: false, reason: null, expires: null, by: null, written: null, does: [] },
  published: { generation: 42, at: AT, state: "idle", waiting: 0, oldestSeconds: null, problem: null },
  seen: {
    generations: [{ generation: 42, share: 1, isolates: 2 }],
    highest: 42,
    breakGlassShare: 0,
    breakGlassIsolates: 0,
  },
  router: null,
  environment: null,
  lastTick: AT,
  accounts: 3,
  domains: 1,
  products: [
    {
      name: "kiln",
      stable: "2.8.0",
      default: "2.8.0",
      standby: null,
      mode: "active",
      versions: { "2.8.0": 3 },
    },
  ],
  rollouts: [],
  replacements: [],
  counting: null,
  alarms: [],
  waiting: [],
  warnings: [],
};

export const WINDOW: StoredWindow = {
  name: "weekend-nights",
  windows: [{ days: ["fri", "sat"], from: "22:00", to: "04:00", zone: "account" }],
  next: [
    {
      zone: "Europe/Paris",
      date: "2026-11-28",
      start: { local: "2026-11-28T22:00:00+01:00", utc: "2026-11-28T21:00:00Z" },
      end: { local: "2026-11-29T04:00:00+01:00", utc: "2026-11-29T03:00:00Z" },
    },
  ],
  by: "test",
  at: AT,
  revision: 1,
};

export const FREEZE: StoredFreeze = {
  name: "year-end",
  from: "2026-12-20",
  to: "2027-01-03",
  zone: "UTC",
  scope: {},
  reason: "Year-end close",
  span: {
    zone: "UTC",
    start: { local: "2026-12-20T00:00:00+00:00", utc: "2026-12-20T00:00:00Z" },
    end: { local: "2027-01-04T00:00:00+00:00", utc: "2027-01-04T00:00:00Z" },
    state: "ahead",
  },
  by: "test",
  at: AT,
  revision: 1,
};

export const SETTINGS: KeptSettings = {
  product: "kiln",
  settings: {
    presets: ["haproxy"],
    syntheticAccount: null,
    syntheticByCell: {},
    cells: [],
    own: [
      {
        id: "own-login",
        title: "Login",
        class: "known",
        why: "first page",
        request: {
          kind: "request",
          method: "GET",
          target: "/login",
          httpVersion: "1.1",
          host: "a.{domain}",
          headers: [],
          body: null,
        },
        expect: {
          status: [
            [200, 200],
            [300, 399],
          ],
          header: null,
          bodyContains: null,
        },
      },
    ],
  },
  by: "test",
  at: AT,
  revision: 1,
};

const NOT_KNOWN = {
  verdict: "inconclusive" as const,
  failed: [],
  waived: [],
  unreachable: [],
  missing: ["options-hostless"],
  sentence: "Of 1 probe 1 not run: options-hostless",
};

export const PREFLIGHT: PreflightView = {
  product: "kiln",
  version: "2.9.0",
  origin: VERSION.origin,
  at: null,
  runs: [],
  wave: NOT_KNOWN,
  default: NOT_KNOWN,
  uncovered: ["known", "unknown", "none", "ip"],
  waivers: [],
  probes: [],
  results: [],
};

const PROBE: Probe = {
  id: "options-hostless",
  title: "OPTIONS / HTTP/1.0 without Host",
  class: "none",
  cell: null,
  target: { kind: "socket", host: "kiln-2-9-0.origins.example.net", port: 443, tls: true },
  bytes: new TextEncoder().encode("OPTIONS / HTTP/1.0\r\n\r\n"),
  expect: { status: [[200, 399]], header: null, bodyContains: null },
  why: "HAProxy sends this",
  demandedBy: ["haproxy"],
};

/** A draft of one wave. */
export const ROLLOUT: RolloutView = {
  id: "2026-11-autumn",
  targets: { kiln: "2.9.0" },
  phase: "draft",
  cause: "new",
  reason: "Written down; nobody moves before it is started",
  nextAt: null,
  deadline: null,
  wave: 0,
  waves: [
    {
      name: "staff",
      accounts: 0,
      moved: 0,
      progress: 0,
      verdict: null,
      requests: null,
      threshold: 0,
      approved: null,
      firstMoveAt: null,
      shiftedAt: null,
      bakedAt: null,
    },
  ],
  defaults: [],
  coverage: [],
  paused: null,
  rollback: null,
  accounts: 0,
  moved: 0,
  digest: null,
  salt: "salt",
  startedAt: null,
  clock: AT,
  leftBehind: [],
  revision: 1,
};

export const ROLLOUT_INPUT: RolloutInput = {
  id: "2026-11-autumn",
  targets: { kiln: "2.9.0" },
  waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
};

export const ROLLOUT_PLAN: RolloutPlanView = {
  id: ROLLOUT.id,
  targets: ROLLOUT.targets,
  digest: "0".repeat(64),
  salt: "salt",
  at: AT,
  problems: [],
  warnings: [],
  accounts: 0,
  moves: 0,
  groups: 0,
  waves: [],
  criticalPath: [],
  endAt: AT,
  leftBehind: [],
  irreversible: [],
  notReached: null,
};

/** A hotfix half way up its ramp. */
export const REPLACEMENT: ReplacementView = {
  product: "kiln",
  from: "2.8.0",
  to: "2.8.1",
  number: 1,
  phase: "shifting",
  reason: "kiln 2.8.0 → 2.8.1: 50 %",
  nextAt: AT,
  percent: 50,
  steps: [100],
  step: 0,
  percentPerMinute: 5,
  bakeMinutes: 30,
  throughFreezes: false,
  accounts: 3,
  warnings: [],
  why: "Attachments over 10 MB",
  by: "test",
  startedAt: AT,
  endedAt: null,
  clock: AT,
  salt: "salt",
  revision: 1,
};

const RAN: PreflightDone = { run: 1, at: Date.parse(AT), wave: "inconclusive", default: "inconclusive" };

const COMMANDS: CommandOutputs = {
  "product.put": PRODUCT,
  "product.stable.set": PRODUCT,
  "product.default.set": PRODUCT,
  "product.default.approve": PRODUCT,
  "product.default.withdraw": PRODUCT,
  "product.default.revert": PRODUCT,
  "product.four-eyes.set": PRODUCT,
  "product.mode.set": PRODUCT,
  "product.hold.set": PRODUCT,
  "product.hold.lift": PRODUCT,
  "version.put": VERSION,
  "version.state.set": VERSION,
  "version.bad.mark": VERSION,
  "version.bad.clear": VERSION,
  "account.put": ACCOUNT,
  "account.delete": ACCOUNT,
  "account.undelete": ACCOUNT,
  "account.pin.set": ACCOUNT,
  "account.pin.lift": ACCOUNT,
  "account.quarantine.set": ACCOUNT,
  "account.quarantine.lift": ACCOUNT,
  "account.hold.set": ACCOUNT,
  "account.hold.lift": ACCOUNT,
  "account.deferral.set": ACCOUNT,
  "account.deferral.lift": ACCOUNT,
  "halt.set": HALT,
  "override.issued": { allowed: true, issuedAt: Date.parse(AT) },
  "override.revoke-all": { before: Date.parse(AT) },
  "token.create": TOKEN,
  "session.create": { expires: "2026-11-24T00:00:00Z" },
  "session.end": { ended: true },
  "token.revoke": TOKEN,
  "window.put": WINDOW,
  "window.delete": WINDOW,
  "freeze.put": FREEZE,
  "freeze.delete": FREEZE,
  "preflight.settings.set": SETTINGS,
  "preflight.waive": { probe: "options-hostless", reason: "r", by: "test", at: Date.parse(AT) },
  "preflight.waiver.withdraw": { probe: "options-hostless", reason: "r", by: "test", at: Date.parse(AT) },
  "preflight.record": RAN,
  "rollout.create": ROLLOUT,
  "rollout.delete": ROLLOUT,
  "rollout.start": ROLLOUT,
  "rollout.pause": ROLLOUT,
  "rollout.resume": ROLLOUT,
  "rollout.approve": ROLLOUT,
  "rollout.waive-gate": ROLLOUT,
  "rollout.signal": ROLLOUT,
  "rollout.stop": ROLLOUT,
  "rollout.rollback": ROLLOUT,
  "rollout.adopt": ROLLOUT,
  "replacement.start": REPLACEMENT,
  "replacement.pause": REPLACEMENT,
  "replacement.resume": REPLACEMENT,
  "replacement.stop": REPLACEMENT,
  "replacement.rollback": REPLACEMENT,
  "events.retry": { retried: 1 },
  "access.grant": GRANT,
  "access.revoke": GRANT,
  "webhook.put": WEBHOOK,
  "webhook.delete": WEBHOOK,
  "webhook.rotate": WEBHOOK,
  "webhook.retry": { retried: 1 },
};

const MOVE: AccountMove = {
  at: AT,
  generation: 42,
  product: "kiln",
  from: "2.8.0",
  to: "2.9.0",
  why: "rollout",
  rollout: "autumn",
  by: "boot",
  reason: null,
};
const EMPTY_ROOT: Root = {
  schema: 1,
  generation: 42,
  publishedAt: 0,
  accounts: 0,
  domains: 0,
  removed: { accounts: 0, domains: 0 },
  halt: false,
  overrideEpoch: 0,
  products: {},
  rollouts: [],
  urgent: [],
  index: { hash: "", shards: 1, inline: null },
};

const QUERIES: QueryOutputs = {
  products: [PRODUCT],
  product: PRODUCT,
  versions: [VERSION],
  version: VERSION,
  accounts: { items: [ACCOUNT], cursor: null },
  account: ACCOUNT,
  halt: HALT,
  audit: { items: [], cursor: null },
  tokens: [TOKEN],
  "access.grants": [GRANT],
  status: STATUS,
  alarms: [],
  windows: [WINDOW],
  window: WINDOW,
  freezes: [FREEZE],
  freeze: FREEZE,
  "preflight.settings": SETTINGS,
  preflight: PREFLIGHT,
  "preflight.probes": { origin: VERSION.origin, via: null, probes: [PROBE] },
  replacements: [REPLACEMENT],
  replacement: REPLACEMENT,
  "replacement.plan": {
    product: "kiln",
    from: "2.8.0",
    to: "2.8.1",
    problems: [],
    warnings: [],
    accounts: 3,
    pins: 0,
    quarantines: 0,
  },
  rollouts: [ROLLOUT],
  rollout: ROLLOUT,
  "rollout.input": ROLLOUT_INPUT,
  "rollout.plan": ROLLOUT_PLAN,
  "rollout.impact": { startedMs: null, targets: [], back: [] },
  "rollout.grid": {
    id: "autumn",
    waves: ["all"],
    rows: [],
    hours: [],
    endAt: null,
    wayBack: { accounts: 0, oneWay: [] },
    notReached: null,
  },
  "rollout.gates": { waves: [], signals: [], putBack: [] },
  "rollout.left-behind": { items: [], cursor: null },
  "history.moment": { now: Date.parse(AT), tense: "ahead", earliest: null, served: [], breakGlass: [] },
  "history.maps": { root: EMPTY_ROOT, row: null },
  "history.ahead": { now: Date.parse(AT), rollout: null, move: null, stays: null, unless: [] },
  "account.history": { account: "acme", since: AT, items: [MOVE], cursor: null },
  events: [
    {
      product: "kiln",
      version: "2.9.0",
      url: "https://kiln-2-9-0.origins.example.net/events",
      delivered: 3,
      deliveredAt: AT,
      waiting: 0,
      dead: 1,
      failingSince: null,
      retryAt: null,
      problem: null,
    },
  ],
  webhooks: [WEBHOOK],
  "webhook.secret": { secret: "whsec_c2VjcmV0" },
  "webhook.dead": {
    items: [
      {
        id: "7.0123456789ab",
        action: "alarm.raised",
        target: "alarm/no-tick",
        at: AT,
        attempts: 9,
        problem: "answered 503",
      },
    ],
    cursor: null,
  },
  "events.dead": {
    items: [
      {
        product: "kiln",
        version: "2.9.0",
        id: "42.kiln.1",
        from: "2.8.0",
        to: "2.9.0",
        generation: 42,
        accounts: 12,
        madeAt: AT,
        attempts: 9,
        problem: "answered 503",
      },
    ],
    cursor: null,
  },
  assignments: {
    since: 40,
    generation: 42,
    items: [{ account: "acme", product: "kiln", from: "2.8.0", to: "2.9.0", generation: 42 }],
    cursor: null,
  },
  "rollout.rollback.preview": {
    id: ROLLOUT.id,
    accounts: 0,
    stay: 0,
    waves: [],
    defaults: [],
    confirm: [],
    refused: null,
    marksBad: [],
  },
};

/** What a test may change about the fake while it runs. */
export interface FakeState {
  /** Everything throws, as RPC to an object that is down does. */
  down: boolean;
  /** The next commands and questions are refused with this. */
  refusal: Refusal | null;
  /** By SHA-256 in hex. */
  readonly actors: Map<string, Authenticated>;
  /** By identity of Cloudflare Access. */
  readonly granted: Map<string, Actor>;
  batch: (id: string, lines: readonly NumberedLine[]) => Promise<Result<BatchDone, Refusal>>;
  ended: ImportEnded;
  pages: readonly ExportPage[];
  products: readonly Product[];
}

export interface FakeCall {
  readonly name: string;
  readonly input: unknown;
  readonly context: WriteContext | null;
}

export interface FakeControl {
  readonly port: ControlPort;
  readonly calls: FakeCall[];
  /** Refused attempts that were handed over; they are no calls of anybody. */
  readonly refused: RefusedAttempts[];
  readonly state: FakeState;
}

/** The outcome of a batch in which everything was added. */
export function added(count: number): BatchDone {
  return { counts: { added: count, changed: 0, unchanged: 0 }, rejected: [], diff: [] };
}

const ENDED: ImportEnded = {
  summary: {
    id: "i",
    mode: "import",
    dryRun: false,
    lines: 0,
    rejected: 0,
    added: 0,
    changed: 0,
    unchanged: 0,
    removed: 0,
    digest: "00",
    visibleBy: null,
  },
  removed: [],
};

/** Builds a fake in which nobody has a token and every command succeeds. */
export function createFakeControl(): FakeControl {
  const calls: FakeCall[] = [];
  const refused: RefusedAttempts[] = [];
  const state: FakeState = {
    down: false,
    refusal: null,
    actors: new Map(),
    granted: new Map(),
    batch: async (_id, lines) => ok(added(lines.length)),
    ended: ENDED,
    pages: [{ lines: ['{"table":"products"}', '{"table":"accounts"}'], cursor: null }],
    products: [PRODUCT],
  };

  async function answer<T>(call: FakeCall, value: () => T | Promise<T>): Promise<T> {
    calls.push(call);
    if (state.down) throw new Error("the object is gone: secret internal words");
    return value();
  }
  const refusedOr = <T>(value: T): Result<T, Refusal> =>
    state.refusal === null ? ok(value) : err(state.refusal);
  const plain = (name: string, input: unknown): FakeCall => ({ name, input, context: null });

  const port: ControlPort = {
    execute: <K extends CommandName>(name: K, input: CommandInputs[K], context: WriteContext) =>
      answer({ name, input, context }, () => refusedOr(COMMANDS[name])),
    query: <K extends QueryName>(name: K, input: QueryInputs[K]) =>
      answer(plain(name, input), () => refusedOr({ ...QUERIES, products: state.products }[name])),
    authenticate: (sha256) => answer(plain("authenticate", sha256), () => state.actors.get(sha256) ?? null),
    findGranted: (identity) =>
      answer(plain("findGranted", identity), () => state.granted.get(identity) ?? null),
    runPreflight: (asked, context) =>
      answer({ name: "runPreflight", input: asked, context }, () => refusedOr(RAN)),
    importBegin: (begin: ImportBegin, actor) =>
      answer(plain("importBegin", { begin, actor }), () => refusedOr(null)),
    importBatch: (id, lines) => answer(plain("importBatch", lines), () => state.batch(id, lines)),
    importEnd: (id, rejected) => answer(plain("importEnd", { id, rejected }), () => refusedOr(state.ended)),
    exportPage: (cursor) =>
      answer(
        plain("exportPage", cursor),
        () => state.pages[Number(cursor ?? 0)] ?? { lines: [], cursor: null },
      ),
    restoreBegin: (actor, reason) => answer(plain("restoreBegin", { actor, reason }), () => refusedOr(null)),
    restoreLines: (lines) => answer(plain("restoreLines", lines), () => refusedOr(null)),
    restoreEnd: (highestSeen) =>
      answer(plain("restoreEnd", highestSeen), () => refusedOr({ generation: highestSeen + 1 })),
    noteRefused: async (attempts) => void refused.push(...attempts),
    tick: (scheduledTime) =>
      answer(plain("tick", scheduledTime), () => ({
        now: scheduledTime,
        advanced: true,
        happened: [],
        generation: 42,
      })),
  };
  return { port, calls, refused, state };
}
