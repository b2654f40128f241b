/** What a probe expects, in words for people. Pure; shown beside what came, on the API's matrix and the dashboard. */
import type { Expectation, StatusRange } from "../../contracts/preflight.ts";

const rangeWords = ([from, to]: StatusRange): string => (from === to ? `${from}` : `${from}-${to}`);

/** An expectation in words. Worked example: `200-399, with the header Allow that holds GET`. */
export function expectationWords({ status, header, bodyContains }: Expectation): string {
  const holds = header?.contains == null ? "" : ` that holds ${header.contains}`;
  return [
    status.map(rangeWords).join(" or "),
    ...(header === null ? [] : [`with the header ${header.name}${holds}`]),
    ...(bodyContains === null ? [] : [`with ${bodyContains} in the body`]),
  ].join(", ");
}
