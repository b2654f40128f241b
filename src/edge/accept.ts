/**
 * Chooses the form of our own answers: a page for browsers, text for git, a problem document for everything else.
 * Never consulted for an origin's answer. `Accept` is compared by quality and specificity; RFC 9110, 12.5.1.
 * Posture: what cannot be parsed counts as absent, and absent means a problem document.
 */

export type AnswerForm = "json" | "html" | "text";

interface Preference {
  readonly type: string;
  readonly quality: number;
}

/** Media ranges that are looked at; longer lists are cut, since nobody's browser sends them. */
const MAX_RANGES = 32;

/**
 * @param accept the header, or null.
 * @param isGit git shows its users text alone.
 * @returns `html` or `text` only where they are preferred to JSON; a tie goes to JSON.
 */
export function chooseForm(accept: string | null, isGit: boolean): AnswerForm {
  if (isGit) return "text";
  if (accept === null) return "json";
  const ranges = parseAccept(accept);
  const json = Math.max(qualityOf("application/problem+json", ranges), qualityOf("application/json", ranges));
  const html = qualityOf("text/html", ranges);
  const text = qualityOf("text/plain", ranges);
  if (html > json && html >= text) return "html";
  return text > json ? "text" : "json";
}

function parseAccept(accept: string): Preference[] {
  return accept.split(",", MAX_RANGES).map((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
  });
}

/** The quality of the most specific range that covers the type, 0 when none does. */
function qualityOf(type: string, ranges: readonly Preference[]): number {
  const family = `${type.slice(0, type.indexOf("/"))}/*`;
  for (const candidate of [type, family, "*/*"]) {
    const found = ranges.find((range) => range.type === candidate);
    if (found !== undefined) return found.quality;
  }
  return 0;
}
