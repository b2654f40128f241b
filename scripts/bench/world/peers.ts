/**
 * The load balancers that the router is compared to, with the same accounts in a map of their own kind: nginx (`map`,
 * changed by a reload) and HAProxy (`map_str`, changed by its runtime socket); and the origin, an nginx that answers at
 * once. Each is one worker process or thread, as a node is one thread of workerd. Their set-up is Debian's package alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homeOf, hostOf } from "./accounts.ts";
import { findFreePort, findProgram, HOST, startServer, type Running } from "./process.ts";

export interface Peer extends Running {
  readonly port: number;
  /** Files of its own. */
  readonly folder: string;
}

/** An origin that answers every request with a few bytes. */
export function startOrigin(): Promise<Peer> {
  return startNginx((port) => `server { listen ${HOST}:${port}; location / { return 200 "ok"; } }`);
}

export interface PeerOptions {
  readonly accounts: number;
  /** Port of the origin of both versions. */
  readonly origin: number;
}

/** nginx with a map of all accounts. */
export function startNginxRouter({ accounts, origin }: PeerOptions): Promise<Peer> {
  return startNginx((port, folder) => {
    writeNginxMap(folder, accounts, 0);
    return `map_hash_max_size 4194304;
      map_hash_bucket_size 128;
      map $host $version { default v1; include ${folder}/accounts.map; }
      upstream v1 { server ${HOST}:${origin}; keepalive 64; keepalive_requests 10000000; }
      upstream v2 { server ${HOST}:${origin}; keepalive 64; keepalive_requests 10000000; }
      server {
        listen ${HOST}:${port};
        location / {
          proxy_pass http://$version;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header X-Forwarded-Host $host;
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header X-Forwarded-Proto $scheme;
          add_header Served-By $version;
        }
      }`;
  });
}

/** Writes the map with the first `moved` accounts on the second version; a reload makes it count. */
export function writeNginxMap(folder: string, accounts: number, moved: number): void {
  const line = (number: number): string => `${hostOf(number)} v${number < moved ? "2" : homeOf(number)};`;
  writeFileSync(join(folder, "accounts.map"), linesOf(accounts, line));
}

function linesOf(count: number, line: (number: number) => string): string {
  return Array.from({ length: count }, (_, number) => line(number)).join("\n");
}

async function startNginx(http: (port: number, folder: string) => string): Promise<Peer> {
  const program = findProgram("nginx");
  const folder = mkdtempSync(join(tmpdir(), "firebreak-nginx-"));
  const port = await findFreePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const config = `${process.getuid?.() === 0 ? "user root;" : ""}
    daemon off;
    worker_processes 1;
    pid ${folder}/pid;
    error_log ${folder}/error.log;
    events { worker_connections 4096; }
    http {
      access_log off;
      keepalive_requests 10000000;
      ${paths.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
      ${http(port, folder)}
    }`;
  writeFileSync(join(folder, "nginx.conf"), config);
  const command = [program, "-e", join(folder, "error.log"), "-p", folder, "-c", join(folder, "nginx.conf")];
  return withFolder(await startServer(command, port), { port, folder });
}

/** HAProxy with a map of all accounts and its runtime socket at `FOLDER/socket`. */
export async function startHaProxyRouter({ accounts, origin }: PeerOptions): Promise<Peer> {
  const program = findProgram("haproxy");
  const folder = mkdtempSync(join(tmpdir(), "firebreak-haproxy-"));
  const port = await findFreePort();
  writeFileSync(
    join(folder, "accounts.map"),
    linesOf(accounts, (number) => `${hostOf(number)} v${homeOf(number)}`),
  );
  const config = `global
  nbthread 1
  stats socket ${folder}/socket mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind ${HOST}:${port}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  use_backend %[req.hdr(host),lower,map_str(${folder}/accounts.map,v1)]
backend v1
  server origin ${HOST}:${origin}
backend v2
  server origin ${HOST}:${origin}
`;
  writeFileSync(join(folder, "haproxy.cfg"), config);
  const running = await startServer([program, "-db", "-f", join(folder, "haproxy.cfg")], port);
  return withFolder(running, { port, folder });
}

function withFolder(running: Running, { port, folder }: { port: number; folder: string }): Peer {
  const stop = async (): Promise<void> => {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { pid: running.pid, port, folder, stop };
}

/** Says one command to HAProxy's runtime socket and gives what it answers. */
export function tellHaProxy(folder: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(folder, "socket"));
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.on("error", reject);
    socket.on("end", () => resolve(answer));
    socket.write(`${command}\n`);
  });
}
