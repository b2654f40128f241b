/**
 * Fuzz targets of the admin surface on the real control plane: every documented operation with documents and names that are
 * nearly right, several after each other, imports as lines, plan files, and who may come in at all.
 */
import fc from "fast-check";
import { parseJsonc, JsoncError } from "../../scripts/cli/jsonc.ts";
import { createLineSplitter, type Line } from "../../src/admin/ndjson-lines.ts";
import {
  ADMIN_HOST,
  BOOT_TOKEN,
  buildAdmin,
  readDocuments,
  type TestAdmin,
} from "../support/admin-builders.ts";
import { createMemoryDb } from "../support/control-db.ts";
import { addProducts, createWorld } from "../support/control-world.ts";
import { createDashboardWorld } from "../support/dashboard-world.ts";
import { address, bodyOf, readDocument, routesOf, SAMPLES, type Route } from "../support/documented-api.ts";
import { nearDocument, nearText, ODD_TEXTS } from "./mutate.ts";
import { must, type Target } from "./target.ts";

const SAMPLE = { ...SAMPLES, version: "2", from: "1" };
const NDJSON = { "content-type": "application/x-ndjson" };
const MAX_LINE_BYTES = 200;

async function realAdmin(): Promise<TestAdmin> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  const admin = buildAdmin({ real: world.control, kv: world.kv.values });
  admin.clock.nowMs = world.clock.now;
  return admin;
}

const ROUTES: ReadonlyMap<string, Route> = new Map(
  routesOf(await readDocument(buildAdmin())).map((route) => [`${route.method} ${route.path}`, route]),
);

/** No 5xx, and a refusal that a person can do something with. */
async function expectSound(response: Response): Promise<void> {
  const text = await response.text();
  must(response.status < 500, "a 5xx for what a client sent", { status: response.status, text });
  if (response.status < 400) return;
  const problem = JSON.parse(text) as { type?: unknown; detail?: unknown; title?: unknown };
  must(String(problem.type).startsWith("urn:firebreak:problem:"), "no problem", problem);
  const detail = problem.detail ?? problem.title;
  must(typeof detail === "string" && detail.length > 5, "a refusal without words", problem);
  must(!/undefined|\[object |NaN|\bat \S+:\d+:\d+/.test(text), "words that help nobody", problem);
}

const pathWord = fc.option(nearText(fc.constantFrom(...Object.values(SAMPLE), ...ODD_TEXTS), 2), {
  nil: null,
});
const queryPairs = fc.array(
  fc.tuple(
    fc.constantFrom(
      "limit",
      "cursor",
      "reason",
      "at",
      "host",
      "product",
      "version",
      "prefix",
      "since",
      "odd",
    ),
    nearText(fc.constantFrom("1", "acme.kiln.example.com", "2026-11-28T22:05:00Z", "kiln", "a")),
  ),
  { maxLength: 3 },
);

const call = fc.constantFrom(...ROUTES).chain(([operation, route]) => {
  const sent = bodyOf(route);
  const body =
    sent.headers?.["content-type"] === "application/json"
      ? nearDocument([JSON.parse(sent.body ?? "null")]).map((document) => JSON.stringify(document) ?? "")
      : fc.constant(sent.body);
  return fc.record({ operation: fc.constant(operation), body, word: pathWord, query: queryPairs });
});

export const apiTarget: Target = {
  name: "api",
  about: "every operation of the API, several in a row: never a 5xx, and refusals say what to do",
  property: () =>
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 4 }), async (calls) => {
      const admin = await realAdmin();
      for (const { operation, body, word, query } of calls) {
        const route = ROUTES.get(operation);
        if (route === undefined) throw new Error(operation);
        // What cannot be sent as UTF-8 does not come in an address.
        const samples = word === null ? SAMPLE : { ...SAMPLE, [lastNameOf(route)]: word.toWellFormed() };
        const clean = address(route, samples);
        const more = new URLSearchParams(query.filter(([name]) => !clean.includes(`${name}=`)));
        const path = more.size === 0 ? clean : `${clean}${clean.includes("?") ? "&" : "?"}${more.toString()}`;
        const { headers } = bodyOf(route);
        await expectSound(
          await admin.call(path, {
            method: route.method,
            ...(headers === undefined ? {} : { headers }),
            ...(body === undefined || route.method === "GET" ? {} : { body }),
          }),
        );
      }
    }),
};

