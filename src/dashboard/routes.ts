/** Every page and every form of the dashboard, by address. A new page is a file in pages/ and a line here. */
import { drawAudit } from "./pages/audit.tsx";
import { actHalt, drawNow } from "./pages/now.tsx";
import type { ActionRoute, PageRoute } from "./visit.ts";

export const PAGE_ROUTES: readonly PageRoute[] = [
  { path: "/", draw: drawNow },
  { path: "/audit", draw: drawAudit },
];

export const ACTION_ROUTES: readonly ActionRoute[] = [{ path: "/halt", act: actHalt, draw: drawNow }];
