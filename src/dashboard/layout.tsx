/**
 * What every page has around it: where one is, who one is, and above all the state of the whole (halt, break-glass,
 * freezes, generation published against seen, last tick), so that nobody acts without having seen it.
 * Draws what it is given; asks nothing.
 */
import type { Child } from "hono/jsx";
import type { Status } from "../contracts/api/status.ts";
import type { Whoami } from "../contracts/api/sessions.ts";
import { count, When } from "./parts/words.tsx";
import { PROOF_FIELD } from "./session.ts";

/** What every page of a signed-in reader is drawn with. */
export interface Frame {
  readonly who: Whoami;
  /** Null while the control plane does not answer. */
  readonly status: Status | null;
  /** Names of freezes in force now. */
  readonly freezes: readonly string[];
  /** Goes into every form. */
  readonly proof: string;
  /** Came through Cloudflare Access and not with a session of ours. */
  readonly through: boolean;
  /** Path of the page, to mark it in the navigation. */
  readonly here: string;
}

const PAGES: readonly (readonly [href: string, title: string])[] = [
  ["/", "Now"],
  ["/rollouts", "Rollouts"],
  ["/accounts", "Accounts"],
  ["/explain", "Explain"],
  ["/calendar", "Calendar"],
  ["/preflight", "Preflight"],
  ["/incident", "Incident"],
  ["/audit", "Audit"],
  ["/tokens", "Tokens"],
  ["/access", "Access"],
];

function isHere(href: string, here: string): boolean {
  return href === "/" ? here === "/" : here === href || here.startsWith(`${href}/`);
}

/** The whole document. */
export function Page({
  title,
  frame,
  live = false,
  children,
}: {
  title: string;
  frame: Frame;
  /** Whether the script may ask for it again and again. */
  live?: boolean;
  children?: Child;
}) {
  return (
    <html lang="en">
      <Head title={title} />
      <body>
        <a class="skip" href="#main">
          Skip to the page
        </a>
        <header class="top">
          <div class="bar">
            <a class="brand" href="/">
              Firebreak
            </a>
            <nav class="main" aria-label="Pages">
              {PAGES.map(([href, name]) => (
                <a href={href} aria-current={isHere(href, frame.here) ? "page" : undefined}>
                  {name}
                </a>
              ))}
            </nav>
            <SignOut frame={frame} />
          </div>
          <div class="bar state" data-state role="status">
            <State frame={frame} />
          </div>
        </header>
        <main id="main" data-live={live ? "yes" : undefined}>
          <h1>{title}</h1>
          {children}
        </main>
        <footer>
          <span data-live-state>Reload to see what is new</span>. Role {frame.who.role}
          {frame.who.products === null ? "" : `, limited to ${frame.who.products.join(", ")}`}. Times are UTC
          unless they say otherwise.
        </footer>
      </body>
    </html>
  );
}

/** Access ends its sessions itself, at an address of its own on every host that it guards. */
function SignOut({ frame: { who, proof, through } }: { frame: Frame }) {
  return through ? (
    <a class="away" href="/cdn-cgi/access/logout">
      Sign out {who.name}
    </a>
  ) : (
    <form method="post" action="/sign-out">
      <input type="hidden" name={PROOF_FIELD} value={proof} />
      <button class="quiet" type="submit">
        Sign out {who.name}
      </button>
    </form>
  );
}

export function Head({ title }: { title: string }) {
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{`${title} · Firebreak`}</title>
      <link rel="icon" type="image/svg+xml" href="/assets/firebreak.svg" />
      <link rel="stylesheet" href="/assets/firebreak.css" />
      <script src="/assets/live.js" defer></script>
    </head>
  );
}

/** Halt, break-glass, freezes, generations, tick. */
function State({ frame: { status, freezes } }: { frame: Frame }) {
  if (status === null)
    return (
      <strong class="tag bad">The control plane does not answer; serving goes on with the last maps</strong>
    );
  const { halt, breakGlass, published, seen, lastTick } = status;
  // Isolates that have needed no maps yet (health, this very host) say 0, which is no old generation.
  const readers = seen.generations.filter(({ generation }) => generation > 0);
  const read = readers.reduce((sum, each) => sum + each.share, 0);
  const current = readers.find(({ generation }) => generation === published.generation)?.share ?? 0;
  return (
    <>
      {halt.on ? (
        <strong class="tag bad">Halted: {halt.reason}</strong>
      ) : (
        <span class="tag good">Not halted</span>
      )}
      {breakGlass.active ? (
        <strong class="tag bad">
          Break-glass: {breakGlass.reason}, until <When at={breakGlass.expires} />
        </strong>
      ) : (
        <span class="tag soft">No break-glass</span>
      )}
      {freezes.length > 0 ? (
        <strong class="tag warn">Frozen: {freezes.join(", ")}</strong>
      ) : (
        <span class="tag soft">No freeze</span>
      )}
      <span>
        Generation <strong>{count(published.generation)}</strong> published
        {published.state === "idle" ? "" : ` (${published.state})`},{" "}
        {read === 0 ? "no edge has used maps lately" : `seen by ${percent(current / read)} of requests`}
      </span>
      <span>
        Last tick{" "}
        <strong>
          <When at={lastTick} otherwise="never" />
        </strong>
      </span>
    </>
  );
}

/** 0.4 → "40 %", 0.0123 → "1.2 %". */
export function percent(share: number): string {
  const value = share * 100;
  // Rounded, a part must not read as all or as nothing.
  if (value > 0 && value < 0.01) return "< 0.01 %";
  if (value > 99 && value < 100) return `${Math.min(99.9, Math.round(value * 10) / 10)} %`;
  return `${value === 0 || value >= 10 ? Math.round(value) : value.toPrecision(2)} %`;
}

/** Why the API refused, in its own words. */
export function ProblemNote({ detail }: { detail: string }) {
  return (
    <p class="note bad" role="alert">
      {detail}
    </p>
  );
}

/** A form that changes something: posts to `action` with the session's proof. */
export function ActionForm(props: {
  action: string;
  frame: Frame;
  submit: string;
  danger?: boolean;
  children?: Child;
}) {
  return (
    <form class="stack" method="post" action={props.action}>
      <input type="hidden" name={PROOF_FIELD} value={props.frame.proof} />
      {props.children}
      <div>
        <button type="submit" class={props.danger === true ? "danger" : undefined}>
          {props.submit}
        </button>
      </div>
    </form>
  );
}

/** The reason that every change takes. */
export function ReasonField() {
  return (
    <label>
      Reason (for the audit)
      <input name="reason" required maxlength={500} />
    </label>
  );
}
