/** Bugs, each in a copy of the machine: a model test that does not find every one of them proves nothing. */
import type { PlanGate, PlanNode } from "../../src/plan/model.js";
import { decide } from "../../src/run/decide.js";
import { evolve } from "../../src/run/evolve.js";
import { countsFrom, type Evidence } from "../../src/run/gates.js";
import { gatesOf, type RunState } from "../../src/run/state.js";
import { MACHINE, type Machine } from "./model-driver.js";

export const MUTANTS: { readonly [bug: string]: Partial<Machine> } = {
  "evidence of before the update is accepted": {
    countsFrom: ({ started }) => started.at,
    isMeasurable: () => true,
    provedBy: () => "",
    decide: (state, seen, now) => {
      const decision = decide(state, movedTo(state, seen), now);
      const early = decide(asIfEnded(state), {}, now).actions.filter(({ do: kind }) => kind === "look");
      const known = new Set(decision.actions.map((action) => JSON.stringify(action)));
      return {
        ...decision,
        actions: [...decision.actions, ...early.filter((action) => !known.has(JSON.stringify(action)))],
      };
    },
  },
  "a step starts when what is before it is applied but has not converged": {
    decide: (state, seen, now) => {
      const decision = decide(state, seen, now);
      if (state.status !== "running" || decision.actions.some((action) => action.do === "record")) return decision;
      const known = new Set(decision.actions.flatMap((action) => ("step" in action ? [action.step] : [])));
      const early = decide(asIfOpen(state), {}, now).actions;
      return {
        ...decision,
        actions: [...decision.actions, ...early.filter((action) => action.do === "operate" && !known.has(action.step))],
      };
    },
  },
  "an operation nobody knows the end of counts as failed": {
    evolve: (state, entry) => {
      const { number, event } = entry;
      if (event.type !== "operation.unresolved") return evolve(state, entry);
      const { at, operation } = event;
      const failed = {
        type: "operation.failed",
        at,
        operation,
        began: at,
        ended: at,
        how: "failed",
        reason: "?",
      } as const;
      return evolve(state, { number, event: failed });
    },
  },
  "the expected version is ignored": { ignoresVersion: true },
  "a target that was not looked at counts as passed": {
    decide: (state, seen, now) => {
      const lenient = decide(
        withGates(state, (gate) => {
          const looked = gate.targets.filter(({ name }) => seen[gate.id]?.tallies[name] !== undefined);
          return looked.length === 0 ? gate : { ...gate, targets: looked };
        }),
        seen,
        now,
      );
      return lenient.actions.some((action) => action.do === "record") ? lenient : decide(state, seen, now);
    },
  },
  "taking up a halted run forgets the halt": {
    forgetsHalt: true,
    evolve: (state, entry) => {
      const next = evolve(state, entry);
      return entry.event.type === "run.adopted" && state.status !== "running"
        ? { ...next, status: "running", halt: undefined, paused: undefined }
        : next;
    },
  },
  "one operation more than allowed runs at a time": {
    decide: (state, seen, now) =>
      decide({ ...state, started: { ...state.started, parallel: state.started.parallel + 1 } }, seen, now),
  },
  "readyWhen is not judged again at the next attempt": {
    decide: (state, seen, now) =>
      decide(
        withNodes(state, (node) =>
          node.kind === "step"
            ? { ...node, ready: node.ready.filter((gate) => state.gates[gate.id]?.passed === undefined) }
            : node,
        ),
        seen,
        now,
      ),
  },
  "the window of a boundary is ignored": {
    decide: (state, seen, now) =>
      decide(
        withNodes(state, (node) => ({ ...node, window: Infinity })),
        seen,
        now,
      ),
  },
  "whoever takes over goes on with the streaks of the one before": { keepsEvidence: true },
  "a verdict outlives the attempt it was passed on": {
    evolve: (state, entry) => {
      const next = evolve(state, entry);
      return entry.event.type === "operation.intended" ? { ...next, gates: state.gates } : next;
    },
  },
};

/** Seen first in run 8, 505, 656, 775 and 4,413 of five seeds: asked for only where there are many runs. */
export const RARE_MUTANTS: typeof MUTANTS = {
  "a boundary stays open while a step in it is attempted again": {
    evolve: (state, entry) => {
      const next = evolve(state, entry);
      return entry.event.type === "operation.intended" ? { ...next, opened: state.opened } : next;
    },
  },
};

/** The machine with this bug. */
export function mutant(bug: string): Machine {
  const changes = MUTANTS[bug] ?? RARE_MUTANTS[bug];
  if (changes === undefined) throw new Error(`there is no bug ${bug}`);
  return { ...MACHINE, ...changes };
}

function withNodes(state: RunState, change: (node: PlanNode) => PlanNode): RunState {
  const { started } = state;
  return { ...state, started: { ...started, plan: { ...started.plan, nodes: started.plan.nodes.map(change) } } };
}

function withGates(state: RunState, change: (gate: PlanGate) => PlanGate): RunState {
  return withNodes(state, (node) => ({
    ...node,
    ready: node.ready.map(change),
    converged: node.converged.map(change),
  }));
}

/** Evidence as if it had been gathered since the moment from which it counts. */
function movedTo(state: RunState, seen: Evidence): Evidence {
  const gates = gatesOf(state.started.plan).filter(({ id }) => seen[id] !== undefined);
  return Object.fromEntries(
    gates.map((gate) => {
      const since = countsFrom(state, gate);
      const evidence = seen[gate.id];
      const tallies = Object.entries(evidence?.tallies ?? {}).map(([name, tally]) => [name, { ...tally, from: since }]);
      return [gate.id, { since, digests: evidence?.digests ?? {}, tallies: Object.fromEntries(tallies) }];
    }),
  );
}

/** What runs has succeeded already. */
function asIfEnded(state: RunState): RunState {
  const steps = Object.entries(state.steps).map(([step, attempts]) => [
    step,
    attempts.map((attempt) => ({
      ...attempt,
      outcome: attempt.outcome ?? {
        status: "succeeded" as const,
        began: attempt.intendedAt,
        ended: attempt.intendedAt,
        counts: {},
        entry: attempt.entry,
      },
    })),
  ]);
  return { ...state, steps: Object.fromEntries(steps) };
}

/** Every boundary whose steps are applied is open. */
function asIfOpen(state: RunState): RunState {
  const { nodes } = state.started.plan;
  const applied = (id: string): boolean => {
    const node = nodes.find((candidate) => candidate.id === id);
    if (node?.kind === "group") return node.members.every(applied);
    return state.steps[id]?.at(-1)?.outcome?.status === "succeeded";
  };
  const open = nodes.filter(({ id }) => applied(id)).map(({ id }) => [id, { entry: state.last, at: 0 }]);
  return { ...state, opened: { ...Object.fromEntries(open), ...state.opened } };
}
