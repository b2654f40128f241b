/**
 * `gate test`: with this traffic, which difference would a gate see, after how many requests and accounts? Computed here
 * with the formulas of the gate itself; asks no server. `rollout show` says the same of traffic that is there.
 */
import type { Command } from "commander";
import type { TrafficForecast } from "../../src/contracts/gate-forecast.ts";
import {
  neededToFail,
  neededToPass,
  reachAfter,
  type ForecastInput,
  type GateNeed,
} from "../../src/core/gates/forecast.ts";
import { gatePolicy } from "../../src/core/gates/policy.ts";
import { numberBetween, oneOf, toShare, wholeFrom } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { count, renderTable } from "./render.ts";
import { duration } from "./rollout-render.ts";
import { addObject, addVerb, printJson, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const MINUTE_MS = 60_000;
const LOOKS = [10, 60, 240, 1440, 4320, 10_080] as const;
const INCREASES = [2, 3, 5, 10, 25] as const;
const PERCENT = 100;

const OPTIONS: readonly OptionSpec[] = [
  { flags: "--accounts <count>", about: "accounts with traffic (needed)", parse: wholeFrom(2) },
  {
    flags: "--moved <percent>",
    about: "how many of them have moved, percent",
    parse: numberBetween(0, 100),
    preset: 40,
  },
  {
    flags: "--requests <rate>",
    about: "requests of all of them in a minute (needed)",
    parse: numberBetween(0, 1e9),
  },
  { flags: "--error-rate <share>", about: "share that fails today, 0 to 1", parse: toShare, preset: 0.01 },
  {
    flags: "--spread <ratio>",
    about: "how accounts differ beyond their own past: deviation over mean",
    parse: numberBetween(0, 1000),
    preset: 0,
  },
  {
    flags: "--tolerate <points>",
    about: "errorIncreasePercent of the plan, percentage points",
    parse: numberBetween(0, 100),
    preset: 1,
  },
  { flags: "--alpha <share>", about: "alpha of the plan", parse: toShare, preset: 0.05 },
  { flags: "--min-accounts <count>", about: "minAccounts of the plan", parse: wholeFrom(1), preset: 20 },
  {
    flags: "--tests <count>",
    about: "waves (and a default) times products: they share alpha",
    parse: wholeFrom(1),
    preset: 1,
  },
  {
    flags: "--power <50|80|95>",
    about: "how sure to see it, percent",
    parse: oneOf("50", "80", "95"),
    preset: "80",
  },
];

export function addGate(program: Command, context: ProgramContext): void {
  const object = addObject(program, "gate", { summary: "what a gate could see with some traffic" });
  addVerb(
    object,
    {
      name: "test",
      summary: "with this traffic, what difference would be seen, after how many requests and accounts?",
      seeAlso: ["rollout plan", "rollout show", "replay run"],
      options: OPTIONS,
      notes: ["It takes accounts alike in size; a large one counts for at most 2 % of its side."],
      examples: [
        "gate test --accounts 400 --requests 40",
        "gate test --accounts 60 --requests 2 --moved 20 --error-rate 0.002 --power 95",
      ],
      run: test,
    },
    context,
  );
}

function numberOf({ words }: Session, name: string): number {
  const value = words.number(name);
  if (value === undefined || !Number.isFinite(value) || value < 0)
    throw usageFailure(`--${name} is needed: a number that is not negative.`);
  return value;
}

function inputOf(session: Session): ForecastInput {
  const accounts = numberOf(session, "accounts");
  const moved = Math.round((accounts * numberOf(session, "moved")) / PERCENT);
  const traffic: TrafficForecast = {
    movedAccounts: moved,
    notMovedAccounts: accounts - moved,
    requestsPerAccountMinute: numberOf(session, "requests") / accounts,
    errorRate: numberOf(session, "errorRate"),
    rateSpread: numberOf(session, "spread"),
    sizeSpread: 0,
  };
  if (moved < 1 || moved > accounts) throw usageFailure("--moved must leave at least one moved account.");
  const policy = gatePolicy({
    errorIncreasePercent: numberOf(session, "tolerate"),
    alpha: numberOf(session, "alpha"),
    minAccounts: numberOf(session, "minAccounts"),
    mustHave: [],
    onFail: "pause",
    onInconclusive: "hold",
  });
  const power = session.words.text("power");
  const asked = power === "50" ? 50 : power === "95" ? 95 : 80;
  return { policy, traffic, tests: numberOf(session, "tests"), power: asked };
}

async function test(session: Session): Promise<number> {
  const input = inputOf(session);
  const reach = LOOKS.map((minutes) => reachAfter(input, minutes));
  const fails = INCREASES.filter((points) => points > input.policy.errorIncreasePercent).map((points) => ({
    increasePercent: points,
    need: neededToFail(input, points),
  }));
  const passes = neededToPass(input);
  if (session.json) printJson(session, { traffic: input.traffic, reach, fails, passes });
  else session.terminal.out.write(render(input, { reach, fails, passes }));
  return 0;
}

interface Found {
  readonly reach: readonly ReturnType<typeof reachAfter>[];
  readonly fails: readonly { readonly increasePercent: number; readonly need: GateNeed | null }[];
  readonly passes: GateNeed | null;
}

function needText(need: GateNeed | null): string {
  if (need === null) return "not within a year";
  return `${duration(need.minutes * MINUTE_MS)}, ${count(need.movedRequests, "request")} of ${count(need.movedAccounts, "moved account")}`;
}

function render({ traffic, policy }: ForecastInput, { reach, fails, passes }: Found): string {
  const few =
    traffic.movedAccounts < policy.minAccounts
      ? `Only ${count(traffic.movedAccounts, "moved account")}, where minAccounts is ${policy.minAccounts}: it stays inconclusive.\n`
      : "";
  const after = renderTable(
    ["after", "requests of moved accounts", "fails from, points", "a good version passes"],
    reach.map(({ minutes, movedRequests, failsFromPercent, passes: good }) => [
      duration(minutes * MINUTE_MS),
      movedRequests,
      failsFromPercent === null ? "nothing" : `+${failsFromPercent.toFixed(2)}`,
      good ? "yes" : "not yet",
    ]),
  );
  const seen = renderTable(
    ["increase, points", "is seen after"],
    fails.map(({ increasePercent, need }) => [`+${increasePercent}`, needText(need)]),
  );
  return `${few}${after}\n${seen}A version without any increase passes after: ${needText(passes)}\n`;
}
