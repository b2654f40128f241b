/** The folder of a local run: what is kept between starts, and what begins anew. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { openStateFolder } from "../../scripts/local/state-folder.ts";

describe("openStateFolder", () => {
  it("imports the accounts again after the storage alone was removed, and keeps the key", ({
    expect,
    onTestFinished,
  }) => {
    const path = mkdtempSync(join(tmpdir(), "firebreak-state-"));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    const first = openStateFolder(path);
    const { overrideKey } = first.settings();
    first.saveSettings({ ...first.settings(), accountsImported: true });
    expect(openStateFolder(path).settings()).toMatchObject({ overrideKey, accountsImported: true });
    rmSync(first.storagePath, { recursive: true });
    expect(openStateFolder(path).settings()).toMatchObject({ overrideKey, accountsImported: false });
  });
});
