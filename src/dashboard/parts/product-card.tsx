/** A product on the first page: what new and unknown accounts get, and its versions with accounts, traffic and failures. */
import type { Status } from "../../contracts/api/status.ts";
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import type { Traffic } from "../../contracts/api/traffic.ts";
import { path } from "../api.ts";
import { percent } from "../layout.tsx";
import { Table } from "./table.tsx";
import { count } from "./words.tsx";

interface Props {
  readonly product: Status["products"][number];
  /** Those that are not over. */
  readonly rollouts: readonly RolloutView[];
  readonly replacements: Status["replacements"];
  /** Null: not known. */
  readonly traffic: Traffic | null;
}

const PERCENT = 100;

export function ProductCard({ product, rollouts, replacements, traffic }: Props) {
  const { name } = product;
  const movedTo = (version: string): number =>
    rollouts.filter(({ targets }) => targets[name] === version).reduce((sum, each) => sum + each.moved, 0);
  const replacing = replacements.filter((each) => each.product === name);
  return (
    <section class="card">
      <h3>
        <a href={path`/products/${name}`}>{name}</a>
      </h3>
      <dl class="facts">
        {product.mode === "active" ? null : (
          <>
            <dt>Mode</dt>
            <dd>{product.mode}: today's fleet answers</dd>
          </>
        )}
        <dt>Stable (new accounts)</dt>
        <dd>{product.stable ?? "none"}</dd>
        <dt>Default (unknown accounts)</dt>
        <dd>
          {product.default ?? "none"}
          <span class="soft">, standby {product.standby ?? "none"}</span>
        </dd>
        {replacing.map(({ from, to, percent: done, phase, reason }) => (
          <>
            <dt>Replaced</dt>
            <dd>
              {from} by {to} for {done} % {phase === null ? "" : `(${phase})`}
              {reason === null ? "" : `: ${reason}`}
            </dd>
          </>
        ))}
      </dl>
      <Table
        label={`Versions of ${name}`}
        compact
        heads={["Version", "#Homes", "#Moved", "#Share", "#Fail", "#p95"]}
        empty="No version is registered."
        rows={Object.entries(product.versions).map(([version, homes]) => [
          version,
          count(homes),
          movedTo(version) === 0 ? "" : `+${count(movedTo(version))}`,
          ...trafficOf(traffic, name, version),
        ])}
      />
      <p class="soft small">
        Homes are recorded; moved are accounts that a running rollout serves by it. Share, failures and p95
        are of the last {traffic?.minutes ?? 15} minutes.
      </p>
    </section>
  );
}

function trafficOf(traffic: Traffic | null, product: string, version: string): readonly string[] {
  if (traffic === null) return ["?", "?", "?"];
  const found = traffic.items.find((each) => each.product === product && each.version === version);
  if (found === undefined) return ["0 %", "", ""];
  const { share, rate, p95Ms } = found;
  return [percent(share), percent(rate), p95Ms === null ? "" : `${Math.round(p95Ms)} ms`];
}

/** How many requests name an account that is known: the first number to fall when maps are wrong. */
export function KnownShare({ traffic }: { traffic: Traffic | null }) {
  if (traffic === null) return <p class="soft">Traffic is not known: the meters do not answer.</p>;
  const { now, yesterday } = traffic.known;
  const fell = now !== null && yesterday !== null && (yesterday - now) * PERCENT >= 1;
  const before =
    yesterday === null ? "nothing to compare with from yesterday" : `${percent(yesterday)} yesterday`;
  return (
    <p class={fell ? "note warn" : "soft"}>
      {now === null
        ? `No request for an account in the last ${traffic.minutes} minutes`
        : `${percent(now)} of the requests of the last ${traffic.minutes} minutes name a known account`}
      , {before}.
    </p>
  );
}
