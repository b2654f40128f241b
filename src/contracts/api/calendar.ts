/**
 * Windows and freezes as the API and plan files show and take them. The shapes are described here for OpenAPI; what is
 * wrong with their contents is decided by `contracts/calendar`, which `core/calendar` asks as well, so that nothing is
 * accepted here that the arithmetic cannot read. All problems of a body are reported together.
 */
import * as z from "./zod.ts";
import {
  type CalendarProblem,
  closingClockProblem,
  freezeSpanProblems,
  localTimeProblem,
  MAX_NTH_PER_WINDOW,
  MAX_WINDOWS_PER_NAME,
  MONTH_WEEKS,
  openingClockProblem,
  scopeProblems,
  WEEKDAYS,
  windowDayProblems,
  zoneProblem,
} from "../calendar.ts";
import { LabelsSchema } from "./accounts.ts";
import { CellSchema, InstantSchema, ProductNameSchema, ReasonSchema, RevisionSchema } from "./common.ts";

/** What a refinement needs of zod's context. */
interface IssueSink {
  addIssue(issue: { code: "custom"; message: string; path: (string | number)[] }): void;
}

function report(problems: readonly CalendarProblem[], context: IssueSink): void {
  for (const { path, message } of problems) context.addIssue({ code: "custom", message, path: [...path] });
}

/** A text of which `problemOf` says what is wrong with it. */
function checkedText(max: number, problemOf: (text: string) => string | null) {
  return z
    .string()
    .max(max)
    .superRefine((text, context) => {
      const message = problemOf(text);
      if (message !== null) context.addIssue({ code: "custom", message });
    });
}

/** Name of a window or of a freeze. */
export const CalendarNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, "must be lower-case letters, digits and _ -, at most 63")
  .openapi({ example: "weekend-nights" });

export const CalendarNameParamsSchema = z.strictObject({ name: CalendarNameSchema });

/** `account` or an IANA zone. */
export const CalendarZoneSchema = checkedText(64, zoneProblem).openapi({
  example: "account",
  description: '"account" (each account\'s own) or an IANA time zone',
});

export const NthWeekdaySchema = z
  .strictObject({
    weekday: z.enum(WEEKDAYS),
    week: z.literal(MONTH_WEEKS).openapi({
      // The generator would take the type of the first and forget the others.
      type: ["integer", "string"],
      enum: [...MONTH_WEEKS],
      description: "Which one in the month: 1 to 5 (some months have no fifth) or last",
    }),
  })
  .openapi("NthWeekday");

/** One recurring local-time period. */
export const WindowSchema = z
  .strictObject({
    days: z.array(z.enum(WEEKDAYS)).optional().openapi({
      description: "Weekdays on which it starts, in its zone. Neither days nor nth: every day; both: either",
    }),
    nth: z
      .array(NthWeekdaySchema)
      .max(MAX_NTH_PER_WINDOW)
      .optional()
      .openapi({ description: "Weekdays of the month on which it starts, in its zone" }),
    from: checkedText(16, openingClockProblem).openapi({
      example: "22:00",
      description:
        "Wall clock, HH:MM. Skipped by a clock change: the first instant after it; shown twice: the first time",
    }),
    to: checkedText(16, closingClockProblem).openapi({
      example: "02:00",
      description:
        "Wall clock, HH:MM or 24:00. At or before `from`: the next day. Shown twice: the second time",
    }),
    zone: CalendarZoneSchema,
  })
  .superRefine((window, context) => report(windowDayProblems(window), context))
  .openapi("Window");

/** Windows of which any allows. */
export const WindowListSchema = z.array(WindowSchema).min(1).max(MAX_WINDOWS_PER_NAME);

/** One window or a list of which any allows; always read as a list. */
export const WindowsSchema = z
  .preprocess((given) => (Array.isArray(given) ? given : [given]), WindowListSchema)
  .openapi({ description: "One window, or a list of which any allows" });

/** Where a plan wants a window: the name of a stored one, or windows of its own (one or a list). */
export const WindowChoiceSchema = z
  .preprocess(
    (given) => (typeof given === "object" && given !== null && !Array.isArray(given) ? [given] : given),
    z.union([CalendarNameSchema, WindowListSchema]),
  )
  .openapi({ description: "Name of a window, one window, or a list of which any allows" });

