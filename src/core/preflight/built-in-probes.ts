/**
 * The built-in requests of the matrix: what load balancers, scanners and lost clients really send, and why each is
 * there. Data and templates alone; `matrix.ts` fills in cells and presets. It must not soften an expectation for one
 * product: whoever needs that waives the probe by name, or adds one of their own.
 *
 * Requests without an account go straight to the version, as something in front of it would send them. Requests for an
 * account go as the router forwards them (its own Host, the asked one in X-Forwarded-Host, `Firebreak`), because that
 * is what the version will get; one more goes with the account in Host, as in the time before the router.
 */
import type { PresetName, ProbeClass, StatusRange } from "../../contracts/preflight.ts";
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import type { WireRequest } from "./bytes.ts";

/** What the router would claim about a forwarded request. */
export interface RouterClaim {
  readonly product: ProductName;
  readonly version: VersionName;
  /** The host that the client asked for. */
  readonly host: string;
  readonly account: AccountSlug | null;
}

export interface ProbeContext {
  readonly product: ProductName;
  readonly version: VersionName;
  /** Base domain under which accounts are asked for. */
  readonly domain: string;
  /** Host and port of the origin as a Host header has them. */
  readonly authority: string;
  /** An address of the origin, as a load balancer would put it into Host. */
  readonly address: string;
  readonly syntheticAccount: AccountSlug | null;
  readonly routerHeader: (claim: RouterClaim) => string;
}

export interface Template {
  readonly id: string;
  readonly title: string;
  readonly class: ProbeClass;
  readonly request: WireRequest;
  readonly status: readonly StatusRange[];
  readonly why: string;
  /** Presets that send this request. */
  readonly presets: readonly PresetName[];
  /** Sent although none of `presets` was chosen. */
  readonly always: boolean;
}

/** A slug that nobody has: long, ours, and refused nowhere. */
export const UNKNOWN_SLUG = "firebreak-preflight-no-such-account";
const AGENT = ["User-Agent", "Firebreak-Preflight/1"] as const;
const CLOSE = ["Connection", "close"] as const;
const ANYTHING = ["Accept", "*/*"] as const;
const IPV6_DOCUMENTATION = "[2001:db8::10]"; // RFC 3849

/** An answer of any kind but the server's own failure: such requests may be refused, they may not break it. */
const NO_SERVER_ERROR: readonly StatusRange[] = [[200, 499]];
/** 404 would say that the version does not know an account that it has. */
const KNOWS_IT: readonly StatusRange[] = [
  [200, 399],
  [401, 401],
  [403, 403],
];

/** All built-in requests for one server of a version. */
export function builtInTemplates(context: ProbeContext): readonly Template[] {
  return [...hostlessTemplates(), ...addressTemplates(context), ...accountTemplates(context)];
}

function wire(first: string, host: string | null, headers: WireRequest["headers"]): WireRequest {
  const [method = "", target = "", version = ""] = first.split(" ");
  return { method, target, httpVersion: version === "HTTP/1.0" ? "1.0" : "1.1", host, headers, body: null };
}

function hostlessTemplates(): readonly Template[] {
  const common = { class: "none", status: NO_SERVER_ERROR, always: true } as const;
  return [
    {
      ...common,
      id: "options-hostless",
      title: "OPTIONS / HTTP/1.0 without Host",
      request: wire("OPTIONS / HTTP/1.0", null, []),
      presets: ["haproxy"],
      why: "HAProxy with a bare `option httpchk` sends exactly this, and takes a server out that answers neither 2xx nor 3xx.",
    },
    {
      ...common,
      id: "options-empty-host",
      title: "OPTIONS / with an empty Host",
      request: wire("OPTIONS / HTTP/1.1", "", [CLOSE]),
      presets: [],
      why: "Load balancers whose check is HTTP/1.1 with a Host that nobody filled in send this; it is the request of November 2011.",
    },
    {
      ...common,
      id: "get-hostless",
      title: "GET / HTTP/1.0 without Host",
      request: wire("GET / HTTP/1.0", null, [["User-Agent", "ELB-HealthChecker/1.0"]]),
      presets: ["elb-classic"],
      why: "The classic ELB checks like this and counts 200 alone; old monitors and scanners send it too.",
    },
  ];
}

