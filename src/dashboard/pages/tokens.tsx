/** Tokens: who may use the API and these pages, made and revoked here. A new token is shown once, on the answer alone. */
import { IssuedTokenSchema, TokenListSchema, TokenSchema } from "../../contracts/api/operations.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, ProblemNote, ReasonField } from "../layout.tsx";
import { productsOf, RoleFields } from "../parts/role-fields.tsx";
import { Table } from "../parts/table.tsx";
import { When } from "../parts/words.tsx";
import type { Act, DrawPage } from "../visit.ts";

export const drawTokens: DrawPage = async ({ api, frame, problem, written }) => {
  const found = await api.ask(TokenListSchema, { path: "/tokens" });
  if (!found.ok) return found;
  return ok({
    title: "Tokens",
    body: (
      <>
        {problem === null ? null : <ProblemNote detail={problem.detail} />}
        <Table
          label="Tokens"
          caption="Tokens of ADMIN_TOKENS are not listed"
          heads={["Name", "Role", "Products", "Made", "Expires", "Revoke"]}
          empty="Nobody has a token but those of ADMIN_TOKENS, which are not listed."
          rows={found.value.items.map((token) => [
            token.name,
            token.role,
            token.products?.join(", ") ?? "all",
            <>
              <When at={token.createdAt} /> by {token.createdBy}
            </>,
            <When at={token.expires} otherwise="never" />,
            token.revokedAt === null ? (
              <details>
                <summary>Revoke {token.name}</summary>
                <ActionForm action={path`/tokens/${token.name}/revoke`} frame={frame} submit="Revoke" danger>
                  <ReasonField />
                </ActionForm>
              </details>
            ) : (
              <>
                revoked <When at={token.revokedAt} />
              </>
            ),
          ])}
        />
        <h2>A new token</h2>
        <form class="stack" method="post" action="/tokens/new">
          <input type="hidden" name="proof" value={frame.proof} />
          <label>
            Name
            <input name="name" required maxlength={64} value={written["name"] ?? ""} />
          </label>
          <RoleFields written={written} />
          <div>
            <button type="submit">Make a token</button>
          </div>
        </form>
      </>
    ),
  });
};

/** The new token, once. */
export const drawNewToken: DrawPage = async (visit) => {
  const { api, written } = visit;
  const body = { name: written["name"], role: written["role"], products: productsOf(written) };
  const made = await api.ask(IssuedTokenSchema, { method: "POST", path: "/tokens", body });
  if (!made.ok) {
    const page = await drawTokens({ ...visit, problem: made.error });
    return page.ok ? ok({ ...page.value, status: made.error.status }) : page;
  }
  return ok({
    title: `Token ${made.value.name}`,
    body: (
      <>
        <p class="note good">Copy it now. It is not kept anywhere and will not be shown again.</p>
        <pre>{made.value.token}</pre>
        <p>
          <a href="/tokens">All tokens</a>
        </p>
      </>
    ),
  });
};

export const actRevoke: Act = async ({ api, params }, { reason = "" }) => {
  const name = params["name"] ?? "";
  const done = await api.ask(TokenSchema, {
    method: "DELETE",
    path: path`/tokens/${name}?reason=` + encodeURIComponent(reason),
  });
  return done.ok ? ok("/tokens") : done;
};
