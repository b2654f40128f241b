/**
 * One refresh: reads root and break-glass in one operation, judges them, takes what is sound. On a cold start the copy
 * in the Cache API runs beside KV and is taken when KV fails or is slow. Decides what is adopted, never when to read.
 * A ticket that is no longer live ends the work: whatever a forgotten load still finds is older than what came since.
 * Never rejects; every refusal is counted and changes nothing.
 */
import { BREAK_GLASS_KEY, type Root } from "../../contracts/maps.ts";
import type { Generation } from "../../contracts/units.ts";
import { parseBreakGlass } from "../../core/maps/break-glass.ts";
import { checkSuccession } from "../../core/maps/succession.ts";
import type { Holding } from "./holding.ts";
import type { MapsCopy, MapsSource } from "./maps-source.ts";
import type { ObjectReader } from "./objects.ts";
import type { Shards } from "./shards.ts";
import type { Ticket } from "./single-flight.ts";
import { COPY_AFTER_MS } from "./timing.ts";
import type { MapsReaderDeps, ReaderRequest } from "./types.ts";

export interface Refresher {
  /** @returns true when KV said what is held now. */
  refresh(ticket: Ticket, request: ReaderRequest): Promise<boolean>;
  /** Resolves once the generation to hold that the refresh begun last had to read was read, or could not be. */
  frozen(): Promise<void>;
  /** Resolves once the refresh begun last has found something to serve; on a cold start only. */
  ready(): Promise<void>;
}

export interface RefresherParts {
  readonly holding: Holding;
  readonly source: MapsSource;
  readonly objects: ObjectReader;
  readonly shards: Shards;
}

interface Load {
  readonly ticket: Ticket;
  readonly request: ReaderRequest;
}

interface Freezing {
  readonly generation: Generation | null;
  readonly done: Promise<void>;
}

const NOT_FREEZING: Freezing = { generation: null, done: Promise.resolve() };

type Context = MapsReaderDeps & RefresherParts;

/** Makes the refresher of one isolate. */
export function createRefresher(deps: MapsReaderDeps, parts: RefresherParts): Refresher {
  const { holding, source, shards } = parts;
  const { clock } = deps;
  const context: Context = { ...deps, ...parts };
  let ready = Promise.withResolvers<void>();
  let freezing = NOT_FREEZING;

  async function refresh(ticket: Ticket, request: ReaderRequest): Promise<boolean> {
    const load: Load = { ticket, request };
    // A promise belongs to the request that made it: resolved by a later one, after the first has ended, it wakes nobody.
    ready = Promise.withResolvers();
    freezing = NOT_FREEZING;
    const copy = holding.maps === null ? readCopy(load) : null;
    const read = await source.readMutable();
    if (!ticket.live) return false;
    if (read !== null) takeGlass(read.glassText, load, context);
    // Before the root, whose index may never come: what operators say must not wait for it.
    show(load);
    const confirmed = read !== null && (await takeRoot(read.rootText, load, context));
    if (!ticket.live) return false;
    if (!confirmed && copy !== null) takeCopy(await copy, load);
    show(load);
    return confirmed;
  }

  /** Serves what was taken, and reads the generation that break-glass wants to be held, once a refresh. */
  function show(load: Load): void {
    holding.serve(clock.nowMs());
    if (holding.served().root !== null) ready.resolve();
    const generation = holding.unread();
    if (generation === null || generation === freezing.generation || !load.ticket.live) return;
    freezing = { generation, done: freeze(generation, load) };
  }

  async function freeze(generation: Generation, { ticket, request }: Load): Promise<void> {
    const maps = await source.readGeneration(generation, () => holding.maps, request);
    if (!ticket.live) return;
    holding.freeze(generation, maps, clock.nowMs());
    if (holding.served().root !== null) ready.resolve();
  }

  /** Taken after a while even if KV is still silent, and in any case the place to look for older shards. */
  function readCopy(load: Load): Promise<MapsCopy | null> {
    const copy = source.readCopy().then((found) => {
      if (found !== null) shards.seed(found.maps.index, found.maps.root);
      return found;
    });
    const late = Promise.all([copy, clock.sleep(COPY_AFTER_MS)]);
    load.request.waitUntil(late.then(([found]) => takeCopy(found, load)));
    return copy;
  }

  function takeCopy(copy: MapsCopy | null, load: Load): void {
    if (holding.maps !== null || copy === null) return;
    holding.maps = copy.maps;
    holding.source = "cache";
    if (holding.kvGlassText === null) holding.kvGlass = copy.breakGlass;
    show(load);
  }

  return { refresh, frozen: () => freezing.done, ready: () => ready.promise };
}

/** @returns true when this is the root that is held now. */
async function takeRoot(text: string | null, { ticket, request }: Load, context: Context): Promise<boolean> {
  const { holding, source, onFault } = context;
  if (text === null) {
    onFault("missing", "root");
    return false;
  }
  if (text === holding.maps?.text) {
    holding.source = "kv";
    return true;
  }
  const root = source.decode(text);
  if (root === null || !follows(root, context)) return false;
  const maps = await source.complete({ text, root, held: holding.maps }, request);
  // Asked again, because a copy may have been taken while the index was read.
  if (maps === null || !ticket.live || !follows(root, context)) return false;
  holding.maps = maps;
  holding.source = "kv";
  source.saveCopies(maps, request);
  return true;
}

/** A document that cannot be read, or is missing, leaves the previous one in force, until it expires. */
function takeGlass(text: string | null, { request }: Load, context: Context): void {
  const { holding, objects, clock, onFault } = context;
  if (text === null) {
    // Once there was a document the key is always there: `{}` lifts it. Without one it may never have been written.
    if (holding.kvGlass !== null && clock.nowMs() < holding.kvGlass.expires)
      onFault("missing", BREAK_GLASS_KEY);
    return;
  }
  if (text === holding.kvGlassText) return;
  const parsed = parseBreakGlass(text);
  if (!parsed.ok) {
    onFault(parsed.error.fault, parsed.error.detail);
    return;
  }
  holding.kvGlass = parsed.value;
  holding.kvGlassText = text;
  objects.saveCopy(BREAK_GLASS_KEY, text, request);
}

function follows(root: Root, { holding, onFault }: Context): boolean {
  const refusal = checkSuccession(holding.maps?.root ?? null, root);
  if (refusal !== null) onFault(refusal.fault, refusal.detail);
  return refusal === null;
}
