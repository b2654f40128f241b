/**
 * The part of an export that migrations 003, 006, 008 and 010 added: rollouts with what they froze, their steps, whom
 * they moved back and left behind, what gates were told and whom they put back; replacements of versions. Data alone; see tables.ts. An export made before has no such rows, and restoring it leaves none.
 */
import type { ExportTable } from "./tables.ts";

export const ROLLOUT_TABLES: readonly ExportTable[] = [
  {
    name: "rollouts",
    order: "id",
    columns: {
      id: "text",
      state: "json",
      active: "int",
      revision: "int",
      left_behind: "json",
      groups_seq: "int",
      split_seq: "int",
      homes: "text",
      homes_cursor: "text",
      homes_seq: "int",
      made_by: "text",
      made_at: "int",
      ended_at: "int?",
    },
  },
  {
    name: "rollout_groups",
    order: "rollout, position",
    columns: {
      rollout: "text",
      position: "int",
      number: "int",
      identity: "json",
      labels: "json?",
      accounts: "int",
    },
  },
  {
    name: "rollout_buckets",
    order: "rollout, position, part",
    columns: { rollout: "text", position: "int", part: "int", buckets: "blob" },
  },
  {
    name: "rollout_steps",
    order: "rollout, step",
    columns: {
      rollout: "text",
      step: "int",
      effect: "json",
      asked_at: "int",
      done_at: "int?",
      outcome: "text?",
    },
  },
  {
    name: "rollout_homes",
    order: "rollout, account",
    columns: { rollout: "text", account: "text", homes: "json" },
  },
  {
    name: "left_behind",
    order: "rollout, account",
    columns: { rollout: "text", account: "text", reason: "text", detail: "text?" },
  },
  {
    name: "account_backs",
    order: "account, rollout, at",
    columns: { account: "text", rollout: "text", at: "int" },
  },
  {
    name: "rollout_tallies",
    order: "rollout",
    columns: { rollout: "text", cursor: "text" },
  },
  {
    name: "gate_signals",
    order: "rollout, source, product",
    columns: {
      rollout: "text",
      source: "text",
      product: "text",
      verdict: "text",
      reason: "text",
      at: "int",
      expires: "int",
      made_by: "text",
    },
  },
  {
    name: "gate_quarantines",
    order: "rollout, account, product",
    columns: {
      rollout: "text",
      account: "text",
      product: "text",
      version: "text",
      was: "text",
      at: "int",
      step: "int",
      reason: "text",
    },
  },
  {
    name: "data_publishes",
    order: "rollout, step",
    columns: { rollout: "text", step: "int", seq: "int", at: "int?", generation: "int?" },
  },
  {
    name: "data_batches",
    order: "rollout, batch",
    columns: { rollout: "text", batch: "int", terms: "json", left_seq: "int", open: "int" },
  },
  {
    name: "data_units",
    order: "rollout, batch, unit",
    columns: { rollout: "text", batch: "int", unit: "text", open: "int", state: "json" },
  },
  {
    name: "data_left",
    order: "rollout, batch, account",
    columns: { rollout: "text", batch: "int", account: "text", fate: "text" },
  },
  {
    name: "replacements",
    order: "product, source, number",
    columns: {
      product: "text",
      source: "text",
      number: "int",
      state: "json",
      active: "int",
      revision: "int",
      reason: "text",
      homes: "text",
      homes_cursor: "text",
      pass_seq: "int",
      swept_seq: "int",
      homes_seq: "int",
      made_by: "text",
      made_at: "int",
      ended_at: "int?",
    },
  },
];
