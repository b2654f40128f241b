/**
 * `version mark-bad` and `version clear`: the mark that keeps a version from ever being a target until it is cleared.
 * After marking it says where the product still names the version, because marking moves nobody.
 */
import type { Command } from "commander";
import { ProductSchema, VersionSchema, type Product } from "../../src/contracts/api/products.ts";
import { VersionBadInputSchema } from "../../src/contracts/api/reasons.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { RUN } from "./command-line.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { addVerb, type ProgramContext, type Session } from "./verb.ts";
import { renderVersion, VERSION_ARGUMENT } from "./version.ts";

export function addVersionBad(version: Command, context: ProgramContext): void {
  addVerb(
    version,
    {
      name: "mark-bad",
      summary: "never a target again until it is cleared; moves nobody",
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      notes: [
        "No rollout, default, stable, pin, quarantine, override or way back leads there any more, and it is no standby.",
        "Running rollouts to it pause. A rollback because of a failed gate or preflight marks it by itself.",
      ],
      examples: ['version mark-bad kiln 2.9.0 --reason "loses attachments, ticket 4711"'],
      run: markBad,
    },
    context,
  );
  addVerb(
    version,
    {
      name: "clear",
      summary: "take the mark off: it may be a target again",
      arguments: [PRODUCT_ARGUMENT, VERSION_ARGUMENT],
      changes: true,
      reason: true,
      writes: true,
      notes: ["What paused because of it stays paused until somebody resumes it."],
      examples: ['version clear kiln 2.9.0 --reason "it was the load balancer"'],
      run: (session) =>
        change(session, {
          schema: VersionSchema,
          request: {
            method: "DELETE",
            path: pathOf(session),
            query: { reason: session.words.text("reason") },
          },
          render: renderVersion,
        }),
    },
    context,
  );
}

function pathOf({ words }: Session): string {
  return `/products/${encodeURIComponent(words.text("product"))}/versions/${encodeURIComponent(words.text("version"))}/bad`;
}

async function markBad(session: Session): Promise<void> {
  const { words, terminal, json, dryRun } = session;
  const body = toInput(VersionBadInputSchema, { reason: words.text("reason") });
  await change(session, {
    schema: VersionSchema,
    request: { method: "PUT", path: pathOf(session), body },
    render: renderVersion,
  });
  if (json || dryRun) return;
  const path = `/products/${encodeURIComponent(words.text("product"))}`;
  const { value } = await session.api().send(ProductSchema, { method: "GET", path });
  for (const line of stillNamed(value, words.text("version"))) terminal.err.write(`${line}\n`);
}

/** What a product still sends to a version that is marked bad, and the command that ends it. */
export function stillNamed(product: Product, version: string): readonly string[] {
  const { name, stable, default: unknown, standby } = product;
  const back = standby === null ? `default promote ${name} VERSION` : `default revert ${name}`;
  return [
    ...(stable === version
      ? [`It is still stable: new accounts start on it. Next: ${RUN}product stable ${name} VERSION`]
      : []),
    ...(unknown === version ? [`It is still the default: unknown accounts get it. Next: ${RUN}${back}`] : []),
  ];
}
