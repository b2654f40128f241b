/**
 * The five things that `npm start` offers to try, as commands that work when pasted into a shell: curl alone, and every
 * name resolves without an entry in /etc/hosts. The end-to-end test runs each of them; keep them that way.
 */
import type { Instance } from "./instance.ts";
import { ADMIN_TOKEN } from "./options.ts";

export interface ThingToTry {
  readonly title: string;
  readonly command: string;
}

type Addresses = Pick<Instance, "ports" | "controlUrl">;

/** What to try, for the demo world or a bare run. */
export function listThingsToTry(addresses: Addresses, bare: boolean): readonly ThingToTry[] {
  const port = addresses.ports[0] ?? 0;
  return bare ? forBareRun(port) : forDemoWorld(port, addresses.controlUrl);
}

const api = (port: number, path: string): string => `http://localhost:${port}/api/v1/${path}`;
const authorization = `-H 'Authorization: Bearer ${ADMIN_TOKEN}'`;
const json = "-H 'Content-Type: application/json'";

const healthCheck = (port: number): ThingToTry => ({
  title:
    "The load balancer's check: OPTIONS without a Host. Answered by the router alone, whatever is broken",
  command: `curl -si --http1.0 -X OPTIONS -H 'Host:' http://127.0.0.1:${port}/`,
});

function forDemoWorld(port: number, controlUrl: string): ThingToTry[] {
  return [
    healthCheck(port),
    {
      title: "An account: the demo server echoes which version it is and what it was sent",
      command: `curl -s -H 'Host: acme.kiln.localhost' http://127.0.0.1:${port}/hello`,
    },
    {
      title: "Nobody's account: the default version",
      command: `curl -si -H 'Host: nobody.kiln.localhost' http://127.0.0.1:${port}/`,
    },
    {
      title: "Why acme is where it is",
      command: `curl -s ${authorization} '${api(port, "explain?host=acme.kiln.localhost")}'`,
    },
    {
      title:
        "Break the version that everybody is on (the same with '\"refuse\":false' mends it), and check health again",
      command: `curl -s ${json} -d '{"product":"kiln","version":"2.8.0","refuse":true}' ${controlUrl}/demo`,
    },
  ];
}

function forBareRun(port: number): ThingToTry[] {
  return [
    healthCheck(port),
    {
      title: "The deep check, for people and dashboards",
      command: `curl -s http://localhost:${port}/readyz`,
    },
    { title: "What is known", command: `curl -s ${authorization} ${api(port, "status")}` },
    {
      title: "Make a product",
      command: `curl -s -X PUT ${authorization} ${json} -d '{"domains":["kiln.localhost"]}' ${api(port, "products/kiln")}`,
    },
    {
      title: "Register a version of it",
      command: `curl -s -X PUT ${authorization} ${json} -d '{"origin":"http://127.0.0.1:9000"}' ${api(port, "products/kiln/versions/1.0.0")}`,
    },
  ];
}
