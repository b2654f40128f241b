/**
 * What the new version of the router is asked before and while it gets traffic: health, /readyz, `status`, an account that
 * nobody has and one that somebody has. Each is also asked of the version before, and must get the same status; what is
 * broken behind both is not this release's. Requests without Host never reach a Worker on the platform, so none is sent.
 */
import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { z } from "zod";

export interface Target {
  readonly adminHost: string;
  /** A base domain of a product. */
  readonly domain: string;
  /** A slug that somebody has; null: that probe is left out. */
  readonly account: string | null;
  readonly token: string;
  /** Where to connect in place of each host's own address; null: as names resolve. */
  readonly through: URL | null;
  /** Name of the Worker, for the override header. */
  readonly worker: string;
}

export interface Asked {
  readonly status: number;
  readonly body: string;
}

interface Question {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 15_000;
const MAX_BODY = 4 * 1024 * 1024;

/** The structured header that picks a version of the current deployment. */
export function overrideHeader(worker: string, version: string): Readonly<Record<string, string>> {
  return { "cloudflare-workers-version-overrides": `${worker}="${version}"` };
}

/** Asks one question of one version. Throws when no answer comes. */
export function ask(target: Target, version: string, question: Question): Promise<Asked> {
  const { through } = target;
  const url = new URL(question.path, through ?? `https://${question.host}`);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send(url, {
      method: question.method,
      agent: false,
      headers: { ...question.headers, ...overrideHeader(target.worker, version), host: question.host },
      ...(url.protocol === "https:" ? { servername: question.host } : {}),
    });
    outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error("no answer in 15 s")));
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      let body = "";
      incoming.on("data", (chunk: Buffer) => {
        if (body.length < MAX_BODY) body += chunk.toString("utf8");
      });
      incoming.once("error", reject);
      incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, body }));
    });
    outgoing.end();
  });
}

const StatusSchema = z.looseObject({
  router: z.looseObject({ version: z.string() }).nullable().default(null),
  alarms: z
    .array(z.looseObject({ name: z.string().optional(), level: z.string(), words: z.string() }))
    .default([]),
});
const ReadySchema = z.looseObject({ ready: z.string(), control: z.string() });

export interface RouterStatus {
  /** Version of the Worker that answered; null: it does not say. */
  readonly version: string | null;
  /** Alarms that page somebody, in words. */
  readonly alarms: readonly string[];
}

/** Asks `status` of one version. Throws when it is refused or is something else. */
export async function askStatus(target: Target, version: string): Promise<RouterStatus> {
  const { status, body } = await ask(target, version, {
    method: "GET",
    host: target.adminHost,
    path: "/api/v1/status",
    headers: { authorization: `Bearer ${target.token}`, accept: "application/json" },
  });
  if (status !== 200) throw new Error(`status answered ${status}`);
  const parsed = StatusSchema.parse(JSON.parse(body));
  return {
    version: parsed.router?.version ?? null,
    alarms: parsed.alarms.filter(({ level }) => level === "page").map(({ words }) => words),
  };
}

/** One probe: what it asks, and what is wrong with an answer. */
interface Probe {
  readonly name: string;
  readonly question: Question;
  readonly wrong: (answer: Asked, before: Asked) => string | null;
}

const same = (answer: Asked, before: Asked): string | null =>
  answer.status === before.status ? null : `answers ${answer.status}, the version before ${before.status}`;

function probesFor({ adminHost, domain, account }: Target): readonly Probe[] {
  const stranger = `nobody-${randomBytes(6).toString("hex")}.${domain}`;
  return [
    {
      name: "health",
      question: { method: "OPTIONS", host: adminHost, path: "/" },
      wrong: ({ status }) => (status === 204 ? null : `answers ${status}, and must answer 204`),
    },
    { name: "readyz", question: { method: "GET", host: adminHost, path: "/readyz" }, wrong: readyWrong },
    { name: "unknown account", question: { method: "GET", host: stranger, path: "/" }, wrong: same },
    ...(account === null
      ? []
      : [
          {
            name: `account ${account}`,
            question: { method: "GET", host: `${account}.${domain}`, path: "/" },
            wrong: same,
          },
        ]),
  ];
}

function readyWrong({ status, body }: Asked, before: Asked): string | null {
  const ready = readyOf(body);
  if (ready === null) return `answers ${status} without the words it should have`;
  const was = readyOf(before.body);
  if (ready.ready === "no" && was?.ready !== "no") return "says that it is not ready";
  if (ready.control === "unreachable" && was?.control !== "unreachable")
    return "cannot reach the control plane";
  return null;
}

function readyOf(body: string): z.infer<typeof ReadySchema> | null {
  try {
    return ReadySchema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

/** Sends every probe to both versions. @returns what is wrong, a sentence each; empty: nothing. */
export async function probe(
  target: Target,
  { fresh, before }: { readonly fresh: string; readonly before: string },
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { name, question, wrong: judge } of probesFor(target)) {
    try {
      const answers = [await ask(target, fresh, question), await ask(target, before, question)] as const;
      const found = judge(...answers);
      if (found !== null) wrong.push(`${name} ${found}`);
    } catch (error) {
      wrong.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return wrong;
}
