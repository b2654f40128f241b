/** What a rollback would do, in accounts, before it is done. Asking changes nothing. */
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ProblemNote } from "../layout.tsx";
import { askPreview, RollbackPreviewCard } from "../parts/rollout-actions.tsx";
import type { DrawPage } from "../visit.ts";

export const drawRollback: DrawPage = async (visit) => {
  const to = visit.written["to"] ?? visit.url.searchParams.get("to") ?? "all";
  const found = await askPreview(visit, to);
  if (!found.ok) return found;
  const { id } = found.value;
  return ok({
    title: `Roll back ${id}`,
    body: (
      <>
        {visit.problem === null ? null : <ProblemNote detail={visit.problem.detail} />}
        <RollbackPreviewCard preview={found.value} to={to} visit={visit} />
        <p>
          <a href={path`/rollouts/${id}`}>Back to the rollout, changing nothing</a>
        </p>
      </>
    ),
  });
};
