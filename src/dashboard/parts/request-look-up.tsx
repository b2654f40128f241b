/**
 * Where a request id leads: edges write down what failed and a sample of the rest, each line with its id, so the id finds
 * the line in the logs. It is put into the command as it must be typed; nothing is run here.
 */
import { ProblemNote } from "../layout.tsx";

/** What ids are made of, whoever made them; anything else would not be safe to paste. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** @param action path of the page that it is on. */
export function RequestLookUp({ action, url }: { action: string; url: URL }) {
  const id = (url.searchParams.get("request") ?? "").trim();
  return (
    <>
      <form class="inline" method="get" action={action}>
        <label>
          Request id (Firebreak-Request-Id, or CF-Ray)
          <input name="request" value={id} placeholder="such as 9f2c01ab34de-7k" required />
        </label>
        <button type="submit" class="quiet">
          Look it up
        </button>
      </form>
      {id === "" ? null : REQUEST_ID.test(id) ? (
        <Where id={id} />
      ) : (
        <ProblemNote detail="That is no request id." />
      )}
    </>
  );
}

function Where({ id }: { id: string }) {
  return (
    <section class="note" aria-label="Request">
      <p>
        Every failure and refusal has a line in the logs, and one in a thousand of the others. In Workers Logs
        filter by <code>{`requestId = "${id}"`}</code>, or follow them live:
      </p>
      <pre>{`npx wrangler tail --env="" --search '${id}'`}</pre>
      <p>
        On the local run: <code>{`grep '${id}' .firebreak/firebreak.log`}</code>
      </p>
    </section>
  );
}
