/**
 * One isolate of the edge: the real edge over the real maps reader, on KV as its location answers it. Origins are a
 * value: which version a request reached, for which account, is what the edge said to it. Every answer is told together
 * with the maps it was given from.
 */
import { createMapsReader } from "../../src/adapters/maps-reader.ts";
import type { MapsReader, MapsSnapshot, RowLookup } from "../../src/adapters/maps-reader/types.ts";
import { createOverrideVerifier } from "../../src/adapters/override-token.ts";
import type { Config } from "../../src/contracts/env.ts";
import { BREAK_GLASS_KEY, type BreakGlass } from "../../src/contracts/maps.ts";
import type { WaitUntil } from "../../src/edge/edge-request.ts";
import { createEdge, type HandleRequest } from "../../src/edge/handle.ts";
import type { FakeCache } from "../support/fake-kv.ts";
import { buildConfig } from "../support/edge-builders.ts";
import type { TestClock } from "../support/test-clock.ts";
import type { Random } from "../support/random.ts";
import type { Seams } from "./seams.ts";
import type { Location } from "./spreading-kv.ts";

/** What a request was answered, and from what. */
export interface Answer {
  readonly isolate: string;
  readonly product: string;
  /** As the host named it. */
  readonly slug: string;
  readonly status: number;
  /** The version that was reached; null: none was. */
  readonly version: string | null;
  /** Whom the edge took it for; null: for nobody known. */
  readonly account: string | null;
  readonly generation: number;
  readonly breakGlass: BreakGlass | null;
  /** When the version was reached, else when it was answered. */
  readonly atMs: number;
  /** The row came from a shard that the root does not name. */
  readonly isStale: boolean;
  /** KV could not be read in its location. */
  readonly isCutOff: boolean;
}

export interface IsolateParts {
  readonly name: string;
  readonly location: Location;
  readonly cache: FakeCache;
  readonly clock: TestClock;
  readonly random: Random;
  readonly seams: Seams;
  readonly onAnswer: (answer: Answer) => void;
  /** A request was given these maps to answer from. */
  readonly onMaps: (isolate: string, maps: MapsSnapshot) => void;
  /** It read another break-glass document than the time before: KV may answer with an older one for a while. */
  readonly onGlass: (isolate: string) => void;
  readonly onFault: (what: string) => void;
}

/** What is noted of a request while it runs, by the function that keeps it alive. */
interface Asked {
  snapshot: MapsSnapshot | null;
  isStale: boolean;
}

interface Reached {
  readonly version: string | null;
  readonly account: string | null;
  readonly atMs: number;
}

const CONFIG: Config = buildConfig({ overrideKeys: [] });
const OVERRIDES = createOverrideVerifier([]);
const NO_SIGNAL = new AbortController().signal;
const RAW = new Request("https://raw.invalid/");
const FORWARDED = new Response(null, { status: 204 });

export class Isolate {
  readonly name: string;
  readonly location: Location;
  /** What it last answered from, and when it last had something to do. */
  generation = 0;
  lastMs = 0;
  isAlive = true;
  private readonly parts: IsolateParts;
  private readonly handle: HandleRequest;
  private readonly asked = new WeakMap<WaitUntil, Asked>();
  private readonly reached = new Map<string, Reached>();
  private glassText = "";
  private requestId = "";
  private requests = 0;

  constructor(parts: IsolateParts) {
    this.parts = parts;
    this.name = parts.name;
    this.location = parts.location;
    const { clock } = parts;
    this.handle = createEdge({
      config: CONFIG,
      maps: this.watched(parts.seams.reader(() => this.createReader())),
      clock,
      logger: { line: (event, fields) => this.noteLine(event, fields) },
      telemetry: {
        count: () => undefined,
        countOutcome: () => undefined,
        fault: () => undefined,
        observe: () => undefined,
        flushIfDue: () => undefined,
      },
      overrides: OVERRIDES,
      countMirrored: () => undefined,
      originFetch: async (request) => this.reach(request),
      bindings: () => null,
      admin: async () => new Response("admin"),
      requestIds: () => this.requestId,
    });
  }

  private createReader(): MapsReader {
    const { location, cache, clock, random } = this.parts;
    return createMapsReader({
      kv: {
        getMany: async (keys) => this.noteGlass(await this.ifAlive(await location.getMany(keys))),
        get: async (key, ttlSeconds) => this.ifAlive(await location.get(key, ttlSeconds)),
      },
      cache,
      fallback: CONFIG.fallback,
      breakGlassVariable: "",
      clock: { nowMs: () => clock.nowMs(), sleep: (ms) => clock.sleep(ms), random },
      onFault: () => undefined,
    });
  }

