/**
 * A routing table as nginx takes it (1.18 or newer): a map of names and a configuration for the http context that loads it
 * and answers health checks, foreign hosts and holds as Firebreak does. Pure; returns text.
 * http://nginx.org/en/docs/http/ngx_http_map_module.html: exact names first, then the longest suffix, then expressions.
 */
import { HELD, UNRESOLVED, type Backend, type RoutingTable } from "./routing-table.ts";
import type { ConfigOptions, ExportedConfig } from "./export-files.ts";

export const NGINX_FILES = { config: "firebreak.conf", hosts: "firebreak-hosts.map" } as const;

/** What nginx alone does otherwise. */
export const NGINX_LIMITS: readonly string[] = [
  "nginx itself refuses HTTP/1.1 without Host, and `OPTIONS *`, with 400: let load balancers check with HTTP/1.0 (HAProxy's bare httpchk does) or with a Host.",
  "Origins are looked up once, at the start: reload when their addresses change.",
];

const HASH_ENTRIES_PER_NAME = 4;
const SMALLEST_HASH = 2048;

/** The map line by line, and the configuration. */
export function writeNginx(table: RoutingTable, options: ConfigOptions): ExportedConfig {
  return {
    config: {
      file: NGINX_FILES.config,
      text: [
        ...options.head.map((line) => (line === "" ? "#" : `# ${line}`)),
        maps(table, options),
        ...table.backends.map(upstream),
        server(options),
      ].join("\n"),
    },
    maps: [{ file: NGINX_FILES.hosts, lines: hostLines(table) }],
    check: "nginx -t",
  };
}

function* hostLines({ hosts, domains }: RoutingTable): Generator<string> {
  for (const [domain, target] of domains) yield `.${domain} ${target};`;
  for (const [host, target] of hosts) yield `${host} ${target};`;
}

const NAME = "^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?[.])*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$";

function maps({ backends, domains, hosts }: RoutingTable, { folder }: ConfigOptions): string {
  const size = Math.max(SMALLEST_HASH, 2 ** Math.ceil(Math.log2(HASH_ENTRIES_PER_NAME * (hosts.size + 1))));
  const each = (line: (backend: Backend) => string): string =>
    backends.map((one) => `\n  ${line(one)}`).join("");
  return `
map_hash_max_size ${size};
map_hash_bucket_size 512;
map $host $firebreak_name {
  hostnames;
  default firebreak_foreign;
  include ${folder}/${NGINX_FILES.hosts};
  "~^[0-9]+(?:[.][0-9]+){3}$" firebreak_ip;
  "~^\\\\[" firebreak_ip;
}
# Without a Host, $host is the name of the server.
map $http_host $firebreak_target { "" firebreak_none; default $firebreak_name; }
map $host $firebreak_malformed { default 1; _ ""; "~${NAME}" ""; "~^\\\\[" ""; }
map $host $firebreak_below { hostnames; default 0;${[...domains.keys()].map((domain) => ` *.${domain} 1;`).join("")} }
map $firebreak_target $firebreak_kind { default ours; firebreak_none none; firebreak_ip ip; firebreak_foreign foreign; }
map "$http_origin|$http_access_control_request_method" $firebreak_preflight { default 0; "~^.+[|].+$" 1; }
# Health checks are answered here: without a name, by an address, for hosts that are not ours, for custom domains.
map "$request_method $firebreak_kind $firebreak_below $firebreak_preflight" $firebreak_answer {
  default "";
  "~^OPTIONS [a-z]+ 0 0$" health;
  "~^(?:GET|HEAD) (?:none|ip) " ok;
  "~ none " 400;
  "~ (?:ip|foreign) " 421;
}
map $firebreak_target $firebreak_url { default "";${each(({ name, origin }) => `${name} ${origin.scheme}://${name};`)}
}
map $firebreak_target $firebreak_origin { default "";${each(({ name, origin }) => `${name} ${hostOf(origin)};`)}
}
map $firebreak_target $firebreak_origin_name { default "";${each(({ name, origin }) => `${name} ${origin.host};`)}
}
map "$firebreak_target $request_method $http_upgrade" $firebreak_readonly {
  default "";${each(({ name, readOnly }) => (readOnly ? `"~*^${name.replaceAll(".", "[.]")} (?!(?:GET|HEAD|OPTIONS) (?!websocket$))" 1;` : "")).replaceAll(/\n {2}(?=\n|$)/g, "")}
}
map $http_upgrade $firebreak_connection { "" ""; default upgrade; }
`;
}

function hostOf({ scheme, host, port }: Backend["origin"]): string {
  return port === (scheme === "https" ? 443 : 80) ? host : `${host}:${port}`;
}

function upstream({ name, origin, product, version, readOnly }: Backend): string {
  return `# ${product} ${version}${readOnly ? ", reading only" : ""}
upstream ${name} { server ${origin.host}:${origin.port} max_fails=0; keepalive 16; }`;
}

function server({ listen }: ConfigOptions): string {
  const health = "add_header Cache-Control no-store always;";
  const page = (seconds: number): string =>
    `{ add_header Retry-After ${seconds} always; add_header Cache-Control no-store always; return 503; }`;
  return `
server {
  listen ${listen.replace(/^\*:/, "")};
  server_name _;
  client_max_body_size 0;
  # A client's bytes go on as they came: nothing is merged, and nothing kept back.
  merge_slashes off;
  location / {
    if ($firebreak_malformed) { return 400; }
    if ($firebreak_answer = health) { add_header Allow "GET, HEAD, OPTIONS" always; ${health} return 204; }
    if ($firebreak_answer = ok) { ${health} return 200 "ok"; }
    if ($firebreak_answer = 400) { return 400; }
    if ($firebreak_answer = 421) { return 421; }
    if ($firebreak_target = ${HELD}) ${page(120)}
    if ($firebreak_target = ${UNRESOLVED}) ${page(30)}
    if ($firebreak_readonly) ${page(120)}
    proxy_pass $firebreak_url;
    proxy_http_version 1.1;
    proxy_ssl_server_name on;
    proxy_ssl_name $firebreak_origin_name;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;
    proxy_set_header Host $firebreak_origin;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $firebreak_connection;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Forwarded "";
    proxy_set_header Firebreak "";
    proxy_set_header Firebreak-Override "";
    # One try: nothing is sent twice, and never to another version.
    proxy_next_upstream off;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_read_timeout 100s;
    proxy_send_timeout 120s;
  }
}
`;
}
