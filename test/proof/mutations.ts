/** The role rollout with something taken out of what holds the flag back. */
import type { Gate, Sequence } from "../../src/sequence/model.js";

export type Mutation = (sequence: Sequence) => Sequence;

/** What a careless hand could do to the gateway's gate; with each of them users are refused. */
export const MUTATIONS: { readonly [name: string]: Mutation } = {
  "the gate taken out": gatewayGates(() => []),
  "quorum any": gatewayGates((gate) => [{ ...gate, quorum: "any" }]),
  "one success enough": gatewayGates((gate) => [{ ...gate, consecutiveSuccessLimit: 1, stableFor: 0 }]),
  "eu-west-1 not looked at": gatewayGates((gate) => [
    { ...gate, targets: gate.targets.filter(({ name }) => name !== "eu-west-1") },
  ]),
};

/** The gateway's gate gives up early, and keeps looking. */
export const HELD: Mutation = gatewayGates((gate) => [{ ...gate, timeout: 3_000, onTimeout: "hold" }]);

function gatewayGates(change: (gate: Gate) => readonly Gate[]): Mutation {
  return (sequence) => ({
    ...sequence,
    steps: sequence.steps.map((entry) => {
      if (entry.name !== "gateway") return entry;
      return { ...entry, convergedWhen: (entry.convergedWhen ?? []).flatMap(change) };
    }),
  });
}
