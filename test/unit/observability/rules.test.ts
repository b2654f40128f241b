/** What operators load into Prometheus and Grafana: rules that fire when they should, and names that exist. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { z } from "zod";
import { buildAdmin } from "../../support/admin-builders.ts";
import { mustSkipPromtool, promtool } from "../../support/promtool.ts";

const FOLDER = "scripts/observability";

/** Metric names as rules and panels use them; a histogram's buckets are its own. */
function namesIn(file: string): readonly string[] {
  const names = readFileSync(`${FOLDER}/${file}`, "utf8").match(/\bfirebreak_[a-z_]+/g) ?? [];
  return [...new Set(names)].map((name) => name.replace(/_(?:bucket|count)$/, ""));
}

describe("names of metrics", () => {
  it.for(["alerts.yml", "grafana-dashboard.json"])(
    "%s uses only ones that are scraped",
    async (file, { expect }) => {
      const meters = { outcomes: {}, faults: {} };
      const intake = {
        reports: 0,
        requests: 0,
        droppedReports: 0,
        droppedRequests: 0,
        droppedRequestsLastHour: 0,
      };
      const at = buildAdmin({ totals: async () => [{ intake, series: [], edges: meters }] });
      const text = await (await at.call("/api/v1/metrics")).text();
      const scraped = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
      const used = namesIn(file);
      expect(used.length).toBeGreaterThan(5);
      expect(used.filter((name) => !scraped.includes(name))).toEqual([]);
    },
  );
});

describe.skipIf(mustSkipPromtool())("promtool", () => {
  it.for([
    ["check", "rules", "alerts.yml"],
    ["test", "rules", "alerts.test.yml"],
    ["check", "config", "--syntax-only", "prometheus.yml"],
  ])("finds nothing wrong: %s %s", (words, { expect }) => {
    const { code, said } = promtool(words, { cwd: FOLDER });
    expect(`${code} ${said}`).toMatch(/^0 [^]*SUCCESS|^0 [^]*is valid/);
  });

  it("can read every expression of the Grafana dashboard", async ({ expect }) => {
    const { panels } = z
      .object({ panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })) })
      .parse(JSON.parse(readFileSync(`${FOLDER}/grafana-dashboard.json`, "utf8")));
    const rules = panels.flatMap(({ targets }) =>
      targets.map(({ expr }, n) => ({
        record: `panel:${n}`,
        expr: expr.replaceAll("$__rate_interval", "1m"),
      })),
    );
    expect(rules.length).toBeGreaterThan(15);
    const folder = await mkdtemp(join(tmpdir(), "firebreak-panels-"));
    try {
      // JSON is YAML.
      const groups = rules.map((rule, n) => ({ name: `panel-${n}`, rules: [rule] }));
      await writeFile(join(folder, "panels.yml"), JSON.stringify({ groups }));
      expect(promtool(["check", "rules", "panels.yml"], { cwd: folder })).toMatchObject({ code: 0 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("finds what is wrong, so the checks above can fail", ({ expect }) => {
    expect(promtool(["check", "metrics"], { input: "firebreak_x{ 1\n" }).code).not.toBe(0);
  });
});