const lastNameOf = ({ path }: Route): string => /\{(\w+)\}[^{]*$/.exec(path)?.[1] ?? "none";

const LINES = [
  '{"account":"acme","timeZone":"Europe/Paris","cohort":"early"}',
  '{"account":"b","timeZone":"UTC","cohort":"internal","labels":{"plan":"team"},"domains":[{"host":"code.b.example","product":"kiln"}]}',
  '{"account":"c","timeZone":"Asia/Tokyo","cohort":"general","products":["kiln"],"homes":{"kiln":"1"}}',
  "",
];
const lines = fc.array(nearText(fc.constantFrom(...LINES), 2), { maxLength: 12 });
const cuts = fc.array(fc.nat(2000), { maxLength: 6 });

function split(bytes: Uint8Array, at: readonly number[]): Line[] {
  const splitter = createLineSplitter(MAX_LINE_BYTES);
  const places = [...new Set(at.map((place) => place % (bytes.byteLength + 1)))].toSorted((a, b) => a - b);
  const found: Line[] = [];
  let from = 0;
  for (const place of [...places, bytes.byteLength]) {
    found.push(...splitter.push(bytes.subarray(from, place)));
    from = place;
  }
  return [...found, ...splitter.end()];
}

export const linesTarget: Target = {
  name: "ndjson",
  about:
    "lines of an import: the same however they are cut into chunks; each taken, or rejected by number and reason",
  property: () =>
    fc.asyncProperty(lines, cuts, fc.constantFrom("\n", "\r\n"), async (texts, at, end) => {
      const bytes = new TextEncoder().encode(texts.join(end));
      const whole = split(bytes, []);
      const cut = split(bytes, at);
      must(fc.stringify(cut) === fc.stringify(whole), "other lines by other chunks", { cut, whole });
      const admin = await realAdmin();
      const response = await admin.call("/api/v1/accounts/import", {
        method: "POST",
        body: bytes,
        headers: NDJSON,
      });
      must(response.status < 500, "a 5xx for what a client sent", response.status);
      const events = (await readDocuments(response)) as {
        event: string;
        reason?: string;
        summary?: unknown;
      }[];
      for (const { event, reason } of events)
        if (event === "rejected") must((reason ?? "").length > 3, "rejected without a reason", events);
      must(["done", "failed"].includes(events.at(-1)?.event ?? ""), "no end", events);
      must(events.at(-1)?.event === "done", "failed as a whole", { events, texts });
    }),
};

const PLANS: readonly string[] = [
  `{
  // everybody, in two waves
  "id": "autumn", "targets": { "kiln": "2", },
  "waves": [
    { "name": "staff", "cohorts": ["internal"], "percent": 100, "bake": { "minutes": 60 } },
    { "name": "rest", "cohorts": ["*"], "percent": 40.5, "percentPerMinute": 2,
      "window": { "days": ["sat"], "from": "22:00", "to": "06:00", "zone": "account" }, "approve": "before" },
  ],
  "gate": { "errorIncreasePercent": 1, "onFail": "rollback" }, /* last */
  "default": { "move": true, "mirror": { "percent": 10, "minutes": 30 } },
}`,
];

export const planTarget: Target = {
  name: "plan",
  about:
    "plan files: a mistake has its line, what is read is read again from its JSON, and planning it is never a 5xx",
  property: () =>
    fc.asyncProperty(nearText(fc.constantFrom(...PLANS), 3), async (text) => {
      let plan: unknown;
      try {
        plan = parseJsonc(text);
      } catch (error) {
        must(error instanceof JsoncError, "not an error for people", error);
        must(
          error.line >= 1 && error.line <= text.split("\n").length,
          "a line that is not there",
          error.line,
        );
        return;
      }
      const again = parseJsonc(JSON.stringify(plan));
      must(JSON.stringify(again) === JSON.stringify(plan), "not a fixed point", { plan, again });
      const admin = await realAdmin();
      await expectSound(await admin.call("/api/v1/rollouts/plan", { method: "POST", json: plan }));
      await expectSound(await admin.call("/api/v1/rollouts/autumn", { method: "PUT", json: plan }));
    }),
};

const credential = fc.oneof(
  nearText(fc.constantFrom(`Bearer ${BOOT_TOKEN}`, "Bearer boot-viewer-0001", "Basic Ym9vdA=="), 2),
  fc.constantFrom(...ODD_TEXTS),
);
/** Spellings that RFC 9110 calls the same. */
const GENUINE = new RegExp(`^[Bb][Ee][Aa][Rr][Ee][Rr] +(${BOOT_TOKEN}|boot-viewer-0001) *$`);

export const tokensTarget: Target = {
  name: "tokens",
  about:
    "credentials and session cookies that are nearly right: 401 or the way to the door, and never in the log",
  property: () => {
    const world = createDashboardWorld();
    // One session for all: sign-ins are bounded.
    const signed = world.then(({ signedIn }) => signedIn());
    return fc.asyncProperty(
      credential,
      nearText(fc.constant("SESSION"), 2),
      async (authorization, cookie) => {
        const { admin, browser } = await world;
        const session = (await signed).cookie() ?? "";
        const headers = new Headers();
        try {
          headers.set("authorization", authorization);
        } catch {
          return;
        }
        const request = new Request(`https://${ADMIN_HOST}/api/v1/whoami`, { headers });
        const { status } = await admin.admin(request, { waitUntil: () => undefined });
        const genuine = GENUINE.test(headers.get("authorization") ?? "");
        must(genuine ? status === 200 : status === 401 || status === 429, "let in, or kept out", {
          authorization,
          status,
        });
        const wrong = cookie.replace("SESSION", session);
        let page: Response;
        try {
          page = await browser().get("/", { cookie: wrong });
        } catch {
          return; // no header value for the runtime
        }
        must(page.status < 500, "a page broke", page.status);
        const isSignedIn = page.status === 200;
        const carries = wrong.split(";").some((part) => part.trim() === session);
        must(!isSignedIn || carries, "signed in without the session", wrong);
        must(!admin.log.join("\n").includes(BOOT_TOKEN), "a token in the log");
      },
    );
  },
};