function addressTemplates({ authority, address }: ProbeContext): readonly Template[] {
  const byAddress = { class: "ip", status: NO_SERVER_ERROR, presets: [], always: true } as const;
  const checker = (agent: string): WireRequest =>
    wire("GET / HTTP/1.1", address, [["User-Agent", agent], ANYTHING, CLOSE]);
  const preset = { class: "ip", status: NO_SERVER_ERROR, always: false } as const;
  return [
    {
      ...byAddress,
      id: "options-asterisk",
      class: "asterisk",
      title: "OPTIONS *",
      request: wire("OPTIONS * HTTP/1.1", authority, [CLOSE]),
      why: "Proxies and scanners ask a server as a whole what it can do; Apache asks itself like this.",
    },
    {
      ...byAddress,
      id: "get-ip",
      title: "GET / with an IP as Host",
      request: wire("GET / HTTP/1.1", address, [AGENT, ANYTHING, CLOSE]),
      why: "Health checks by address and everything that scans address ranges send an IP as Host.",
    },
    {
      ...byAddress,
      id: "get-ipv6",
      title: "GET / with an IPv6 address as Host",
      request: wire("GET / HTTP/1.1", IPV6_DOCUMENTATION, [AGENT, ANYTHING, CLOSE]),
      why: "The same over IPv6, where brackets and colons in Host have broken many a parser.",
    },
    {
      ...byAddress,
      id: "head-ip",
      title: "HEAD / with an IP as Host",
      request: wire("HEAD / HTTP/1.1", address, [AGENT, ANYTHING, CLOSE]),
      why: "Checks that want no body (`httpchk HEAD /`, uptime monitors) ask with HEAD.",
    },
    {
      ...preset,
      id: "get-ip-aws",
      title: "GET / as ALB and NLB send it",
      request: checker("ELB-HealthChecker/2.0"),
      presets: ["alb", "nlb"],
      why: "ALB and NLB put the target's address into Host; by default ALB wants 200, NLB 200-399.",
    },
    {
      ...preset,
      id: "get-ip-gclb",
      title: "GET / as Google Cloud sends it",
      request: checker("GoogleHC/1.0"),
      presets: ["gclb"],
      why: "Google's probers put the address into Host and count 200 alone; they follow no redirect.",
    },
    {
      ...preset,
      id: "get-ip-kubelet",
      title: "GET / as the kubelet sends it",
      request: checker("kube-probe/1.34"),
      presets: ["kubelet"],
      why: "The kubelet asks the pod's address; 200-399 is alive, anything else restarts it.",
    },
    {
      ...preset,
      id: "get-ip-cloudflare",
      title: "GET / as Cloudflare Load Balancing sends it",
      request: checker(
        "Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/traffic-manager/)",
      ),
      presets: ["cloudflare-lb"],
      why: "A monitor without a Host header of its own asks the endpoint's address and wants 2xx.",
    },
  ];
}

function accountTemplates(context: ProbeContext): readonly Template[] {
  const { domain, syntheticAccount } = context;
  const unknown = { class: "unknown", status: NO_SERVER_ERROR, presets: [], always: true } as const;
  const get = "GET / HTTP/1.1";
  const someone = syntheticAccount ?? UNKNOWN_SLUG;
  return [
    {
      ...unknown,
      id: "unknown-account",
      title: "GET / for an unknown account",
      request: routed(context, get, { host: `${UNKNOWN_SLUG}.${domain}`, account: null }),
      why: "Misspelt names and accounts that left: the default version serves them, and may say no but not fail.",
    },
    {
      ...unknown,
      id: "unknown-account-direct",
      title: "GET / for an unknown account, not through the router",
      request: wire(get, `${UNKNOWN_SLUG}.${domain}`, [AGENT, ANYTHING, CLOSE]),
      why: "While the old load balancer still sends some traffic itself, the account is in Host and nowhere else.",
    },
    {
      ...unknown,
      id: "unknown-deep",
      title: "GET / for a name too deep to be an account",
      request: routed(context, get, { host: `www.${UNKNOWN_SLUG}.${domain}`, account: null }),
      why: "People type www in front of anything, and such a name is an unknown account.",
    },
    {
      ...unknown,
      id: "unknown-apex",
      title: "GET / for the base domain itself",
      request: routed(context, get, { host: domain, account: null }),
      why: "The bare domain names no account, so the default version serves it.",
    },
    {
      ...unknown,
      id: "malformed-account",
      class: "malformed",
      title: "GET / for a name that cannot be a host",
      request: wire(get, `_no-_.${domain}`, [AGENT, ANYTHING, CLOSE]),
      why: "Scanners put anything into Host; the router refuses it, a server reached without it must bear it.",
    },
    {
      ...unknown,
      id: "cors-preflight",
      class: syntheticAccount === null ? "unknown" : "known",
      title: "CORS preflight",
      request: withHeaders(
        routed(context, "OPTIONS / HTTP/1.1", { host: `${someone}.${domain}`, account: syntheticAccount }),
        [
          ["Origin", "https://app.example.com"],
          ["Access-Control-Request-Method", "POST"],
          ["Access-Control-Request-Headers", "content-type"],
        ],
      ),
      why: "Browsers ask before a cross-origin call; this OPTIONS is no health check and reaches the version.",
    },
    ...(syntheticAccount === null ? [] : [knownTemplate(context, syntheticAccount)]),
  ];
}

function knownTemplate(context: ProbeContext, account: AccountSlug): Template {
  return {
    id: "known-account",
    title: "GET / for the synthetic account",
    class: "known",
    request: routed(context, "GET / HTTP/1.1", { host: `${account}.${context.domain}`, account }),
    status: KNOWS_IT,
    presets: [],
    always: true,
    why: "An account that exists: without it nothing says that the version can find its data.",
  };
}

/** A request as the router forwards it. */
function routed(
  context: ProbeContext,
  first: string,
  { host, account }: { readonly host: string; readonly account: AccountSlug | null },
): WireRequest {
  const { product, version, authority, routerHeader } = context;
  return wire(first, authority, [
    AGENT,
    ANYTHING,
    ["X-Forwarded-Host", host],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-For", "192.0.2.10"], // RFC 5737: nobody's address
    ["CDN-Loop", "firebreak"],
    ["Firebreak", routerHeader({ product, version, host, account })],
    CLOSE,
  ]);
}

function withHeaders(request: WireRequest, headers: WireRequest["headers"]): WireRequest {
  return { ...request, headers: [...headers, ...request.headers] };
}
