/**
 * `product mode`: who serves a product, Firebreak or today's fleet. `product compare`: how the two agree, by what the fleet
 * said of its answers. Making a product active is when accounts would change version if the two differ, so what is known
 * of that is shown first, and meant by `--yes`.
 */
import type { Command } from "commander";
import {
  FleetComparisonSchema,
  ModeInputSchema,
  type FleetComparisonView,
} from "../../src/contracts/api/fleet.ts";
import { ProductSchema } from "../../src/contracts/api/products.ts";
import { oneOf, toInput, toProduct, wholeFrom } from "./arguments.ts";
import { change } from "./change.ts";
import { RUN } from "./command-line.ts";
import { cliFailure, EXIT_FAILED } from "./failure.ts";
import { renderProduct } from "./product.ts";
import { clean, count, instant, renderFields, renderTable } from "./render.ts";
import { addVerb, printJson, type ArgumentSpec, type ProgramContext, type Session } from "./verb.ts";

const PRODUCT: ArgumentSpec = { name: "<product>", about: "name of the product", parse: toProduct };
const SHOWN_BEFORE = 10;

export function addProductMode(product: Command, context: ProgramContext): void {
  addMode(product, context);
  addCompare(product, context);
}

function addMode(product: Command, context: ProgramContext): void {
  addVerb(
    product,
    {
      name: "mode",
      summary: "say who serves the product: Firebreak, or today's fleet",
      unsaid: "as it is set",
      arguments: [
        PRODUCT,
        {
          name: "<mode>",
          about: "pass-through (the fleet answers), compare (and decisions are held against it), active",
          parse: oneOf("pass-through", "compare", "active"),
        },
      ],
      options: [
        { flags: "--origin <origin>", about: "today's fleet, as https://host[:port]" },
        {
          flags: "--version-header <name>",
          about: "response header in which the fleet names the version, spelt as it is registered here",
        },
        { flags: "--yes", about: "make it active although accounts would get another version" },
      ],
      changes: true,
      reason: true,
      writes: true,
      seeAlso: ["product compare", "compare", "accounts import", "explain"],
      notes: [
        "Health checks, break-glass and holds come first in every mode. The fleet gets the name that was asked for in\nX-Forwarded-Host. No rollout and no replacement of the product can run meanwhile.",
      ],
      examples: [
        'product mode kiln pass-through --origin https://fleet.origins.example.net --reason "adoption begins"',
        'product mode kiln compare --version-header X-Version --reason "a week beside the fleet"',
        'product mode kiln active --reason "no account differs"',
      ],
      run: setMode,
    },
    context,
  );
}

async function setMode(session: Session): Promise<void> {
  const { words } = session;
  const mode = words.text("mode");
  const path = `/products/${encodeURIComponent(words.text("product"))}`;
  const body = toInput(ModeInputSchema, {
    mode,
    reason: words.text("reason"),
    ...(words.maybe("origin") === undefined ? {} : { origin: words.text("origin") }),
    ...(words.maybe("versionHeader") === undefined ? {} : { versionHeader: words.text("versionHeader") }),
  });
  if (mode === "active") await sayWhoWouldChange(session, path);
  await change(session, {
    schema: ProductSchema,
    request: { method: "PUT", path: `${path}/mode`, body },
    render: renderProduct,
  });
}

/** @throws Failure when accounts would get another version and nobody said that it is meant. */
async function sayWhoWouldChange(session: Session, path: string): Promise<void> {
  const compared = await session
    .api()
    .find(FleetComparisonSchema, { method: "GET", path: `${path}/compare` });
  if (compared === null || compared.value.mode === "active") return;
  const { differing, accounts, product, compared: answers, mode } = compared.value;
  const { err } = session.terminal;
  if (mode === "pass-through" || answers === 0) {
    if (!session.json)
      err.write(
        `Nothing was compared with the fleet: \`${RUN}product mode ${product} compare\` would tell who differs.\n`,
      );
    return;
  }
  const words = `${count(differing, "account")} would get another version than the one that the fleet answered with (${answers.toLocaleString("en-US")} answers compared)`;
  if (differing === 0 || session.words.on("yes") || session.dryRun) {
    if (!session.json) err.write(`${words}.\n`);
    return;
  }
  throw cliFailure("not-meant", {
    title: `${words}`,
    detail: renderTable(HEADS, accounts.slice(0, SHOWN_BEFORE).map(toRow)).trimEnd(),
    next: `\`${RUN}product compare ${product}\` lists them all. If it is meant, run this again with --yes. Nothing was changed.`,
  });
}

function addCompare(product: Command, context: ProgramContext): void {
  addVerb(
    product,
    {
      name: "compare",
      summary: "how today's fleet and the decisions agree, and who differs",
      arguments: [PRODUCT],
      options: [
        {
          flags: "--limit <number>",
          about: "how many accounts to list (--json lists up to 1,000)",
          parse: wholeFrom(0),
          preset: 20,
        },
      ],
      exits: ["no account would get another version", "some would"],
      seeAlso: ["product mode", "compare", "explain"],
      examples: ["product compare kiln", "product compare kiln --json"],
      run: compare,
    },
    context,
  );
}

async function compare(session: Session): Promise<number> {
  const path = `/products/${encodeURIComponent(session.words.text("product"))}/compare`;
  const { value, raw } = await session.api().send(FleetComparisonSchema, { method: "GET", path });
  if (session.json) printJson(session, raw);
  else session.terminal.out.write(renderFleetComparison(value, session.words.number("limit") ?? 0));
  return value.differing === 0 ? 0 : EXIT_FAILED;
}

const HEADS = ["account", "today", "Firebreak", "differing answers", "last"];

function toRow(one: FleetComparisonView["accounts"][number]): (string | number | null)[] {
  const { account, theirs, ours, requests, lastAt } = one;
  return [account ?? "(no known account)", clean(theirs), ours ?? "none", requests, instant(lastAt)];
}

/** For people; exported for its test. */
export function renderFleetComparison(compared: FleetComparisonView, limit: number): string {
  const { agree, compared: answers, accounts, differing, mode, forgotten } = compared;
  const fields = renderFields([
    ["product", compared.product],
    ["mode", mode],
    ["since", compared.since === null ? null : instant(compared.since)],
    ["version header", compared.versionHeader],
    ["answers compared", answers],
    ["agree", answers === 0 ? agree : `${agree.toLocaleString("en-US")} (${shareOf(agree, answers)})`],
    ["differ", compared.differ],
    ["fleet named no version", compared.unnamed],
    ["maps had no version", compared.undecided],
    ["accounts that differ now", differing],
    ["accounts that did, and do not any more", compared.settled],
    ...(forgotten === 0 ? [] : [["differing answers not kept by account", forgotten] as const]),
  ]);
  const rows = accounts.slice(0, limit).map(toRow);
  const more = differing - rows.length;
  const list = rows.length === 0 ? "" : `\n${renderTable(HEADS, rows)}`;
  return `${fields}${list}${more > 0 ? `… and ${more.toLocaleString("en-US")} more (--limit, or --json)\n` : ""}`;
}

/** Never rounds up to all. */
function shareOf(agree: number, answers: number): string {
  return `${(Math.floor((agree / answers) * 10_000) / 100).toFixed(2)} %`;
}
