/**
 * Lint rules that the rooms of src/ need and the linter does not have: no `async`, no reading of the clock through `Date`
 * and no packages but the listed ones (src/core, src/contracts); rooms that may only be loaded on demand (src/index.ts).
 * What can be restricted by name (Date.now, fetch, timers) is restricted in oxlint.config.ts, which also says which rule
 * holds where. `new Date(ms)` and `Date.parse(text)` stay allowed: they are functions of their arguments.
 * Loaded by oxlint as a plugin; it only reports, it never rewrites.
 */
const CLOCK_MESSAGE =
  "This room has no clock: take `nowMs` as an argument; src/adapters/clock.ts is where the time is read.";
const ASYNC_MESSAGE =
  "This room is synchronous: take the loaded value as an argument and leave the waiting to the caller (edge, admin, control).";
const ON_DEMAND_MESSAGE =
  "This room loads zod, about 22 ms of the Worker's start: `await import()` it inside the handler, or use `import type`.";

/** The little of a syntax node that these rules read. */
interface SyntaxNode {
  readonly type: string;
  readonly name?: string;
  readonly async?: boolean;
  readonly callee?: SyntaxNode;
  readonly arguments?: readonly unknown[];
  readonly importKind?: string;
  readonly source?: { readonly value?: unknown } | null;
}

interface RuleContext {
  readonly options?: readonly unknown[];
  report(finding: { node: SyntaxNode; message: string }): void;
}

type Visitor = Record<string, (node: SyntaxNode) => void>;

/** The rule's one option, a list of texts; empty when it is not given. */
function listOption({ options }: RuleContext): string[] {
  const listed = options?.[0];
  return Array.isArray(listed) ? listed.filter((entry) => typeof entry === "string") : [];
}

/** Whether `node` calls or constructs the global name `Date`. */
const callsDate = ({ callee }: SyntaxNode): boolean =>
  callee?.type === "Identifier" && callee.name === "Date";

/** `new Date()` without arguments, and `Date()` whatever its arguments, both read the clock. */
function createNoClock(context: RuleContext): Visitor {
  const report = (node: SyntaxNode): void => context.report({ node, message: CLOCK_MESSAGE });
  return {
    NewExpression(node) {
      if (callsDate(node) && node.arguments?.length === 0) report(node);
    },
    CallExpression(node) {
      if (callsDate(node)) report(node);
    },
  };
}

function createNoAsync(context: RuleContext): Visitor {
  const check = (node: SyntaxNode): void => {
    if (node.async === true) context.report({ node, message: ASYNC_MESSAGE });
  };
  return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
}

/** Option: the packages that may be imported, each with everything below it. `[]` permits none. */
function createPackages(context: RuleContext): Visitor {
  const allowed = listOption(context);
  const named = allowed.length === 0 ? "no package" : `only ${allowed.join(", ")}`;
  const check = (node: SyntaxNode): void => {
    const specifier = node.source?.value;
    if (typeof specifier !== "string" || specifier.startsWith(".")) return;
    if (allowed.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return;
    const message = `This room imports ${named}. Do it in src/adapters, or take the result as an argument.`;
    context.report({ node, message });
  };
  return {
    ImportDeclaration: check,
    ExportNamedDeclaration: check,
    ExportAllDeclaration: check,
    ImportExpression: check,
  };
}

/** Option: beginnings of specifiers that may be loaded by `import()` or `import type`, and not with the Worker. */
function createOnDemand(context: RuleContext): Visitor {
  const prefixes = listOption(context);
  return {
    ImportDeclaration(node) {
      const specifier = node.source?.value;
      if (typeof specifier !== "string" || node.importKind === "type") return;
      if (prefixes.some((prefix) => specifier.startsWith(prefix))) {
        context.report({ node, message: ON_DEMAND_MESSAGE });
      }
    },
  };
}

const LIST_SCHEMA = [{ type: "array", items: { type: "string" } }];

/** The plugin in the form oxlint loads. */
export default {
  meta: { name: "rooms" },
  rules: {
    "no-clock": { create: createNoClock },
    "no-async": { create: createNoAsync },
    packages: { meta: { schema: LIST_SCHEMA }, create: createPackages },
    "on-demand": { meta: { schema: LIST_SCHEMA }, create: createOnDemand },
  },
};
