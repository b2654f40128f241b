/** What waits for a person's yes, with the yes and the no beside it where both are one form. */
import type { Status } from "../../contracts/api/status.ts";
import { DefaultSchema } from "../../contracts/api/products.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, ReasonField, type Frame } from "../layout.tsx";
import type { Act } from "../visit.ts";
import { When, Words } from "./words.tsx";

export function Waits({ frame, waiting }: { frame: Frame; waiting: Status["waiting"] }) {
  if (waiting.length === 0) return null;
  return (
    <>
      <h2>Waits for a yes</h2>
      <div class="cards">
        {waiting.map((one) => (
          <section class="card">
            <p>
              <Words text={one.sentence} />
            </p>
            <p class="soft">
              Since <When at={one.since} />
              {one.until === null ? null : (
                <>
                  , ends <When at={one.until} />
                </>
              )}
              {one.notBy.length === 0 ? null : `. Somebody else than ${one.notBy.join(" or ")} says it`}
            </p>
            <Answer frame={frame} one={one} />
          </section>
        ))}
      </div>
    </>
  );
}

function Answer({ frame, one }: { frame: Frame; one: Status["waiting"][number] }) {
  const { rollout, product, version, notBy } = one;
  if (rollout !== null || product === null || version === null)
    return <a href={path`/rollouts/${rollout ?? ""}`}>{rollout}</a>;
  return (
    <>
      {notBy.includes(frame.who.name) ? null : (
        <ActionForm
          action={path`/products/${product}/default/approve`}
          frame={frame}
          submit={`Move the default of ${product} to ${version}`}
          danger
        >
          <input type="hidden" name="version" value={version} />
        </ActionForm>
      )}
      <details>
        <summary>Withdraw it</summary>
        <ActionForm action={path`/products/${product}/default/withdraw`} frame={frame} submit="Withdraw">
          <ReasonField />
        </ActionForm>
      </details>
    </>
  );
}

export const actApproveDefault: Act = async ({ api, params }, { version = "" }) => {
  const asked = { method: "POST", path: path`/products/${params["product"] ?? ""}/default/approve` } as const;
  const done = await api.ask(DefaultSchema, { ...asked, body: { version } });
  return done.ok ? ok("/") : done;
};

export const actWithdrawDefault: Act = async ({ api, params }, { reason = "" }) => {
  const asked = {
    method: "POST",
    path: path`/products/${params["product"] ?? ""}/default/withdraw`,
  } as const;
  const done = await api.ask(DefaultSchema, { ...asked, body: { reason } });
  return done.ok ? ok("/") : done;
};
