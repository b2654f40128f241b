/**
 * `rollout plan --with-freeze`: a freeze that is not there, as one option and its scope, and how the answer reads: each
 * wave as it is and as it would be. Nothing is written down by it.
 */
import { FreezeInputSchema } from "../../src/contracts/api/calendar.ts";
import { CellSchema } from "../../src/contracts/api/common.ts";
import type { RolloutPlanAnswer } from "../../src/contracts/api/rollout-plan.ts";
import { commaList, repeated, splitPair, toInput, toProduct, toZone, word } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { count, instant, renderTable } from "./render.ts";
import type { OptionSpec, Session } from "./verb.ts";

export const WITH_FREEZE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--with-freeze <from/to>",
    about:
      "what would this freeze change? Local dates or date-times, as in 2026-12-20/2027-01-03 (default: only the freezes that are there)",
  },
  {
    flags: "--freeze-zone <zone>",
    about: "its IANA zone (default: each account's own)",
    parse: toZone("account"),
  },
  {
    flags: "--freeze-products <products>",
    about: "only moves of these, apart by commas (default: all)",
    parse: commaList(toProduct),
  },
  {
    flags: "--freeze-label <key=value>",
    about: "only accounts that carry it, repeatable: all of them (default: all accounts)",
    parse: repeated((text: string) => splitPair(text, "KEY=VALUE, as in tier=gold")),
  },
  {
    flags: "--freeze-cells <cells>",
    about: "only accounts in these, apart by commas (default: all)",
    parse: commaList(word(CellSchema)),
  },
];

const SCOPE = ["freezeZone", "freezeProducts", "freezeLabel", "freezeCells"] as const;

/** The freeze as the address carries it; undefined when none was named. @throws Failure (usage). */
export function withFreeze({ words }: Session): string | undefined {
  const span = words.maybe("withFreeze");
  if (span === undefined) {
    const stray = SCOPE.find((name) => words.value(name) !== undefined);
    if (stray !== undefined) throw usageFailure("The scope of a freeze needs --with-freeze FROM/TO.");
    return undefined;
  }
  const [from, to, ...more] = span.split("/");
  if (from === undefined || to === undefined || more.length > 0)
    throw usageFailure(`"${span}" is no FROM/TO, as in 2026-12-20/2027-01-03.`);
  const products = words.texts("freezeProducts");
  const cells = words.texts("freezeCells");
  const labels = labelsOf(words.value("freezeLabel"));
  const freeze = toInput(FreezeInputSchema, {
    from,
    to,
    zone: words.maybe("freezeZone") ?? "account",
    scope: {
      ...(products === undefined ? {} : { products }),
      ...(labels === null ? {} : { labels }),
      ...(cells === undefined ? {} : { cells }),
    },
    reason: "what if",
  });
  return JSON.stringify(freeze);
}

function labelsOf(value: unknown): Readonly<Record<string, string>> | null {
  if (!Array.isArray(value)) return null;
  const given: readonly unknown[] = value;
  const pairs = given.filter(
    (pair): pair is [string, string] =>
      Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "string",
  );
  return Object.fromEntries(pairs);
}

const when = (at: string | null | undefined): string => (at == null ? "never" : (instant(at) ?? "never"));

/** Waves and the end, as they are and as they would be; empty when no freeze was asked about. */
export function renderWhatIf({ waves, endAt, notReached, whatIf }: RolloutPlanAnswer): string {
  if (whatIf == null) return "";
  const rows = waves.map(({ name, shiftedAt }) => {
    const changed = whatIf.waves.find((wave) => wave.name === name);
    return [name, when(shiftedAt), when(changed?.shiftedAt)];
  });
  const { freeze } = whatIf;
  const reached =
    whatIf.notReached === null || notReached === null
      ? ""
      : `Not reached before ${instant(notReached.before)}: ${count(whatIf.notReached.accounts, "account")} instead of ${notReached.accounts.toLocaleString("en-US")}.\n`;
  return `\nWith a freeze from ${freeze.from} to ${freeze.to} (${freeze.zone})\n${renderTable(
    ["wave", "moved by", "with it"],
    [...rows, ["the end", when(endAt), when(whatIf.endAt)]],
  )}${reached}`;
}
