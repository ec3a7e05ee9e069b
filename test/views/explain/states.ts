/** Runs to explain, made by the pure machine on a fake world. */

import { stepsOf } from "../../../src/run/edges.js";
import type { RunEvent } from "../../../src/run/events.js";
import { evolve } from "../../../src/run/evolve.js";
import { bodyOf } from "../../../src/run/gates.js";
import type { LeaseHolder } from "../../../src/run/ports.js";
import { explain } from "../../../src/views/explain/explain.js";
import type { Evidence, ExplainInput } from "../../../src/views/explain/input.js";
import type { Explanation } from "../../../src/views/explain/model.js";
import { describeExplanation } from "../../../src/views/explain/text.js";
import type { Machine } from "../../run/machine.js";

const ACTOR = { claimed: "ann@ops", authenticated: "evo" };

/** The machine's entries as a ledger would hold them. */
export function ledgered({
  state,
  entries,
  causes,
}: Pick<Machine, "state" | "entries" | "causes">): readonly Evidence[] {
  return entries.map(({ number, event }) => {
    const step = stepOf(event);
    return {
      number,
      time: new Date(event.at).toISOString().replace("Z", "000Z"),
      type: event.type,
      sequence: state.started.plan.sequence.name,
      run: state.run,
      rehearsal: false,
      actor: ACTOR,
      body: bodyOf(event),
      causes: (causes.get(number) ?? []).map((cause) => ({ number: cause })),
      ...(step === undefined ? {} : { step }),
    };
  });
}

function stepOf(event: RunEvent): string | undefined {
  if ("operation" in event) return event.operation.split(".")[1];
  return "node" in event ? event.node : undefined;
}

/** The machine after these further events, each caused by the one before. */
export function afterwards(machine: Machine, ...events: readonly RunEvent[]): Machine {
  let { state } = machine;
  const entries = [...machine.entries];
  const causes = new Map(machine.causes);
  for (const event of events) {
    const number = entries.length + 1;
    causes.set(number, [number - 1]);
    entries.push({ number, event });
    state = evolve(state, { number, event });
  }
  return { ...machine, state, entries, causes };
}

export const DRIVER: NonNullable<ExplainInput["driver"]> = {
  is: "driving",
  lease: {
    resource: "sequence:role-rollout",
    token: "1",
    holder: { run: "run", actor: "ann@ops", host: "ops", pid: 7 },
    since: "",
    expires: "",
    live: true,
  } satisfies LeaseHolder,
};

export function explained(machine: Machine, now: number, more: Partial<ExplainInput> = {}): Explanation {
  const { state } = machine;
  const retry = stepsOf(state.started.plan)
    .map(({ id }) => id)
    .filter((step) => state.steps[step]?.at(-1)?.outcome !== undefined);
  const rest = { departures: [], times: [], readers: {}, driver: undefined, recovering: undefined };
  const accepts = { retry, recover: { accepted: false } };
  return explain({ state, entries: ledgered(machine), ...rest, accepts, now, ...more });
}

/** As text; clock times depend on where it runs. */
export function told(explanation: Explanation, width: number): string {
  const lines = describeExplanation(explanation, width).map((line) => line.replaceAll(/\d\d:\d\d:\d\d/g, "hh:mm:ss"));
  return `\n${lines.join("\n")}\n`;
}