  private noteGlass(values: Map<string, string | null>): Map<string, string | null> {
    const text = values.get(BREAK_GLASS_KEY) ?? this.glassText;
    if (text !== this.glassText) this.parts.onGlass(this.name);
    this.glassText = text;
    return values;
  }

  private ifAlive<T>(value: T): T | Promise<T> {
    return this.isAlive ? value : new Promise(() => undefined);
  }

  /** Notes which maps each request was given. */
  private watched(reader: MapsReader): MapsReader {
    const note = (waitUntil: WaitUntil, snapshot: MapsSnapshot): MapsSnapshot => {
      const asked = this.asked.get(waitUntil);
      if (asked !== undefined) Object.assign(asked, { snapshot, isStale: false });
      this.parts.onMaps(this.name, snapshot);
      return snapshot;
    };
    const noteRow = (waitUntil: WaitUntil, found: RowLookup): RowLookup => {
      const asked = this.asked.get(waitUntil);
      if (asked !== undefined) asked.isStale = found.kind === "row" && found.stale;
      return found;
    };
    return {
      ...reader,
      current: (request) => {
        const given = reader.current(request);
        return given instanceof Promise
          ? given.then((snapshot) => note(request.waitUntil, snapshot))
          : note(request.waitUntil, given);
      },
      renew: async (request) => note(request.waitUntil, await reader.renew(request)),
      row: (snapshot, key, request) => {
        const found = reader.row(snapshot, key, request);
        return found instanceof Promise
          ? found.then((row) => noteRow(request.waitUntil, row))
          : noteRow(request.waitUntil, found);
      },
    };
  }

  private noteLine(event: string, fields: Readonly<Record<string, unknown>>): void {
    if (fields["outcome"] === "internal-error") this.parts.onFault(`${event}: ${String(fields["error"])}`);
  }

  /** An origin: the version is in its host, the account in what the edge tells it. */
  private reach({ url, headers }: Request): Response {
    const told = headers.get("firebreak") ?? "";
    const member = (name: RegExp): string | null => name.exec(told)?.[1] ?? null;
    const id = member(/request="([^"]*)"/) ?? "";
    const atMs = this.parts.clock.nowMs();
    this.reached.set(id, { version: member(/version="([^"]*)"/), account: member(/account=([^,]*)/), atMs });
    const { host } = new URL(url);
    const version = member(/version="([^"]*)"/) ?? "";
    if (!host.includes(`-${version.replaceAll(".", "-")}.`))
      this.parts.onFault(`${version} was sought at ${host}`);
    return FORWARDED;
  }

  /** A request for an account; told when it is answered, unless the isolate has died by then. */
  ask(product: string, slug: string): void {
    this.requests += 1;
    const id = `${this.name}-${this.requests}`;
    this.requestId = id;
    const asked: Asked = { snapshot: null, isStale: false };
    const waitUntil: WaitUntil = (work) =>
      void work.catch((error: unknown) => this.parts.onFault(String(error)));
    this.asked.set(waitUntil, asked);
    this.lastMs = this.parts.clock.nowMs();
    const headers = new Headers();
    const host = `${slug}.${product}.example.com`;
    const request = {
      method: "GET",
      rawUrl: "/",
      host,
      headers,
      body: null,
      signal: NO_SIGNAL,
      raw: RAW,
      waitUntil,
    };
    void this.handle(request).then(({ status }) => {
      if (!this.isAlive) return;
      const reached = this.reached.get(id) ?? null;
      this.reached.delete(id);
      this.generation = asked.snapshot?.generation ?? 0;
      const from = { generation: this.generation, breakGlass: asked.snapshot?.breakGlass ?? null };
      const to = reached ?? { version: null, account: null, atMs: this.parts.clock.nowMs() };
      this.parts.onAnswer({
        isolate: this.name,
        product,
        slug,
        status,
        ...to,
        ...from,
        isStale: asked.isStale,
        isCutOff: this.location.illness !== null,
      });
    });
  }

  /** A load balancer's check. @returns its status, or null when it was not answered at once. */
  async health(): Promise<number | null> {
    this.requestId = "health";
    const { location } = this;
    const reads = location.reads;
    let status: number | null = null;
    const headers = new Headers();
    const waitUntil: WaitUntil = () => undefined;
    const request = {
      method: "OPTIONS",
      rawUrl: "/",
      host: null,
      headers,
      body: null,
      signal: NO_SIGNAL,
      raw: RAW,
      waitUntil,
    };
    const done = this.handle(request).then((response) => (status = response.status));
    await Promise.race([done, this.parts.clock.settle()]);
    return location.reads === reads ? status : null;
  }
}
