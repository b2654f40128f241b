/** All rollouts: what each is doing, why, and until when. Plans are written in git or by hand and made with the command line. */
import { RolloutListSchema } from "../../contracts/api/rollout-plan.ts";
import { ok } from "../../contracts/result.ts";
import { percent } from "../layout.tsx";
import { PhaseTag } from "../parts/phase.tsx";
import type { DrawPage } from "../visit.ts";

export const drawRollouts: DrawPage = async ({ api }) => {
  const found = await api.ask(RolloutListSchema, { path: "/rollouts" });
  if (!found.ok) return found;
  const { items } = found.value;
  return ok({
    title: "Rollouts",
    body: (
      <>
        {items.length === 0 ? <p>No rollout was ever made here.</p> : null}
        <div class="wide">
          <table>
            <caption>Running ones first</caption>
            <thead>
              <tr>
                <th>Rollout</th>
                <th>To</th>
                <th>Phase</th>
                <th>Why, and until when</th>
                <th class="number">Moved</th>
              </tr>
            </thead>
            <tbody>
              {items.map((rollout) => (
                <tr>
                  <td>
                    <a href={`/rollouts/${encodeURIComponent(rollout.id)}`}>{rollout.id}</a>
                  </td>
                  <td>
                    {Object.entries(rollout.targets)
                      .map(([product, version]) => `${product} ${version}`)
                      .join(", ")}
                  </td>
                  <td>
                    <PhaseTag phase={rollout.phase} />
                  </td>
                  <td>
                    {rollout.reason}
                    {rollout.nextAt === null ? "" : ` (next at ${rollout.nextAt})`}
                  </td>
                  <td class="number">
                    {rollout.moved} of {rollout.accounts}
                    {rollout.accounts === 0 ? "" : ` (${percent(rollout.moved / rollout.accounts)})`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="soft">
          A new one: <code>npm run firebreak -- rollout create plan.jsonc</code>, then start it here.
        </p>
      </>
    ),
  });
};
