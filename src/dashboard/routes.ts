/** Every page and every form of the dashboard, by address. A new page is a file in pages/ and a line here. */
import { actGrant, actRevokeGrant, drawAccess } from "./pages/access.tsx";
import { drawAccount } from "./pages/account.tsx";
import { drawAccounts } from "./pages/accounts.tsx";
import { drawAudit } from "./pages/audit.tsx";
import { drawCalendar } from "./pages/calendar.tsx";
import { drawExplain } from "./pages/explain.tsx";
import { actIncidentHalt, drawIncident } from "./pages/incident.tsx";
import { actHalt, drawNow } from "./pages/now.tsx";
import { actRun, drawPreflight, drawPreflights } from "./pages/preflight.tsx";
import { actMode, drawProduct } from "./pages/product.tsx";
import { drawRollback } from "./pages/rollback.tsx";
import { drawRollout } from "./pages/rollout.tsx";
import { drawRollouts } from "./pages/rollouts.tsx";
import { actRevoke, drawNewToken, drawTokens } from "./pages/tokens.tsx";
import { ACCOUNT_STEPS, accountStep } from "./parts/account-actions.tsx";
import { actApproveDefault, actWithdrawDefault } from "./parts/waiting.tsx";
import { ROLLOUT_STEPS, stepOf } from "./parts/rollout-actions.tsx";
import type { ActionRoute, PageRoute } from "./visit.ts";

export const PAGE_ROUTES: readonly PageRoute[] = [
  { path: "/", draw: drawNow },
  { path: "/rollouts", draw: drawRollouts },
  { path: "/rollouts/:id", draw: drawRollout },
  { path: "/rollouts/:id/back", draw: drawRollback },
  { path: "/accounts", draw: drawAccounts },
  { path: "/accounts/:account", draw: drawAccount },
  { path: "/products/:product", draw: drawProduct },
  { path: "/explain", draw: drawExplain },
  { path: "/calendar", draw: drawCalendar },
  { path: "/preflight", draw: drawPreflights },
  { path: "/preflight/:product/:version", draw: drawPreflight },
  { path: "/incident", draw: drawIncident },
  { path: "/audit", draw: drawAudit },
  { path: "/tokens", draw: drawTokens },
  { path: "/access", draw: drawAccess },
];

export const ACTION_ROUTES: readonly ActionRoute[] = [
  { path: "/halt", act: actHalt, draw: drawNow },
  ...ROLLOUT_STEPS.map((verb) => ({
    path: `/rollouts/:id/${verb}`,
    act: stepOf(verb),
    draw: verb === "rollback" ? drawRollback : drawRollout,
  })),
  ...ACCOUNT_STEPS.map((verb) => ({
    path: `/accounts/:account/${verb}`,
    act: accountStep(verb),
    draw: drawAccount,
  })),
  { path: "/preflight/:product/:version/run", act: actRun, draw: drawPreflight },
  { path: "/products/:product/mode", act: actMode, draw: drawProduct },
  { path: "/products/:product/default/approve", act: actApproveDefault, draw: drawNow },
  { path: "/products/:product/default/withdraw", act: actWithdrawDefault, draw: drawNow },
  { path: "/incident/halt", act: actIncidentHalt, draw: drawIncident },
  { path: "/tokens/:name/revoke", act: actRevoke, draw: drawTokens },
  { path: "/tokens/new", act: null, draw: drawNewToken },
  { path: "/access/grant", act: actGrant, draw: drawAccess },
  { path: "/access/:identity/revoke", act: actRevokeGrant, draw: drawAccess },
];
