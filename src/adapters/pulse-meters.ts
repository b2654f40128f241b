/**
 * What the meters know of edges, for alarms: the sum over all of them. All must answer, because half the requests would
 * look like a share that fell. Wired by the control plane.
 */
import type { EdgePulse, KnownCount } from "../contracts/alarms.ts";
import { METERS } from "./meters.ts";

export interface PulseMeterStub {
  pulse(): Promise<EdgePulse>;
}

/** Rejects when a meter does not answer; null where the deployment has none. */
export type ReadPulse = () => Promise<EdgePulse | null>;

export function createPulseReader(meter: (name: string) => PulseMeterStub | null): ReadPulse {
  return async () => {
    const stubs = Array.from({ length: METERS }, (_unused, number) => meter(`meter-${number}`));
    const bound = stubs.filter((stub) => stub !== null);
    return bound.length === 0 ? null : sumPulses(await Promise.all(bound.map((stub) => stub.pulse())));
  };
}

/** Adds up what several meters say. */
export function sumPulses(pulses: readonly EdgePulse[]): EdgePulse {
  const sum = (pick: (pulse: EdgePulse) => number): number =>
    pulses.reduce((all, pulse) => all + pick(pulse), 0);
  const known = (pick: (pulse: EdgePulse) => KnownCount): KnownCount => ({
    known: sum((pulse) => pick(pulse).known),
    unknown: sum((pulse) => pick(pulse).unknown),
  });
  return {
    requests: sum(({ requests }) => requests),
    routerErrors: sum(({ routerErrors }) => routerErrors),
    lately: known(({ lately }) => lately),
    yesterday: known(({ yesterday }) => yesterday),
    isolates: pulses.flatMap(({ isolates }) => isolates),
    refusedOverrides: sum(({ refusedOverrides }) => refusedOverrides),
  };
}
