/** Who may do what: the table of the admin surface, and that it says the same as the control plane's own. */
import { describe, it } from "vitest";
import {
  PERMISSIONS,
  refuseOperation,
  refuseProduct,
  type GuardedId,
} from "../../../src/admin/permissions.ts";
import { refuseRole, type Deed } from "../../../src/control/access.ts";
import type { Actor } from "../../../src/contracts/control.ts";
import { ROLES } from "../../../src/contracts/env.ts";
import { buildAdmin } from "../../support/admin-builders.ts";

/** What each change is called in the control plane. */
const DEEDS = {
  "products.put": "product.put",
  "products.stable.set": "product.stable.set",
  "products.default.set": "product.default.set",
  "products.default.approve": "product.default.approve",
  "products.default.withdraw": "product.default.withdraw",
  "products.four-eyes.set": "product.four-eyes.set",
  "products.default.revert": "product.default.revert",
  "products.hold.set": "product.hold.set",
  "products.hold.lift": "product.hold.lift",
  "versions.put": "version.put",
  "versions.state.set": "version.state.set",
  "versions.bad.mark": "version.bad.mark",
  "versions.bad.clear": "version.bad.clear",
  "accounts.put": "account.put",
  "accounts.delete": "account.delete",
  "accounts.undelete": "account.undelete",
  "accounts.import": "accounts.import",
  "accounts.pin.set": "account.pin.set",
  "accounts.pin.lift": "account.pin.lift",
  "accounts.quarantine.set": "account.quarantine.set",
  "accounts.quarantine.lift": "account.quarantine.lift",
  "accounts.hold.set": "account.hold.set",
  "accounts.hold.lift": "account.hold.lift",
  "accounts.deferral.set": "account.deferral.set",
  "accounts.deferral.lift": "account.deferral.lift",
  "overrides.issue": "override.issued",
  "overrides.revoke": "override.revoke-all",
  "halt.set": "halt.set",
  "tokens.create": "token.create",
  "tokens.revoke": "token.revoke",
  "access.grant": "access.grant",
  "access.revoke": "access.revoke",
  "webhooks.put": "webhook.put",
  "webhooks.delete": "webhook.delete",
  "webhooks.rotate": "webhook.rotate",
  "webhooks.retry": "webhook.retry",
  "sessions.create": "session.create",
  "sessions.end": "session.end",
  "windows.put": "window.put",
  "windows.delete": "window.delete",
  "freezes.put": "freeze.put",
  "freezes.delete": "freeze.delete",
  "preflight.settings.set": "preflight.settings.set",
  "preflight.run": "preflight.run",
  "preflight.report": "preflight.record",
  "preflight.waive": "preflight.waive",
  "preflight.waiver.withdraw": "preflight.waiver.withdraw",
  "rollouts.put": "rollout.create",
  "rollouts.delete": "rollout.delete",
  "rollouts.start": "rollout.start",
  "rollouts.pause": "rollout.pause",
  "rollouts.resume": "rollout.resume",
  "rollouts.approve": "rollout.approve",
  "rollouts.waive-gate": "rollout.waive-gate",
  "rollouts.signals.send": "rollout.signal",
  "rollouts.stop": "rollout.stop",
  "rollouts.rollback": "rollout.rollback",
  "rollouts.adopt": "rollout.adopt",
  "replacements.put": "replacement.start",
  "replacements.pause": "replacement.pause",
  "replacements.resume": "replacement.resume",
  "replacements.stop": "replacement.stop",
  "replacements.rollback": "replacement.rollback",
  restore: "restore",
} as const satisfies Partial<Record<GuardedId, Deed>>;

const actor = (changes: Partial<Actor>): Actor => ({ name: "a", role: "admin", products: null, ...changes });
const CHANGES = Object.entries(DEEDS) as [keyof typeof DEEDS, Deed][];

describe("permissions", () => {
  it.for(CHANGES)("says of %s what the control plane says of %s", ([id, deed], { expect }) => {
    for (const role of ROLES) {
      const here = refuseOperation(actor({ role }), id) === null;
      expect([role, here]).toEqual([role, refuseRole(actor({ role }), deed) === null]);
    }
  });

  it.for(CHANGES)(
    "bears on a limited token for %s as the control plane does for %s",
    ([id, deed], { expect }) => {
      const limited = actor({ products: ["kiln"] });
      expect(refuseOperation(limited, id) === null).toBe(refuseRole(limited, deed) === null);
    },
  );

  it("lets everybody look at one thing and nobody but admins at everything", ({ expect }) => {
    const may = (role: (typeof ROLES)[number]): string[] =>
      Object.keys(PERMISSIONS).filter((id) => refuseOperation(actor({ role }), id as GuardedId) === null);
    expect(
      may("viewer").every((id) =>
        /\.(?:list|get)$|^(?:explain|status|traffic|metrics|whoami|sessions\.\w+)$/.test(id),
      ),
    ).toBe(true);
    expect(may("operator")).not.toContain("export");
    expect(may("admin")).toEqual(Object.keys(PERMISSIONS));
  });

  it("refuses another product to a limited token", ({ expect }) => {
    const limited = actor({ products: ["kiln"] });
    expect(refuseProduct(limited, "kiln")).toBeNull();
    expect(refuseProduct(limited, null)).toBeNull();
    expect(refuseProduct(limited, "fogbugz")?.problem).toBe("forbidden");
  });
});

describe("a token limited to products", () => {
  it("sees its products alone in the list", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.products = ["kiln", "fogbugz"].map(
      (name) => ({ ...at.control.state.products[0], name }) as never,
    );
    const token = at.issue({ role: "viewer", products: ["fogbugz"] });
    const list: { items: { name: string }[] } = await (await at.call("/api/v1/products", { token })).json();
    expect(list.items.map(({ name }) => name)).toEqual(["fogbugz"]);
  });

  it("is refused another product by path and by body, before the control plane is asked", async ({
    expect,
  }) => {
    const at = buildAdmin();
    const token = at.issue({ role: "operator", products: ["fogbugz"] });
    const override = { product: "kiln", account: "acme", version: "2.9.0", reason: "try" };
    const answers = [
      await at.call("/api/v1/products/kiln", { token }),
      await at.call("/api/v1/products/kiln/stable", {
        token,
        method: "POST",
        json: { version: "2.9.0", reason: "x" },
      }),
      await at.call("/api/v1/accounts/acme/pins/kiln", {
        token,
        method: "PUT",
        json: { version: "2.9.0", reason: "x" },
      }),
      await at.call("/api/v1/overrides", { token, method: "POST", json: override }),
      await at.call("/api/v1/halt", { token, method: "PUT", json: { on: true, reason: "x" } }),
      await at.call("/api/v1/accounts/import", { token, method: "POST", body: "" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
    expect(at.control.calls.filter(({ name }) => name !== "authenticate")).toEqual([]);
  });
});
