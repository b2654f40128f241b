/** What a rollout has done so far, in tables: waves, the default, what the targets have answered, who is left behind. */
import type { RolloutGatesView } from "../../contracts/api/gates.ts";
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import { path } from "../api.ts";
import { percent } from "../layout.tsx";
import { hasEnded } from "./phase.tsx";
import { Table } from "./table.tsx";
import { accountsOf, count, When } from "./words.tsx";

export function Waves({ rollout: { waves, wave, phase } }: { rollout: RolloutView }) {
  const ended = hasEnded(phase);
  const otherwise = ended ? "never" : "not yet";
  return (
    <>
      <h2>Waves</h2>
      <Table
        label="Waves"
        heads={["Wave", "#Accounts", "#Moved", "Progress", "Gate", "Moves", "Baked", "Approved"]}
        current={ended ? null : wave}
        rows={waves.map((each, index) => [
          <>
            {each.name} {index === wave && !ended ? <span class="tag good">at hand</span> : null}
          </>,
          count(each.accounts),
          count(each.moved),
          <>
            <progress value={each.progress} max={1} aria-label={`Progress of ${each.name}`}></progress>
            <span class="soft">{percent(each.progress)}</span>
          </>,
          each.verdict ?? "not asked yet",
          <>
            <When at={each.firstMoveAt} otherwise={otherwise} />
            {each.shiftedAt === null ? "" : " to "}
            <When at={each.shiftedAt} />
          </>,
          <When at={each.bakedAt} otherwise={otherwise} />,
          each.approved === null ? (
            ""
          ) : (
            <>
              by {each.approved.by}, <When at={each.approved.at} />
            </>
          ),
        ])}
      />
    </>
  );
}

export function Defaults({ rollout: { defaults } }: { rollout: RolloutView }) {
  if (defaults.length === 0) return null;
  return (
    <>
      <h2>Default (unknown accounts)</h2>
      <ul>
        {defaults.map(({ product, state, at }) => (
          <li>
            {product}: {state}
            {at === null ? "" : " at "}
            <When at={at} />
          </li>
        ))}
      </ul>
    </>
  );
}

const CLASSES = ["known", "unknown", "none", "ip"] as const;

export function Coverage({ rollout: { coverage } }: { rollout: RolloutView }) {
  if (coverage.length === 0) return null;
  return (
    <>
      <h2>Kinds of request the targets have answered</h2>
      <Table
        label="Kinds of request"
        caption="Real ones, and synthetic ones behind the plus; a kind with neither holds the rollout"
        compact
        heads={["Target", ...CLASSES.map((name) => `#${name}`)]}
        rows={coverage.map((each) => [
          `${each.product} ${each.version}`,
          ...CLASSES.map((name) => `${count(each[name].real)} + ${count(each[name].synthetic)}`),
        ])}
      />
    </>
  );
}

/** Accounts that the gate put back alone. */
export function PutBack({ accounts }: { accounts: RolloutGatesView["putBack"] }) {
  if (accounts.length === 0) return null;
  return (
    <>
      <h2>Quarantined by the gate</h2>
      <Table
        label="Quarantined accounts"
        heads={["Account", "Back on", "When", "Why"]}
        rows={accounts.map(({ account, product, version, at, reason }) => [
          <a href={path`/accounts/${account}`}>{account}</a>,
          `${product} ${version}`,
          <When at={at} />,
          reason,
        ])}
      />
    </>
  );
}

/** Reasons as people say them. */
const LEFT: Readonly<Record<string, string>> = {
  "not-reached": "not reached",
  "rolled-back": "rolled back",
  "created-later": "created after the start",
  "no-product": "without the product",
  "already-there": "on the target already",
};

export function LeftBehind({ rollout: { leftBehind, phase } }: { rollout: RolloutView }) {
  if (leftBehind.length === 0) return null;
  return (
    <>
      <h2>Not moved, and why</h2>
      <ul>
        {leftBehind.map(({ reason, accounts, examples }) => (
          <li>
            {accountsOf(accounts)}: {LEFT[reason] ?? reason}
            {reason === "not-reached" && !hasEnded(phase) ? " yet" : ""}
            {examples.length === 0 ? null : (
              <span class="soft">
                , such as{" "}
                {examples.map((slug, at) => (
                  <>
                    {at === 0 ? "" : ", "}
                    <a href={path`/accounts/${slug}`}>{slug}</a>
                  </>
                ))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
