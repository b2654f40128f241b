/** What the numbers were measured on: one line for people, the same for programs. A busy machine says so itself. */
import { createRequire } from "node:module";
import { cpus, loadavg, release, totalmem } from "node:os";
import { z } from "zod";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly workerd: string;
  /** Processes that wanted to run in the last minute, before anything was measured. */
  readonly load: number;
}

const GB = 1024 ** 3;
const PackageSchema = z.looseObject({ version: z.string() });

export function describeMachine(): Machine {
  const workerd = PackageSchema.parse(createRequire(import.meta.url)("workerd/package.json"));
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / GB),
    system: `${process.platform} ${release()}`,
    node: process.version,
    workerd: workerd.version,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

export function machineLine(machine: Machine): string {
  const { processor, cores, memoryGb, system, node, load } = machine;
  const busy = load > cores * 0.75 ? " (busy: times are longer than they would be)" : "";
  return `${processor}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, workerd ${machine.workerd}; load ${load}${busy}`;
}
