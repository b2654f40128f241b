/**
 * What a heap snapshot of V8 says in two numbers: what the program keeps, and what V8 has made of the program itself. The
 * second grows for hours with every function that becomes hot, and ends at what all of them take; a leak is in the first.
 * The format is that of `HeapProfiler.takeHeapSnapshot`: nodes as one flat array, their fields named in `meta`. Pure.
 */
const MB = 1024 * 1024;

/** Live memory in MB. */
export interface HeldByKind {
  /** Objects, texts, functions as values, buffers. */
  readonly data: number;
  /** Bytecode, machine code, feedback, shapes of objects, and V8's lists of them. */
  readonly code: number;
}

/** As far as it is read here. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      /** The names of types, first; then what the other fields are. */
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

const CODE_TYPES: ReadonlySet<string> = new Set(["code", "object shape"]);
/** What V8 keeps for itself is called so, the contents of buffers too. */
const INTERNAL = "system / ";
const BUFFER = "system / JSArrayBufferData";

/**
 * @param text the snapshot as the inspector sends it, all chunks together
 * @throws Error when its nodes lack a field that is read here
 */
export function readHeld(text: string): HeldByKind {
  const { snapshot, nodes, strings } = JSON.parse(text) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [typeAt, nameAt, sizeAt] = [
    placeOf("type", fields),
    placeOf("name", fields),
    placeOf("self_size", fields),
  ];
  let [data, code] = [0, 0];
  for (let node = 0; node < nodes.length; node += fields.length) {
    const type = types[0][nodes[node + typeAt] ?? -1] ?? "";
    const name = strings[nodes[node + nameAt] ?? -1] ?? "";
    const size = nodes[node + sizeAt] ?? 0;
    if (isCode(type, name)) code += size;
    else data += size;
  }
  return { data: data / MB, code: code / MB };
}

function placeOf(field: string, fields: readonly string[]): number {
  const place = fields.indexOf(field);
  if (place < 0) throw new Error(`a heap snapshot whose nodes have no ${field}`);
  return place;
}

function isCode(type: string, name: string): boolean {
  return CODE_TYPES.has(type) || (type === "native" && name.startsWith(INTERNAL) && name !== BUFFER);
}
