/**
 * "Instead": whoever would get one version gets another, by break-glass, which works while the control plane does not. The
 * form makes the command with everything filled in; it is run by hand, because this must not depend on the admin host.
 */
import type { Status } from "../../contracts/api/status.ts";
import type { Visit } from "../visit.ts";
import { BREAK_GLASS_COMMANDS, LOCAL, shellWord } from "../../core/break-glass-words.ts";
import { ProblemNote } from "../layout.tsx";

const HOURS = [1, 2, 6, 12] as const;
const HOUR_MS = 60 * 60_000;
/** A reason that needs no care in a shell. */
const MAX_REASON = 200;

interface Asked {
  readonly from: string;
  readonly to: string;
  readonly hours: number;
  readonly why: string;
}

function askedOf(url: URL): Asked | null {
  const { from, to, hours, why } = Object.fromEntries(url.searchParams);
  if (from === undefined || to === undefined) return null;
  return { from, to, hours: Number(hours), why: why ?? "" };
}

export function Instead({ status, visit: { url, nowMs } }: { status: Status | null; visit: Visit }) {
  const versions = (status?.products ?? []).flatMap(({ name, versions: of }) =>
    Object.keys(of).map((version) => `${name} ${version}`),
  );
  const asked = askedOf(url);
  if (versions.length === 0)
    return <p class="soft">The versions are not known just now. The card in the README has the document.</p>;
  return (
    <>
      <p>
        Break-glass, written by hand: whoever would get the first version gets the second, within a minute,
        and it ends by itself. It works while the control plane does not. Nothing changes by making the
        command.
      </p>
      <form class="inline" method="get" action="/incident">
        <Choice name="from" title="In place of" versions={versions} chosen={asked?.from} />
        <Choice name="to" title="Everybody gets" versions={versions} chosen={asked?.to} />
        <label>
          For
          <select name="hours">
            {HOURS.map((hours) => (
              <option value={String(hours)} selected={hours === (asked?.hours ?? 2)}>
                {hours === 1 ? "1 hour" : `${hours} hours`}
              </option>
            ))}
          </select>
        </label>
        <label>
          Reason
          <input name="why" required maxlength={MAX_REASON} value={asked?.why ?? ""} />
        </label>
        <button type="submit" class="quiet">
          Make the command
        </button>
      </form>
      {asked === null ? null : (
        <Command asked={asked} versions={versions} nowMs={nowMs} environment={status?.environment ?? null} />
      )}
    </>
  );
}

function Choice(props: {
  name: string;
  title: string;
  versions: readonly string[];
  chosen: string | undefined;
}) {
  return (
    <label>
      {props.title}
      <select name={props.name}>
        {props.versions.map((version) => (
          <option value={version} selected={version === props.chosen}>
            {version}
          </option>
        ))}
      </select>
    </label>
  );
}

interface CommandProps {
  readonly asked: Asked;
  readonly versions: readonly string[];
  readonly nowMs: number;
  /** Which one these pages are of; null: nobody said. */
  readonly environment: string | null;
}

function Command({ asked, versions, nowMs, environment }: CommandProps) {
  const [product = "", from = ""] = asked.from.split(" ");
  const [other, to = ""] = asked.to.split(" ");
  const hours = HOURS.find((each) => each === asked.hours);
  if (!versions.includes(asked.from) || !versions.includes(asked.to) || hours === undefined)
    return <ProblemNote detail="There is no such version, or no such time." />;
  if (product !== other || from === to)
    return <ProblemNote detail="Both must be of one product, and not the same." />;
  const document = {
    reason: asked.why,
    written: new Date(nowMs).toISOString(),
    expires: new Date(nowMs + hours * HOUR_MS).toISOString(),
    instead: { [product]: { [from]: to } },
  };
  const word = shellWord(JSON.stringify(document));
  if (environment === LOCAL)
    return (
      <>
        <pre>{BREAK_GLASS_COMMANDS.putLocally(word)}</pre>
        <p class="soft">
          <code>{"{}"}</code> in place of the document ends it.
        </p>
      </>
    );
  return (
    <>
      <pre>{BREAK_GLASS_COMMANDS.put(word, environment)}</pre>
      <p class="soft">
        When KV cannot be written, by a deploy: <code>{BREAK_GLASS_COMMANDS.deploy("'…'", environment)}</code>{" "}
        with the same document. <code>{"{}"}</code> in its place ends it.
        {environment === null
          ? ' In place of --env ENVIRONMENT put --env="" for production, or --env staging: the variable is not set.'
          : ""}
      </p>
    </>
  );
}
