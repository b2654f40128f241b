/** Every page and every form of the dashboard, by address. A new page is a file in pages/ and a line here. */
import { drawAudit } from "./pages/audit.tsx";
import { actHalt, drawNow } from "./pages/now.tsx";
import { drawRollback } from "./pages/rollback.tsx";
import { drawRollout } from "./pages/rollout.tsx";
import { drawRollouts } from "./pages/rollouts.tsx";
import { ROLLOUT_STEPS, stepOf } from "./parts/rollout-actions.tsx";
import type { ActionRoute, PageRoute } from "./visit.ts";

export const PAGE_ROUTES: readonly PageRoute[] = [
  { path: "/", draw: drawNow },
  { path: "/rollouts", draw: drawRollouts },
  { path: "/rollouts/:id", draw: drawRollout },
  { path: "/rollouts/:id/back", draw: drawRollback },
  { path: "/audit", draw: drawAudit },
];

export const ACTION_ROUTES: readonly ActionRoute[] = [
  { path: "/halt", act: actHalt, draw: drawNow },
  ...ROLLOUT_STEPS.map((verb) => ({
    path: `/rollouts/:id/${verb}`,
    act: stepOf(verb),
    draw: verb === "rollback" ? drawRollback : drawRollout,
  })),
];
