/**
 * A routing table as HAProxy takes it (2.4 or newer): a map of names, a map of base domains, and a configuration that
 * loads them and answers health checks, foreign hosts and holds as Firebreak does. Pure; returns text.
 * https://docs.haproxy.org/2.6/configuration.html: map_str is exact, map_end a suffix; `http-request return` answers.
 */
import { HELD, UNRESOLVED, type Backend, type RoutingTable } from "./routing-table.ts";
import type { ConfigOptions, ExportedConfig } from "./export-files.ts";

export const HAPROXY_FILES = {
  config: "firebreak.cfg",
  hosts: "firebreak-hosts.map",
  domains: "firebreak-domains.map",
} as const;

/** Both maps line by line, and the configuration. */
export function writeHaproxy(table: RoutingTable, options: ConfigOptions): ExportedConfig {
  const { folder } = options;
  return {
    config: {
      file: HAPROXY_FILES.config,
      text: [
        ...options.head.map((line) => (line === "" ? "#" : `# ${line}`)),
        frontend(options),
        ...table.backends.map(backend),
        pages(),
      ].join("\n"),
    },
    maps: [
      { file: HAPROXY_FILES.hosts, lines: hostLines(table) },
      { file: HAPROXY_FILES.domains, lines: domainLines(table) },
    ],
    check: `haproxy -c -f ${folder}/${HAPROXY_FILES.config}`,
  };
}

function* hostLines({ hosts, domains }: RoutingTable): Generator<string> {
  for (const [domain, target] of domains) yield `${domain} ${target}`;
  for (const [host, target] of hosts) yield `${host} ${target}`;
}

/** The longest first: HAProxy tries suffixes in order. */
function* domainLines({ domains }: RoutingTable): Generator<string> {
  for (const [domain, target] of [...domains].toSorted(([a], [b]) => b.length - a.length))
    yield `.${domain} ${target}`;
}

const NAME = "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
const HEALTH = "hdr Cache-Control no-store";

function frontend({ listen, folder }: ConfigOptions): string {
  const hosts = `${folder}/${HAPROXY_FILES.hosts}`;
  const domains = `${folder}/${HAPROXY_FILES.domains}`;
  return `
defaults firebreak
  mode http
  option http-keep-alive
  timeout connect 5s
  timeout client 120s
  timeout server 100s
  timeout tunnel 1h
  # One try: nothing is sent twice, and never to another version.
  retries 0

frontend firebreak from firebreak
  bind ${listen}
  # The name without port and without one trailing dot.
  http-request set-var(txn.host) req.hdr(host),lower,regsub(:[0-9]*$,),regsub([.]$,)
  http-request set-var(txn.target) var(txn.host),map_str(${hosts})
  http-request set-var(txn.target) var(txn.host),map_end(${domains}) unless { var(txn.target) -m found }

  acl has_name var(txn.host) -m len 1:
  acl is_ip var(txn.host) -m reg ^[0-9]+([.][0-9]+){3}$ ^\\\\[
  acl is_name var(txn.host) -m reg ${NAME}
  acl is_ours var(txn.target) -m found
  acl is_below var(txn.host),map_end(${domains}) -m found
  acl asks method GET HEAD
  acl is_options method OPTIONS
  acl preflight_origin req.hdr(origin) -m found
  acl preflight_method req.hdr(access-control-request-method) -m found
  acl is_asterisk url -m str *

  http-request return status 204 hdr Allow "GET, HEAD, OPTIONS" ${HEALTH} if is_options is_asterisk
  http-request return status 400 content-type text/plain string "Bad host" if has_name !is_name !is_ip
  # Health checks are answered here: without a name, by an address, for hosts that are not ours, for custom domains.
  http-request set-var(txn.health) str(yes) if is_options !is_below !preflight_origin
  http-request set-var(txn.health) str(yes) if is_options !is_below !preflight_method
  http-request return status 204 hdr Allow "GET, HEAD, OPTIONS" ${HEALTH} if { var(txn.health) -m found }
  http-request return status 200 content-type text/plain string ok ${HEALTH} if !has_name asks
  http-request return status 200 content-type text/plain string ok ${HEALTH} if is_ip asks
  http-request return status 400 content-type text/plain string "No host" if !has_name
  http-request return status 421 content-type text/plain string "Not served here" unless is_ours

  # Nobody in front is believed; put your own rules here where somebody should be.
  http-request del-header firebreak -m beg
  http-request del-header forwarded
  http-request del-header x-forwarded- -m beg
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  use_backend %[var(txn.target)]
  default_backend ${UNRESOLVED}`;
}

function backend({ name, origin, readOnly, product, version }: Backend): string {
  const { scheme, host, port } = origin;
  const usual = port === (scheme === "https" ? 443 : 80);
  const tls =
    scheme === "https" ? ` ssl verify required ca-file @system-ca sni str(${host}) alpn http/1.1` : "";
  const reads = readOnly
    ? `\n  http-request return status 503 content-type text/plain string "Read-only for now" hdr Retry-After 120 hdr Cache-Control no-store unless { method GET HEAD OPTIONS } !{ req.hdr(upgrade) -i websocket }`
    : "";
  return `
# ${product} ${version}${readOnly ? ", reading only" : ""}
backend ${name} from firebreak${reads}
  http-request set-header Host ${usual ? host : `${host}:${port}`}
  server origin ${host}:${port}${tls} init-addr libc,none`;
}

function pages(): string {
  const page = (name: string, text: string, seconds: number): string => `
backend ${name} from firebreak
  http-request return status 503 content-type text/plain string "${text}" hdr Retry-After ${seconds} hdr Cache-Control no-store`;
  return `${page(HELD, "Down for maintenance", 120)}
${page(UNRESOLVED, "Cannot be answered right now", 30)}
`;
}