/** What a freeze covers; every field that is given must match, none given covers everything. */
export const FreezeScopeSchema = z
  .strictObject({
    products: z
      .array(ProductNameSchema)
      .max(32)
      .optional()
      .openapi({ description: "Moves that touch any of these" }),
    labels: LabelsSchema.optional().openapi({ description: "Accounts that carry all of these" }),
    cells: z.array(CellSchema).max(1000).optional().openapi({ description: "Accounts in any of these" }),
  })
  .superRefine((scope, context) => {
    // The path here starts below the scope, the one in the problem at the freeze.
    report(
      scopeProblems(scope).map(({ path, message }) => ({ path: path.slice(1), message })),
      context,
    );
  })
  .openapi("FreezeScope");

const FREEZE_FIELDS = {
  from: checkedText(40, localTimeProblem).openapi({
    example: "2026-12-20",
    description: "Local date (from its beginning) or date-time without offset",
  }),
  to: checkedText(40, localTimeProblem).openapi({
    example: "2027-01-03",
    description: "Local date (frozen to its end) or date-time without offset (frozen until then)",
  }),
  zone: CalendarZoneSchema,
  scope: FreezeScopeSchema.default({}),
  reason: ReasonSchema,
};

/** Body of a write whose address names the freeze. */
export const FreezeInputSchema = z
  .strictObject(FREEZE_FIELDS)
  .superRefine((freeze, context) => report(freezeSpanProblems(freeze), context))
  .openapi("FreezeInput");

/** A freeze with its name, as plan files and lists hold it. */
export const FreezeSchema = z
  .strictObject({ name: CalendarNameSchema, ...FREEZE_FIELDS })
  .superRefine((freeze, context) => report(freezeSpanProblems(freeze), context))
  .openapi("Freeze");

const ShownInstantSchema = z.object({
  local: z
    .string()
    .openapi({ example: "2026-11-28T22:00:00+01:00", description: "Wall clock and offset in `zone`" }),
  utc: InstantSchema,
});

const ShownIntervalSchema = z.object({
  zone: z.string().openapi({ example: "Europe/Paris" }),
  start: ShownInstantSchema,
  end: ShownInstantSchema,
});

/** One run of a window, as the answer to a write shows the next three. */
export const OpeningSchema = ShownIntervalSchema.extend({
  date: z.iso.date().openapi({ description: "Local date that it belongs to" }),
}).openapi("Opening");

/** When a freeze holds, as the answer to a write shows it. */
export const FreezeSpanSchema = ShownIntervalSchema.extend({
  state: z.enum(["ahead", "in-force", "past"]),
}).openapi("FreezeSpan");

/** Who wrote it last, and when. */
const WRITTEN_FIELDS = { by: z.string(), at: InstantSchema, revision: RevisionSchema };

/** Body of a write whose address names the window. */
export const WindowPutSchema = z.strictObject({ windows: WindowsSchema }).openapi("WindowPut");

export const StoredWindowSchema = z
  .object({
    name: CalendarNameSchema,
    windows: WindowListSchema,
    next: z.array(OpeningSchema).openapi({
      description: "The next three openings; of windows in the account's own zone, in the zone that is named",
    }),
    ...WRITTEN_FIELDS,
  })
  .openapi("StoredWindow");

export const StoredFreezeSchema = z
  .object({
    name: CalendarNameSchema,
    ...FREEZE_FIELDS,
    span: FreezeSpanSchema.nullable().openapi({
      description: "When it holds; null: its zone is not known here any more, so it must be written again",
    }),
    ...WRITTEN_FIELDS,
  })
  .openapi("StoredFreeze");

export const StoredWindowListSchema = z
  .object({ items: z.array(StoredWindowSchema), cursor: z.null() })
  .openapi("StoredWindowList");
export const StoredFreezeListSchema = z
  .object({ items: z.array(StoredFreezeSchema), cursor: z.null() })
  .openapi("StoredFreezeList");

export type StoredWindow = z.infer<typeof StoredWindowSchema>;
export type StoredFreeze = z.infer<typeof StoredFreezeSchema>;
export type WindowInput = z.infer<typeof WindowSchema>;
export type WindowList = z.infer<typeof WindowListSchema>;
export type WindowChoice = z.infer<typeof WindowChoiceSchema>;
export type FreezeInput = z.infer<typeof FreezeInputSchema>;
export type FreezeWithName = z.infer<typeof FreezeSchema>;
export type OpeningView = z.infer<typeof OpeningSchema>;
export type FreezeSpanView = z.infer<typeof FreezeSpanSchema>;
