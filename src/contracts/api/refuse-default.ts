/**
 * Tells whoever writes `default` into a wave why it is no part of one, because "unrecognized key" would not say why.
 * Called while a plan is parsed, before its shape is checked.
 */

const NO_DEFAULT_IN_WAVE =
  "the default is no part of a wave: it moves alone and last, when every wave is complete; use the plan's own `default`";

interface IssueSink {
  addIssue(issue: { code: "custom"; message: string; path: (string | number)[] }): void;
}

/** Takes `default` out of waves, with a message that says why. */
export function refuseDefaultInWaves(waves: unknown, context: IssueSink): unknown {
  if (!Array.isArray(waves)) return waves;
  const given: readonly unknown[] = waves;
  return given.map((wave, index) => {
    if (typeof wave !== "object" || wave === null || !("default" in wave)) return wave;
    context.addIssue({ code: "custom", message: NO_DEFAULT_IN_WAVE, path: [index, "default"] });
    const { default: _, ...rest } = wave;
    return rest;
  });
}
