/**
 * What a page and an action of the dashboard are: one visit in, something to draw or a problem out.
 * Shapes only, shared by `app.tsx`, which routes, and the files of pages/, which draw.
 */
import type { Child } from "hono/jsx";
import type { Result } from "../contracts/result.ts";
import type { Api, Problem } from "./api.ts";
import type { Frame } from "./layout.tsx";

/** One signed-in request for one page. */
export interface Visit {
  readonly api: Api;
  readonly frame: Frame;
  readonly url: URL;
  /** When the page was asked for. */
  readonly nowMs: number;
  readonly params: Readonly<Record<string, string>>;
  /** Why the action that was tried from this page was refused, to be shown on it. */
  readonly problem: Problem | null;
  /** What was written in the form that was refused, so that nothing written is lost. */
  readonly written: Readonly<Record<string, string>>;
}

export interface Drawn {
  readonly title: string;
  readonly body: Child;
  /** Left out: the page asks for news every few seconds. */
  readonly live?: boolean;
  /** Left out: 200, or that of the problem which is shown. */
  readonly status?: number;
}

/** Draws a page, or says why it cannot. */
export type DrawPage = (visit: Visit) => Promise<Result<Drawn, Problem>>;

/** Fields of the form, each once; the proof was checked before and is not among them. */
export type Fields = Readonly<Record<string, string>>;

/** Does what a form asks. @returns the path of ours to show next, or why it was refused. */
export type Act = (visit: Visit, fields: Fields) => Promise<Result<string, Problem>>;

export interface PageRoute {
  /** Hono's pattern, `/rollouts/:id`. */
  readonly path: string;
  readonly draw: DrawPage;
}

export interface ActionRoute {
  readonly path: string;
  /** Null: the page itself does it and shows what cannot be shown twice. */
  readonly act: Act | null;
  /** The page to draw again, with the problem on it, when the action was refused. */
  readonly draw: DrawPage;
}
