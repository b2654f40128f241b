/**
 * Words that many API shapes share: names, times, revisions, pages. Parsed here once; everything behind the admin
 * surface works with the inferred types. The OpenAPI document is generated from these same schemas.
 */
import * as z from "./zod.ts";
import { isDomainName } from "../domain-name.ts";
import { parseOrigin } from "../origin-rules.ts";

export const SlugSchema = z
  .string()
  .regex(/^(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "must be one lower-case DNS label, not xn--")
  .openapi({
    example: "acme",
    description: "Account slug: one lower-case DNS label, the same for all products",
  });

export const ProductNameSchema = z
  .string()
  .regex(/^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/, "must be lower-case letters, digits and hyphens, at most 32")
  .openapi({ example: "kiln" });

export const VersionNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/, "must be letters, digits and . _ + -, at most 64")
  .openapi({ example: "2.9.0" });

export const DomainSchema = z
  .string()
  .refine(isDomainName, "must be a lower-case host name without port")
  .openapi({ example: "kiln.example.com" });

export const OriginSchema = z
  .string()
  .max(300)
  .superRefine((text, context) => {
    const parsed = parseOrigin(text);
    if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.error });
  })
  .openapi({ example: "https://kiln-2-9-0.origins.example.net" });

export const CohortSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, "must be lower-case, at most 32")
  .openapi({ example: "early" });

export const CellSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, "must be a lower-case label, at most 32")
  .openapi({ example: "eu1" });

/** More than all names of the zone database (about 600), so only misspelt ones can ever be forgotten. */
const MAX_REMEMBERED_ZONES = 2000;

/**
 * Remembers the answers of `check`, a function of its argument alone. Asking Intl takes about 90 µs, which an import of
 * a million accounts cannot afford for each of them. Bounded: what hostile lines fill is emptied again.
 */
function remember(check: (text: string) => string | null): (text: string) => string | null {
  const known = new Map<string, string | null>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const answer = check(text);
    if (known.size >= MAX_REMEMBERED_ZONES) known.clear();
    known.set(text, answer);
    return answer;
  };
}

function findTimeZone(text: string): string | null {
  // Offsets such as +02:00 are accepted by Intl but have no daylight-saving rules, so they are refused here.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(text)) return null;
  try {
    const known = new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
    if (known === "") return null;
    if (known === text) return text;
    // Runtimes take any case. What is kept has one spelling, but stays the alias that somebody chose: Asia/Kolkata, which
    // some runtimes call Asia/Calcutta and do not list.
    const isMeant = (name: string): boolean => name.toLowerCase() === text.toLowerCase();
    return [known, ...Intl.supportedValuesOf("timeZone")].find(isMeant) ?? text;
  } catch {
    return null;
  }
}

/** A zone in the spelling of the zone database (`europe/paris` → `Europe/Paris`); null: the runtime does not know it. */
export const zoneName = remember(findTimeZone);

/** A zone that the runtime's own zone data knows; never silently UTC. */
export const TimeZoneSchema = z
  .string()
  .max(64)
  .refine((text) => zoneName(text) !== null, "is no IANA time zone")
  .overwrite((text) => zoneName(text) ?? text)
  .openapi({ example: "Europe/Paris", description: "IANA time zone" });

/** Point in time: ISO 8601 with offset on the wire, milliseconds since the epoch inside. */
export const InstantSchema = z.iso.datetime({ offset: true }).openapi({ example: "2026-11-28T22:05:00Z" });

export const ReasonSchema = z.string().trim().min(1, "say why: it goes into the audit").max(500);
export const RevisionSchema = z
  .int()
  .min(0)
  .openapi({ description: "Send it back as If-Match to change this" });

/** Nothing to say: routes without path parameters, query or body refuse any that come. */
export const NothingSchema = z.strictObject({});

/** A change that has no body says why in the query. */
export const ReasonQuerySchema = z.strictObject({ reason: ReasonSchema });

/** `If-Match` is a revision, bare, quoted or (after a compressing proxy) weak; `*` is "whatever is there". */
export const IfMatchSchema = z
  .string()
  .regex(/^(?:\*|(?:W\/)?"\d{1,15}"|\d{1,15})$/, 'must be the ETag or revision that was read, such as "7"')
  .transform((text) => (text === "*" ? null : Number(text.replace(/\D/g, ""))))
  .openapi({
    type: "string",
    example: '"7"',
    description:
      "Revision (ETag) that was read; when it has changed since, the answer is 409 and nothing is written",
  });

/** RFC draft-ietf-httpapi-idempotency-key-header: a quoted string there; taken bare as well. */
export const IdempotencyKeySchema = z
  .string()
  .regex(
    /^(?:"[\x21\x23-\x5b\x5d-\x7e]{1,200}"|[\x21\x23-\x5b\x5d-\x7e]{1,200})$/,
    "must be 1 to 200 visible ASCII characters",
  )
  .transform((text) => text.replace(/^"(.*)"$/, "$1"))
  .openapi({
    type: "string",
    example: '"7f9c2ba4"',
    description: "Same key and same request: done once, answered twice. Same key for another request: 422",
  });

/** Conditions of a write, as headers. */
export const WriteHeadersSchema = z.object({
  "if-match": IfMatchSchema.optional(),
  "idempotency-key": IdempotencyKeySchema.optional(),
});

/** A whole number in a query. Digits only, because `Number` takes an empty text for 0. */
export const WholeNumberSchema = z
  .string()
  .regex(/^\d{1,15}$/, "must be a whole number, in digits")
  .transform(Number)
  .openapi({ type: "integer", minimum: 0 });

export const PageQuerySchema = z.object({
  cursor: z.string().max(300).optional().openapi({ description: "From the previous page" }),
  limit: WholeNumberSchema.refine((limit) => limit >= 1 && limit <= 1000, "must be 1 to 1000")
    .default(100)
    .openapi({ type: "integer", minimum: 1, maximum: 1000, default: 100 }),
});

export const ProblemSchema = z
  .looseObject({
    type: z.string().openapi({ example: "urn:firebreak:problem:stale-revision" }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().optional().openapi({ description: "Request id" }),
  })
  .openapi("Problem");

/** Percent with at most two decimals: the router counts in hundredths. */
export const PercentSchema = z
  .number()
  .max(100)
  .refine((percent) => percent >= 0.01 && Math.abs(percent * 100 - Math.round(percent * 100)) < 1e-6, {
    message: "must be from 0.01 to 100, with at most two decimals",
  });
