/**
 * Checks once more, where a request is about to leave, that an origin is allowed: maps are data, and a forged or
 * mistaken entry must not turn the router into an open proxy or a loop. Verdicts are kept per origin text while the
 * same root is in force. Called by `forward.ts`. Posture: closed, for the one version that names the origin.
 */
import type { Config } from "../contracts/env.ts";
import type { Root } from "../contracts/maps.ts";
import { parseOrigin, refuseOrigin, type Origin } from "../contracts/origin-rules.ts";
import { err, ok, type Result } from "../contracts/result.ts";

/** Cells multiply origins; with more texts than this the cache starts over. */
const MAX_CACHED = 1024;

/** Gives the parsed origin, or the sentence for the operator. `root` is the one in force, null under the fallback. */
export type JudgeOrigin = (origin: string, root: Root | null) => Result<Origin, string>;

/** Creates the judge of one isolate. */
export function createOriginJudge(config: Config): JudgeOrigin {
  const compiledIn = Object.values(config.fallback).flatMap(({ domains }) => domains);
  let judgedRoot: Root | null = null;
  let verdicts = new Map<string, Result<Origin, string>>();

  function judge(origin: string, root: Root | null): Result<Origin, string> {
    const published = root === null ? [] : Object.values(root.products).flatMap(({ domains }) => domains);
    const own = { adminHost: config.adminHost, domains: [...compiledIn, ...published] };
    const refusal = refuseOrigin(origin, config.originAllow, own);
    if (refusal !== null) return err(refusal);
    const parsed = parseOrigin(origin);
    return parsed.ok ? ok(parsed.value) : parsed;
  }

  return (origin, root) => {
    if (root !== judgedRoot || verdicts.size >= MAX_CACHED) {
      judgedRoot = root;
      verdicts = new Map();
    }
    const known = verdicts.get(origin);
    if (known !== undefined) return known;
    const verdict = judge(origin, root);
    verdicts.set(origin, verdict);
    return verdict;
  };
}
