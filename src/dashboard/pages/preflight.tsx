/**
 * Preflight: which versions answer what the world really sends, and the bytes behind every verdict. A run is asked for
 * here; waivers are made with the command line, where the probe is named and a reason written.
 */
import * as z from "../../contracts/api/zod.ts";
import { PreflightSchema, type PreflightView } from "../../contracts/api/preflight-runs.ts";
import { ProductListSchema, VersionListSchema } from "../../contracts/api/products.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, ProblemNote } from "../layout.tsx";
import { Table } from "../parts/table.tsx";
import { When, Words } from "../parts/words.tsx";
import type { Act, DrawPage } from "../visit.ts";

/** Every version that is not retired, each with the way to its matrix. */
export const drawPreflights: DrawPage = async ({ api }) => {
  const products = await api.ask(ProductListSchema, { path: "/products" });
  if (!products.ok) return products;
  const lists = await Promise.all(
    products.value.items.map(({ name }) =>
      api.ask(VersionListSchema, { path: path`/products/${name}/versions` }),
    ),
  );
  const versions = lists.flatMap((list) => (list.ok ? list.value.items : []));
  return ok({
    title: "Preflight",
    body: (
      <Table
        label="Versions"
        caption="Before any account moves, a version is sent what load balancers, scanners and lost clients send"
        heads={["Version", "State", "Origin"]}
        empty="No version is registered yet."
        rows={versions
          .filter(({ state }) => state !== "retired")
          .map(({ product, name, state, origin, bad }) => [
            <a href={path`/preflight/${product}/${name}`}>
              {product} {name}
            </a>,
            <>
              {state} {bad === null ? null : <span class="tag bad">bad: {bad.reason}</span>}
            </>,
            origin,
          ])}
      />
    ),
  });
};

export const drawPreflight: DrawPage = async ({ api, params, frame, problem }) => {
  const { product = "", version = "" } = params;
  const found = await api.ask(PreflightSchema, {
    path: path`/products/${product}/versions/${version}/preflight`,
  });
  if (!found.ok) return found;
  const preflight = found.value;
  return ok({
    title: `Preflight of ${product} ${version}`,
    body: (
      <>
        {problem === null ? null : <ProblemNote detail={problem.detail} />}
        <Verdict title="May accounts move to it?" verdict={preflight.wave} />
        <Verdict title="May the default move to it?" verdict={preflight.default} />
        <p class="soft">
          {preflight.at === null ? "Never run." : "Newest run that counts: "}
          <When at={preflight.at} />
          {preflight.at === null ? "" : "."}
          {preflight.uncovered.length === 0
            ? ""
            : ` Nobody has seen it answer these kinds of request well: ${preflight.uncovered.join(", ")}.`}
        </p>
        <ActionForm action={path`/preflight/${product}/${version}/run`} frame={frame} submit="Run it now">
          <p>
            Sends {preflight.probes.length} requests to {preflight.origin}; takes up to 45 seconds, changes
            nobody.
          </p>
        </ActionForm>
        <Results preflight={preflight} />
      </>
    ),
  });
};

function Verdict({ title, verdict }: { title: string; verdict: PreflightView["wave"] }) {
  const tone = { pass: "good", fail: "bad", inconclusive: "warn" }[verdict.verdict];
  return (
    <p class={`note ${tone}`}>
      <strong>{title}</strong> <Words text={verdict.sentence} />
    </p>
  );
}

const TONES = { pass: "good", fail: "bad", unreachable: "warn", error: "bad" } as const;

function Results({ preflight: { probes, results, waivers } }: { preflight: PreflightView }) {
  const byId = new Map(results.map((result) => [result.id, result]));
  return (
    <Table
      label="Probes"
      heads={["Probe", "Expects", "Outcome", "What it found", "Sent and received"]}
      rows={probes.map(({ id, title, why, demandedBy, expects = "" }) => {
        const result = byId.get(id);
        const waiver = waivers.find(({ probe }) => probe === id);
        return [
          <>
            {title} <span class="soft">({id})</span>
            <br />
            <span class="soft small">
              {why}
              {demandedBy.length === 0 ? "" : ` (${demandedBy.join(", ")})`}
            </span>
          </>,
          expects,
          <>
            <span class={`tag ${result === undefined ? "soft" : TONES[result.outcome]}`}>
              {result?.outcome ?? "not run"}
            </span>
            {waiver === undefined ? null : (
              <p class="soft">
                Waived by {waiver.by}: {waiver.reason}
              </p>
            )}
          </>,
          result === undefined ? "" : result.sentence.replace(`${title}: `, ""),
          result === undefined ? "" : <Evidence evidence={result.evidence} />,
        ];
      })}
    />
  );
}

function Evidence({ evidence }: { evidence: PreflightView["results"][number]["evidence"] }) {
  return (
    <details>
      <summary>Bytes</summary>
      <p class="soft">Sent</p>
      <pre>{evidence.sent}</pre>
      <p class="soft">Received</p>
      <pre>{evidence.received === "" ? "nothing" : evidence.received}</pre>
      <p class="soft">
        {Math.round(evidence.ms)} ms, from{" "}
        {evidence.from === "here" ? "the command line" : "the control plane"}
      </p>
    </details>
  );
}

/** Asks for a run and comes back to the matrix with what it found. */
export const actRun: Act = async ({ api, params }) => {
  const { product = "", version = "" } = params;
  const done = await api.ask(z.unknown(), {
    method: "POST",
    path: path`/products/${product}/versions/${version}/preflight`,
    body: {},
  });
  return done.ok ? ok(path`/preflight/${product}/${version}`) : done;
};
