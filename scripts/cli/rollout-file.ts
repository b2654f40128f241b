/**
 * Plan files: JSON, comments allowed, checked with the API's own schema before anything is sent, so that a mistake names
 * its field and costs no round trip. What the plan means in the world (names, versions) is said by the control plane.
 */
import { RolloutInputSchema, type RolloutInput } from "../../src/contracts/api/rollouts.ts";
import { usageFailure } from "./failure.ts";
import { STANDARD } from "./file-stream.ts";
import { readJsonFile } from "./json-file.ts";
import { pathText } from "./rollout-plan-render.ts";
import type { Terminal } from "./terminal.ts";

/** Whether a word means a plan file and not an id: `-`, a path, or a name that ends like one. Ids have no slash. */
export function isPlanFile(word: string): boolean {
  return word === STANDARD || word.includes("/") || word.includes("\\") || /\.jsonc?$/.test(word);
}

export type FileIssue = {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
};

/** zod keeps what each branch of a union said apart; a person wants the branch that came furthest. */
export function deepestIssues(issue: FileIssue & { readonly errors?: unknown }): readonly FileIssue[] {
  if (issue.code !== "invalid_union" || !Array.isArray(issue.errors)) return [issue];
  const branches = issue.errors.filter((branch): branch is FileIssue[] => Array.isArray(branch));
  const depth = (branch: readonly FileIssue[]): number =>
    Math.max(0, ...branch.map(({ path }) => path.length));
  const best = branches.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
  if (depth(best) === 0) return [issue];
  return best.flatMap((inner) => deepestIssues({ ...inner, path: [...issue.path, ...inner.path] }));
}

function issueText({ path, message }: FileIssue): string {
  const parts = path.map((part) => (typeof part === "number" ? part : String(part)));
  return `${pathText(parts) || "the plan"}: ${message}`;
}

/**
 * Reads a plan file.
 * @param id replaces the id that the file gives.
 * @throws Failure (usage) that lists every field that is wrong.
 */
export async function readPlanFile(
  terminal: Terminal,
  file: string,
  id: string | undefined,
): Promise<RolloutInput> {
  const found = await readJsonFile(terminal, file);
  const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
  const parsed = RolloutInputSchema.safeParse(isObject && id !== undefined ? { ...found, id } : found);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => deepestIssues(issue)).map(issueText);
  throw usageFailure(`${file}:\n${problems.map((line) => `  ${line}`).join("\n")}`);
}
