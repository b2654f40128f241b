/**
 * What operators have asked for and were not refused, as far as a checker must know it to say what is legitimate. It is
 * written from their commands and the answers alone; nothing in it comes from the tables of the control plane, except
 * after a restore, which replaces those by others.
 */
import { HOTFIX, PRODUCTS, WAVES, type Beginning } from "./beginnings.ts";

export interface RolloutEntry {
  readonly id: string;
  readonly targets: Readonly<Record<string, string>>;
  /** Waves by index that need a person's word, and those that have it. */
  readonly needsApproval: ReadonlySet<number>;
  readonly approved: Set<number>;
  /** Cohorts by wave. */
  readonly cohorts: readonly (readonly string[])[];
  /** Windows of its waves by index; null: any time. */
  readonly windows: readonly (string | null)[];
  /** Hundredths of a percent a minute, by wave; null: at once. */
  readonly paces: readonly (number | null)[];
  isRunning: boolean;
  /** A rollback was asked for, now or earlier. */
  isBackAsked: boolean;
}

export interface Freeze {
  readonly fromMs: number;
  readonly untilMs: number;
}

export class Book {
  readonly rollouts = new Map<string, RolloutEntry>();
  /** Versions that somebody named for an account: `product/account` to versions. */
  readonly named = new Map<string, Set<string>>();
  /** Versions that were stable, and that an import or edit gave new accounts, since the last publish and before. */
  readonly given = new Set<string>();
  /** `product FROM TO`. */
  readonly replacements = new Set<string>();
  /** Defaults that were asked for: `product version`. */
  readonly defaults = new Set<string>();
  readonly freezes = new Map<string, Freeze>();
  isHalted = false;
  /** A restore was carried out and is not published yet: it may move anybody, and is told of who. */
  isRestored = false;

  name(product: string, account: string, version: string): void {
    const key = `${product}/${account}`;
    const versions = this.named.get(key) ?? new Set();
    versions.add(version);
    this.named.set(key, versions);
  }

  isNamed(product: string, account: string, version: string): boolean {
    return this.named.get(`${product}/${account}`)?.has(version) === true;
  }

  isFrozen(atMs: number): boolean {
    return [...this.freezes.values()].some(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
  }
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Minutes east of UTC in the weeks that histories play in: reckoned by hand, not by the calendar under test. */
const OFFSETS: Readonly<Record<string, number>> = {
  "Europe/Paris": 60,
  "America/New_York": -300,
  "Asia/Kolkata": 330,
};
const [FRIDAY, SATURDAY, SUNDAY] = [5, 6, 0] as const;

/** The window `nights` of rollout-world: Friday and Saturday 22:00 to 02:00, in the account's zone. */
export function isNight(zone: string, atMs: number): boolean {
  const localMs = atMs + (OFFSETS[zone] ?? 0) * MINUTE;
  const day = new Date(localMs).getUTCDay();
  const minute = Math.floor((localMs % DAY) / MINUTE);
  const evening = (day === FRIDAY || day === SATURDAY) && minute >= 22 * 60;
  return evening || ((day === SATURDAY || day === SUNDAY) && minute < 2 * 60);
}

/** The rollout that a beginning has begun. */
export const BEGUN = "begun";

type Plan = keyof typeof WAVES;

/** Writes down what a plan lets a rollout do. */
export function enterRollout(book: Book, id: string, plan: Plan): void {
  const waves = WAVES[plan];
  book.rollouts.set(id, {
    id,
    targets: { kiln: "2", fogbugz: "2" },
    needsApproval: new Set(waves.flatMap(({ approve }, index) => (approve === "before" ? [index] : []))),
    approved: new Set(),
    cohorts: waves.map(({ cohorts }) => cohorts),
    windows: waves.map(({ window }) => (typeof window === "string" ? window : null)),
    paces: waves.map(({ percentPerMinute }) =>
      percentPerMinute === undefined ? null : percentPerMinute * 100,
    ),
    isRunning: true,
    isBackAsked: false,
  });
}

const PLANS: Readonly<Partial<Record<Beginning["name"], Plan>>> = {
  moving: "steps",
  windows: "nights",
  ending: "quick",
  "mixed-never": "all",
  hooks: "all",
};

/** What had been asked for before a history begins. */
export function enterBeginning(book: Book, { name }: Beginning): void {
  for (const product of PRODUCTS) book.given.add(`${product} 1`);
  const plan = PLANS[name];
  if (plan !== undefined) enterRollout(book, BEGUN, plan);
  if (name === "replacing") book.replacements.add(`kiln 1 ${HOTFIX}`);
}
