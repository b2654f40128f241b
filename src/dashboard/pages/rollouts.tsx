/** All rollouts: what each is doing, why, and until when. Plans are written in git or by hand and made with the command line. */
import { RolloutListSchema } from "../../contracts/api/rollout-plan.ts";
import { ok } from "../../contracts/result.ts";
import { percent } from "../layout.tsx";
import { PhaseTag } from "../parts/phase.tsx";
import { Table } from "../parts/table.tsx";
import { count, When, Words } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

export const drawRollouts: DrawPage = async ({ api }) => {
  const found = await api.ask(RolloutListSchema, { path: "/rollouts" });
  if (!found.ok) return found;
  const { items } = found.value;
  return ok({
    title: "Rollouts",
    body: (
      <>
        <Table
          label="Rollouts"
          caption="Running ones first"
          heads={["Rollout", "To", "Phase", "Why, and until when", "#Moved"]}
          empty="No rollout was ever made here."
          rows={items.map((rollout) => [
            <a href={`/rollouts/${encodeURIComponent(rollout.id)}`}>{rollout.id}</a>,
            Object.entries(rollout.targets)
              .map(([product, version]) => `${product} ${version}`)
              .join(", "),
            <PhaseTag phase={rollout.phase} />,
            <>
              <Words text={rollout.reason} />
              {rollout.nextAt === null ? null : (
                <span class="soft">
                  {" "}
                  Next at <When at={rollout.nextAt} />
                </span>
              )}
            </>,
            `${count(rollout.moved)} of ${count(rollout.accounts)}${rollout.accounts === 0 ? "" : ` (${percent(rollout.moved / rollout.accounts)})`}`,
          ])}
        />
        <p class="soft">
          A new one: <code>npm run -s firebreak -- rollout create plan.jsonc</code>, then start it here.
        </p>
      </>
    ),
  });
};
