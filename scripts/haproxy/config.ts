/**
 * The HAProxy configuration of the drill and the tests: a plain load balancer as the company of the incident had one.
 * `option httpchk` stands alone on purpose. So written HAProxy sends `OPTIONS / HTTP/1.0` without a Host and counts 2xx
 * and 3xx as up, to this day: https://docs.haproxy.org/2.6/configuration.html#4.2-option%20httpchk
 */

export interface BalancerOptions {
  /** Ports on 127.0.0.1 that requests are spread over. */
  readonly servers: readonly number[];
  /** Time between two checks of one server. */
  readonly checkEveryMs: number;
}

export interface BalancerPaths extends BalancerOptions {
  readonly port: number;
  /** Path of the stats socket, below about 100 characters. */
  readonly socket: string;
}

/** Checks that must fail in a row to take a server out, and succeed in a row to bring it back. */
const FALL = 2;
const RISE = 2;

/** Writes the configuration; servers are called `server1`, `server2`, … in the backend `nodes`. */
export function writeConfig({ servers, checkEveryMs, port, socket }: BalancerPaths): string {
  const lines = servers.map(
    (server, index) =>
      `  server server${index + 1} 127.0.0.1:${server} check inter ${checkEveryMs}ms fall ${FALL} rise ${RISE}`,
  );
  return `global
  stats socket ${socket} mode 600 level admin
  log stdout format raw local0 notice

defaults
  mode http
  log global
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  timeout tunnel 120s
  timeout check 2s
  # A failure is shown and not hidden by another try.
  retries 0

frontend front
  bind 127.0.0.1:${port}
  # Replaced, not added to: nobody in front of this one is believed.
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  default_backend nodes

backend nodes
  balance roundrobin
  option httpchk
${lines.join("\n")}
`;
}
