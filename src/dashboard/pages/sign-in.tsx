/** The door: a token is exchanged for a session. Shows nothing of what is behind it. */
import { Head } from "../layout.tsx";

/**
 * @param back path of ours to go to afterwards.
 * @param through whether the request came through Cloudflare Access, and so may go on without a token.
 * @param local whether this is the local run on the reader's own machine, whose token is no secret.
 */
export function SignIn({
  back,
  problem,
  through = false,
  local = false,
}: {
  back: string;
  problem: string | null;
  through?: boolean;
  local?: boolean;
}) {
  return (
    <html lang="en">
      <Head title="Sign in" />
      <body>
        <main id="main">
          <h1>Firebreak</h1>
          {problem === null ? null : (
            <p class="note bad" role="alert">
              {problem}
            </p>
          )}
          {through ? (
            <p>
              <a href={back}>Go on as whom Cloudflare Access let in</a>, or with a token:
            </p>
          ) : null}
          <form class="stack" method="post" action="/sign-in">
            <input type="hidden" name="back" value={back} />
            <label>
              Token
              <input name="token" type="password" required autocomplete="current-password" autofocus />
            </label>
            <div>
              <button type="submit">Sign in</button>
            </div>
          </form>
          {local ? (
            <p class="note">
              This is a local run: its token is <code>dev</code>, as <code>npm start</code> has printed.
            </p>
          ) : null}
          <p class="soft">
            The token is exchanged for a session of twelve hours and is not kept in the browser. An admin
            issues tokens: <code>npm run -s firebreak -- token create NAME --role viewer</code>
          </p>
        </main>
      </body>
    </html>
  );
}
