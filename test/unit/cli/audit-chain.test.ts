/** The hash chain of the audit: one good chain, and every way to tamper with it. */
import { describe, it } from "vitest";
import { auditHash, createChainCheck } from "../../../scripts/cli/audit-chain.ts";
import type { AuditEntry } from "../../../src/contracts/api/operations.ts";
import { sha256Hex } from "../../../src/core/sha256.ts";

/** A chain of `length` entries, newest first, as the API lists them. */
function chain(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  let previous = "0".repeat(64);
  for (let seq = 1; seq <= length; seq++) {
    const entry = {
      seq,
      at: new Date(1_795_000_000_000 + seq).toISOString(),
      actor: "jo",
      role: "operator",
      action: "account.pin.set",
      target: "account/acme",
      reason: seq === 1 ? null : "Zürich",
      detail: { to: "2.9.0", from: "2.8.0" },
      previous,
    };
    const hash = auditHash(entry);
    entries.unshift({ ...entry, hash });
    previous = hash;
  }
  return entries;
}

function check(entries: readonly AuditEntry[]) {
  const running = createChainCheck();
  for (const entry of entries) running.add(entry);
  return running.end();
}

describe("auditHash", () => {
  it("is SHA-256 over the hash before and the entry as canonical JSON, spelled out here once", ({
    expect,
  }) => {
    const [entry] = chain(1);
    const written =
      '{"action":"account.pin.set","actor":"jo","at":1795000000001,"detail":"{\\"from\\":\\"2.8.0\\",\\"to\\":\\"2.9.0\\"}",' +
      '"reason":null,"role":"operator","seq":1,"target":"account/acme"}';
    expect(entry?.hash).toBe(sha256Hex("0".repeat(64) + written));
  });
});

describe("createChainCheck", () => {
  it("accepts a whole chain and names its newest hash", ({ expect }) => {
    const entries = chain(5);
    expect(check(entries)).toEqual({ entries: 5, head: entries[0]?.hash, breaks: [] });
    expect(check([])).toEqual({ entries: 0, head: null, breaks: [] });
  });

  it.for([
    [
      "a changed reason",
      (e: AuditEntry[]) => e.map((x) => (x.seq === 3 ? { ...x, reason: "other" } : x)),
      /entry 3 was changed/,
    ],
    [
      "a changed detail",
      (e: AuditEntry[]) => e.map((x) => (x.seq === 3 ? { ...x, detail: {} } : x)),
      /entry 3 was changed/,
    ],
    [
      "a changed time",
      (e: AuditEntry[]) => e.map((x) => (x.seq === 3 ? { ...x, at: "2026-01-01T00:00:00Z" } : x)),
      /entry 3 was changed/,
    ],
    [
      "a removed entry",
      (e: AuditEntry[]) => e.filter(({ seq }) => seq !== 3),
      /between 2 and 4 entries are missing/,
    ],
    [
      "a removed beginning",
      (e: AuditEntry[]) => e.filter(({ seq }) => seq > 2),
      /entries 1 to 2 are missing/,
    ],
    [
      "an entry that was rewritten with a fresh hash",
      (e: AuditEntry[]) =>
        e.map((x) => (x.seq === 3 ? { ...x, actor: "eve", hash: auditHash({ ...x, actor: "eve" }) } : x)),
      /entry 4 does not follow entry 3/,
    ],
  ] as const)("finds %s", ([, tamper, sentence], { expect }) => {
    expect(check(tamper(chain(5))).breaks.join("\n")).toMatch(sentence);
  });
});
