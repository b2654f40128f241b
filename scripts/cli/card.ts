/**
 * `card`: ten lines of curl for the night in which nothing but a shell is left, filled in for this deployment. Prints and
 * asks nobody; the token stays in the environment of whoever runs them. Print it before it is needed.
 */
import type { Command } from "commander";
import { BREAK_GLASS_COMMANDS, PRODUCTION, shellWord } from "../../src/core/break-glass-words.ts";
import { oneOf, toProduct, toSlug, toVersion } from "./arguments.ts";
import { breakGlassLine } from "./break-glass-line.ts";
import { resolveAddress } from "./client.ts";
import { clean } from "./render.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

export function addCard(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "card",
      summary: "ten lines of curl for the worst night, filled in for this deployment; print it before",
      unsaid: "a word in capitals, to be replaced",
      options: [
        { flags: "--product <product>", about: "fill this in", parse: toProduct },
        { flags: "--good <version>", about: "the version to go back to", parse: toVersion },
        { flags: "--bad <version>", about: "the version to get away from", parse: toVersion },
        { flags: "--account <account>", about: "fill this in", parse: toSlug },
        { flags: "--host <domain>", about: "what people call the account by" },
        { flags: "--rollout <id>", about: "fill this in" },
        {
          flags: "--env <name>",
          about: "environment of wrangler.toml that it is for: production or staging",
          parse: oneOf(PRODUCTION, "staging"),
        },
      ],
      seeAlso: ["status", "break-glass check", "halt on"],
      examples: ["card", "card --product kiln --good 2.8.0 --bad 2.9.0 --rollout 2026-11-autumn"],
      run: printCard,
    },
    context,
  );
}

interface Line {
  readonly to: string;
  readonly line: string;
}

async function printCard(session: Session): Promise<void> {
  const lines = cardLines(session);
  if (session.json) return printJson(session, { lines });
  session.terminal.out.write(
    [
      "# The token is taken from $FIREBREAK_TOKEN. Replace the words in capitals.\n",
      ...lines.map(({ to, line }, index) => `\n# ${index + 1}. ${to}\n${clean(line)}\n`),
    ].join(""),
  );
}

/** The ten lines. */
function cardLines({ words, terminal }: Session): readonly Line[] {
  const { origin, hostname } = resolveAddress(words.maybe("url"), terminal.env);
  const base = `${origin}/api/v1`;
  const product = words.maybe("product") ?? "PRODUCT";
  const good = words.maybe("good") ?? "GOOD";
  const bad = words.maybe("bad") ?? "BAD";
  const account = words.maybe("account") ?? "ACCOUNT";
  const host = words.maybe("host") ?? "HOST";
  const rollout = words.maybe("rollout") ?? "ROLLOUT";
  const reason = "WHY";
  const curl = (path: string, send?: readonly [method: string, body: unknown]): string =>
    [
      `curl -sS --fail-with-body -H "Authorization: Bearer $FIREBREAK_TOKEN"`,
      ...(send === undefined
        ? []
        : ["-X", send[0], "-H 'Content-Type: application/json'", "-d", shellWord(JSON.stringify(send[1]))]),
      shellWord(`${base}${path}`),
    ].join(" ");
  const document = { reason, expires: "END", instead: { [product]: { [bad]: good } } };
  return [
    { to: "stop everything that moves by itself", line: curl("/halt", ["PUT", { on: true, reason }]) },
    { to: "see how it stands", line: curl("/status") },
    {
      to: "know why a host gets what it gets",
      line: curl(`/explain?host=${host}`),
    },
    {
      to: "take a rollout back, everybody it moved",
      line: curl(`/rollouts/${rollout}/rollback`, ["POST", { reason, confirmed: true }]),
    },
    {
      to: "put the default (unknown accounts) back",
      line: curl(`/products/${product}/default/revert`, ["POST", { reason }]),
    },
    {
      to: "put one account back alone",
      line: curl(`/accounts/${account}/quarantine/${product}`, ["PUT", { version: good, reason }]),
    },
    {
      to: "a maintenance page for one account; for a product: /products/PRODUCT/hold",
      line: curl(`/accounts/${account}/hold`, ["PUT", { mode: "page", message: null, until: null, reason }]),
    },
    {
      to: "without control plane and admin host: break-glass; END as 2026-11-29T06:00:00Z",
      line: putOf(shellWord(JSON.stringify(document)), { named: words.maybe("env"), hostname }),
    },
    { to: "see who did what", line: curl("/audit?limit=20") },
    { to: "save everything, before anything else is tried", line: `${curl("/export")} -o firebreak.ndjson` },
  ];
}

/** Into the environment that is named, else where the address tells. */
function putOf(
  document: string,
  { named, hostname }: { named: string | undefined; hostname: string },
): string {
  return named === undefined
    ? breakGlassLine(document, { environment: null, hostname })
    : BREAK_GLASS_COMMANDS.put(document, named);
}
