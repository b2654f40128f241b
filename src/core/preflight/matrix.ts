/**
 * Decides which probes a version gets: built-in ones, those of the chosen load balancers, the operators' own; once per
 * cell. Pure: same input, same probes, same ids. It must not send anything and must not decide where the router may
 * connect: the caller has checked the origin against ORIGIN_ALLOW (`refuseOrigin`) before it sends.
 * Called by the control plane and by the command line (`--from here`). Design §5.1.
 */
import { originForCell, parseOrigin, type Origin } from "../../contracts/origin-rules.ts";
import {
  refuseOwnProbe,
  type OwnProbe,
  type PresetName,
  type Probe,
  type ProbeTarget,
} from "../../contracts/preflight.ts";
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import { builtInTemplates, type ProbeContext, type RouterClaim, type Template } from "./built-in-probes.ts";
import { latin1Bytes, requestBytes } from "./bytes.ts";
import { tighten } from "./presets.ts";

export interface MatrixInput {
  readonly product: ProductName;
  readonly version: VersionName;
  /** As registered; may contain `{cell}`. */
  readonly origin: string;
  /** Base domains of the product; accounts are asked for under the first. */
  readonly domains: readonly string[];
  /** An account that the version may be asked about; null: no probe of the class `known`. */
  readonly syntheticAccount: AccountSlug | null;
  /** Cell → its own synthetic account, where one cell does not know the accounts of another. */
  readonly syntheticByCell: Readonly<Record<string, AccountSlug>>;
  readonly cells: readonly string[];
  readonly presets: readonly PresetName[];
  readonly own: readonly OwnProbe[];
  /** Value of the `Firebreak` header, signed where origins want that; null: unsigned. */
  readonly routerHeader: ((claim: RouterClaim) => string) | null;
}

interface Server {
  readonly cell: string | null;
  readonly target: ProbeTarget;
  readonly authority: string;
  readonly address: string;
}

/** Private address that load balancers of a cloud network typically put into Host (RFC 1918). */
const SOME_ADDRESS = "10.0.0.10";
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/**
 * Builds the matrix.
 *
 * @param input cells matter only to an origin with `{cell}`; a `binding:` origin gives probes that are `unreachable`.
 * @returns the probes in the order in which people read them; ids are unique as long as own ids are.
 * @throws RangeError for an origin or own probe that is refused: both are checked where they are written.
 */
export function probesFor(input: MatrixInput): Probe[] {
  for (const own of input.own) {
    const refusal = refuseOwnProbe(own);
    if (refusal !== null) throw new RangeError(`own probe ${own.id}: ${refusal}`);
  }
  return serversOf(input).flatMap((server) => probesOf(input, server));
}

function probesOf(input: MatrixInput, server: Server): Probe[] {
  const domain = input.domains[0] ?? "example.invalid";
  const context: ProbeContext = {
    product: input.product,
    version: input.version,
    domain,
    authority: server.authority,
    address: server.address,
    syntheticAccount: syntheticOf(input, server.cell),
    routerHeader: input.routerHeader ?? unsignedHeader,
  };
  const builtIn = builtInTemplates(context)
    .filter(({ always, presets }) => always || presets.some((preset) => input.presets.includes(preset)))
    .map((template) => fromTemplate(template, server, input.presets));
  return [...builtIn, ...input.own.map((own) => fromOwn(own, server, domain))];
}

function syntheticOf(
  { syntheticAccount, syntheticByCell }: MatrixInput,
  cell: string | null,
): AccountSlug | null {
  return cell !== null && Object.hasOwn(syntheticByCell, cell)
    ? (syntheticByCell[cell] ?? null)
    : syntheticAccount;
}

function fromTemplate(template: Template, server: Server, chosen: readonly PresetName[]): Probe {
  const demandedBy = template.presets.filter((preset) => chosen.includes(preset));
  return {
    id: idFor(template.id, server.cell),
    title: template.title,
    class: template.class,
    cell: server.cell,
    target: server.target,
    bytes: requestBytes(template.request),
    expect: { status: tighten(template.status, demandedBy), header: null, bodyContains: null },
    why: template.why,
    demandedBy,
  };
}

function fromOwn(own: OwnProbe, server: Server, domain: string): Probe {
  return {
    id: idFor(own.id, server.cell),
    title: own.title,
    class: own.class,
    cell: server.cell,
    target: server.target,
    bytes: ownBytes(own, server, domain),
    expect: own.expect,
    why: own.why,
    demandedBy: [],
  };
}

function ownBytes({ request }: OwnProbe, server: Server, domain: string): Uint8Array {
  if (request.kind === "raw") return latin1Bytes(request.text);
  const host = request.host?.replaceAll("{domain}", domain).replaceAll("{cell}", server.cell ?? "") ?? null;
  const closes = request.headers.some(([name]) => name.toLowerCase() === "connection");
  // Without it an HTTP/1.1 server keeps the connection, which costs nothing but a socket held until the time-out.
  const headers = closes ? request.headers : [...request.headers, ["Connection", "close"] as const];
  return requestBytes({ ...request, host, headers });
}

/** `NAME`, or `NAME@CELL`. */
export function idFor(name: string, cell: string | null): string {
  return cell === null ? name : `${name}@${cell}`;
}

/** The servers of a version: one, or one per cell. */
function serversOf({ product, version, origin, cells }: MatrixInput): Server[] {
  const byHand = `run \`firebreak preflight ${product} ${version} --from here\``;
  if (!origin.includes("{cell}")) return [serverAt(origin, null, byHand)];
  if (cells.length === 0) {
    const why = `${origin} needs a cell and none is listed in the preflight settings: add the cells, or waive the probe by name`;
    return [{ cell: null, target: { kind: "unreachable", why }, authority: origin, address: SOME_ADDRESS }];
  }
  return cells.map((cell) => serverAt(originForCell(origin, cell) ?? origin, cell, byHand));
}

function serverAt(text: string, cell: string | null, byHand: string): Server {
  const parsed = parseOrigin(text);
  if (!parsed.ok) throw new RangeError(`origin: ${parsed.error}`);
  const origin = parsed.value;
  if (origin.kind === "binding") {
    const why = `${text} is a service binding, to which no raw connection leads: ${byHand} with --origin and an address of the version, or waive the probe by name`;
    return {
      cell,
      target: { kind: "unreachable", why },
      authority: "binding.invalid",
      address: SOME_ADDRESS,
    };
  }
  const { host, port, scheme } = origin;
  const target: ProbeTarget = { kind: "socket", host, port, tls: scheme === "https" };
  return {
    cell,
    target,
    authority: withPort(host, origin),
    address: withPort(IPV4.test(host) ? host : SOME_ADDRESS, origin),
  };
}

function withPort(host: string, { scheme, port }: Extract<Origin, { kind: "http" }>): string {
  return port === (scheme === "https" ? 443 : 80) ? host : `${host}:${port}`;
}

/** RFC 9651: a slug that starts with a letter is a token, one that starts with a digit must be a string. */
function unsignedHeader({ product, version, account }: RouterClaim): string {
  const who = account === null ? "" : `, account=${/^[a-z]/.test(account) ? account : `"${account}"`}`;
  return `product=${product}${who}, version="${version}", request="preflight"`;
}
