/** Access: what people and services that come in through Cloudflare Access may do, granted and taken away here. */
import { AccessGrantListSchema, AccessGrantSchema } from "../../contracts/api/access.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, ProblemNote, ReasonField } from "../layout.tsx";
import { productsOf, RoleFields } from "../parts/role-fields.tsx";
import { Table } from "../parts/table.tsx";
import { When } from "../parts/words.tsx";
import type { Act, DrawPage } from "../visit.ts";

export const drawAccess: DrawPage = async ({ api, frame, problem, written }) => {
  const found = await api.ask(AccessGrantListSchema, { path: "/access" });
  if (!found.ok) return found;
  return ok({
    title: "Access",
    body: (
      <>
        {problem === null ? null : <ProblemNote detail={problem.detail} />}
        <Table
          label="Grants"
          caption="Whom Cloudflare Access lets in may do what is granted here, and nothing else"
          heads={["Identity", "Role", "Products", "Granted", "Expires", "Take away"]}
          empty="Nothing is granted to anybody: Cloudflare Access opens nothing here, tokens do."
          rows={found.value.items.map((grant) => [
            grant.identity,
            grant.role,
            grant.products?.join(", ") ?? "all",
            <>
              <When at={grant.grantedAt} /> by {grant.grantedBy}
            </>,
            <When at={grant.expires} otherwise="never" />,
            <details>
              <summary>Take away from {grant.identity}</summary>
              <ActionForm
                action={path`/access/${grant.identity}/revoke`}
                frame={frame}
                submit="Take away"
                danger
              >
                <ReasonField />
              </ActionForm>
            </details>,
          ])}
        />
        <h2>Grant a role</h2>
        <ActionForm action="/access/grant" frame={frame} submit="Grant">
          <label>
            E-mail address, or client id of a service token
            <input name="identity" required maxlength={254} value={written["identity"] ?? ""} />
          </label>
          <RoleFields written={written} />
        </ActionForm>
        <p class="soft">Whoever has a role already gets this one in its place.</p>
      </>
    ),
  });
};

export const actGrant: Act = async ({ api }, fields) => {
  // Nothing written is no address of the API, which could then not say what is wrong with it.
  const identity = (fields["identity"] ?? "").trim() || "-";
  const body = { role: fields["role"], products: productsOf(fields) };
  const done = await api.ask(AccessGrantSchema, { method: "PUT", path: path`/access/${identity}`, body });
  return done.ok ? ok("/access") : done;
};

export const actRevokeGrant: Act = async ({ api, params }, { reason = "" }) => {
  const done = await api.ask(AccessGrantSchema, {
    method: "DELETE",
    path: path`/access/${params["identity"] ?? ""}?reason=` + encodeURIComponent(reason),
  });
  return done.ok ? ok("/access") : done;
};
