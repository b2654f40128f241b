/**
 * The part of an export that migration 002 added: windows, freezes and preflight with its evidence. Data alone; see
 * tables.ts. An export made before has no such rows, and restoring it leaves none.
 */
import type { ExportTable } from "./tables.ts";

/** Who wrote a row, when, and how often it was changed. */
const WRITTEN = { made_by: "text", made_at: "int", revision: "int" } as const;

export const CALENDAR_TABLES: readonly ExportTable[] = [
  { name: "windows", order: "name", columns: { name: "text", windows: "json", ...WRITTEN } },
  {
    name: "freezes",
    order: "name",
    columns: {
      name: "text",
      starts: "text",
      ends: "text",
      zone: "text",
      scope: "json",
      reason: "text",
      ...WRITTEN,
    },
  },
  {
    name: "preflight_settings",
    order: "product",
    columns: { product: "text", settings: "json", ...WRITTEN },
  },
  {
    name: "preflight_runs",
    order: "id",
    columns: {
      id: "int",
      product: "text",
      version: "text",
      origin: "text",
      via: "text?",
      basis: "text",
      purpose: "text",
      source: "text",
      made_by: "text",
      made_at: "int",
      wave_verdict: "text",
      default_verdict: "text",
    },
  },
  {
    name: "preflight_results",
    order: "run, position",
    columns: { run: "int", position: "int", result: "json" },
  },
  {
    name: "preflight_waivers",
    order: "product, version, target, probe",
    columns: {
      product: "text",
      version: "text",
      target: "text",
      probe: "text",
      origin: "text",
      reason: "text",
      made_by: "text",
      made_at: "int",
    },
  },
];
