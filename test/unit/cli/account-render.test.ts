/** One account for people: what it is on, why, and what comes next, apart from what is recorded. */
import { describe, it } from "vitest";
import { renderAccount } from "../../../scripts/cli/account.ts";
import { ACCOUNT } from "../../support/fake-control.ts";

describe("an account on the command line", () => {
  it("shows the version it is really on, the reason and the next move in local time and UTC", ({
    expect,
  }) => {
    const text = renderAccount({
      ...ACCOUNT,
      now: {
        kiln: {
          version: "2.9.0",
          reason: "rollout",
          rollout: "autumn",
          replaced: null,
          next: null,
          stays: null,
        },
        fogbugz: {
          version: "8.7.1",
          reason: "home",
          rollout: null,
          replaced: "8.7.0",
          next: {
            rollout: "autumn",
            to: "8.8.0",
            wave: "rest",
            local: "2026-11-28T22:00:00+01:00",
            utc: "2026-11-28T21:00:00Z",
          },
          stays: null,
        },
        portal: {
          version: "3",
          reason: "pin",
          rollout: null,
          replaced: null,
          next: null,
          stays: "it is pinned",
        },
      },
    });
    expect(text).toContain("kiln 2.9.0, moved by rollout autumn");
    expect(text).toContain("fogbugz 8.7.1, by its home, in place of 8.7.0");
    expect(text).toContain(
      'fogbugz 8.8.0 in wave "rest" of autumn: 2026-11-28T22:00:00+01:00 (2026-11-28T21:00:00Z)',
    );
    expect(text).toContain("portal: it is pinned");
    expect(text).toContain("homes (recorded)");
  });

  it("says how a deleted one is taken back, in words that work when pasted", ({ expect }) => {
    const deleted = { at: "2026-11-28T22:00:00Z", slugFreeAt: "2027-02-26T22:00:00Z" };
    expect(renderAccount({ ...ACCOUNT, deleted })).toContain(
      `accounts undelete ${ACCOUNT.account} --reason …\` brings it back`,
    );
  });

  it("shows homes alone in the answer to a change", ({ expect }) => {
    const text = renderAccount(ACCOUNT);
    expect(text).toMatch(/^homes\s/m);
    expect(text).not.toContain("is on");
  });
});
