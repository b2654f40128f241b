/** `audit`: who changed what, when and why; and whether the record itself was tampered with. */
import type { Command } from "commander";
import { AuditEntrySchema, type AuditEntry } from "../../src/contracts/api/operations.ts";
import { createChainCheck } from "./audit-chain.ts";
import { RUN } from "./command-line.ts";
import { cliFailure, usageFailure } from "./failure.ts";
import { PAGE_OPTIONS, readPages, showList } from "./lists.ts";
import { count, instant, renderTable } from "./render.ts";
import { addObject, addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

export function addAudit(program: Command, context: ProgramContext): void {
  const object = addObject(program, "audit", { summary: "who changed what, when and why" });
  addVerb(
    object,
    {
      name: "list",
      summary: "audit entries, newest first; --verify checks the whole hash chain",
      seeAlso: ["accounts history", "rollout show", "export"],
      options: [
        { flags: "--target <target>", about: "only about this, as in account/acme (default: everything)" },
        { flags: "--actor <actor>", about: "only by this actor (default: everybody)" },
        { flags: "--verify", about: "recompute the hash of every entry, from the newest to the first" },
        ...PAGE_OPTIONS,
      ],
      notes: [
        "--verify prints the hash of the newest entry. Keep it elsewhere: a later check then shows a cut-off end too.",
      ],
      examples: ["audit list --target account/acme", "audit list --verify"],
      run: (session) => (session.words.on("verify") ? verifyAudit(session) : listAudit(session)),
    },
    context,
  );
}

async function listAudit(session: Session): Promise<void> {
  const { words } = session;
  await showList(session, {
    item: AuditEntrySchema,
    request: { path: "/audit", query: { target: words.maybe("target"), actor: words.maybe("actor") } },
    noun: ["entry", "entries"],
    render: renderEntries,
  });
}

async function verifyAudit(session: Session): Promise<void> {
  const { words } = session;
  if (
    words.maybe("target") !== undefined ||
    words.maybe("actor") !== undefined ||
    words.maybe("cursor") !== undefined
  ) {
    throw usageFailure("--verify checks the whole chain: leave out --target, --actor and --cursor.");
  }
  const check = createChainCheck();
  for await (const { items } of readPages(session, AuditEntrySchema, { path: "/audit" }))
    items.forEach(check.add);
  const result = check.end();
  if (result.breaks.length > 0) {
    throw cliFailure("bad-audit", {
      title: "The audit's hash chain is broken",
      detail: result.breaks.join("\n"),
      next: `Keep this output and an \`${RUN}export\`, and find out who can write the control plane's storage.`,
    });
  }
  if (session.json) printJson(session, { ...result, ok: true });
  else
    session.terminal.out.write(
      `The chain of ${count(result.entries, "entry", "entries")} holds.\nNewest hash: ${result.head ?? "none"}\n`,
    );
}

function renderEntries(entries: readonly AuditEntry[]): string {
  return renderTable(
    ["entry", "when", "who", "what", "about", "reason"],
    entries.map(({ seq, at, actor, action, target, reason }) => [
      String(seq),
      instant(at),
      actor,
      action,
      target,
      reason,
    ]),
  );
}
