/** The planned orders that stand now: of every run that is not finished, and of what was declared ahead of one. */
import type { PlannedOrder, PlannedStep } from "../../departures/model.js";
import type { OpenLedger } from "../../ledger/index.js";
import { compile } from "../../plan/compile.js";
import type { Plan } from "../../plan/model.js";
import { stepsOf } from "../../run/edges.js";
import type { Entry } from "../../run/ports.js";
import type { RunState } from "../../run/state.js";
import type { Sequence } from "../../sequence/model.js";
import { loadRun } from "../load-run.js";

/** Everything that has a planned order. */
export async function plannedOrders(ledger: OpenLedger): Promise<readonly PlannedOrder[]> {
  const running = await Promise.all(
    (await ledger.runs({ unfinished: true })).map(async ({ run }) => orderOfRun(ledger, await loadRun(ledger, run))),
  );
  return [...running, ...(await declaredOrders(ledger))];
}

/** Of a run: with how far each step has come. */
export async function orderOfRun(ledger: OpenLedger, state: RunState): Promise<PlannedOrder> {
  const { plan, entry, at } = state.started;
  const started = await ledger.entry(entry);
  const declared = started?.causes[0] && (await ledger.entry(started.causes[0].number));
  return {
    ...orderOf(plan, stacksIn(declared), (step) => progress(state, step)),
    since: at,
    run: state.run,
  };
}

/** Declared ahead of a run that hasn't been: nothing of it is reached. A finished run has used the declaration up. */
async function declaredOrders(ledger: OpenLedger): Promise<readonly PlannedOrder[]> {
  const declared = (await ledger.intents()).filter(({ type }) => type === "sequence.declared");
  const standing = await Promise.all(
    declared.map(async (entry) => {
      const [newest] = await ledger.runs({ sequence: entry.sequence ?? "", rehearsal: entry.rehearsal, limit: 1 });
      if (newest !== undefined && newest.last.number > entry.number) return [];
      const plan = compile(entry.body.sequence as unknown as Sequence);
      return [{ ...orderOf(plan, stacksIn(entry), () => ({})), since: Number(entry.body.at) }];
    }),
  );
  return standing.flat();
}

type Progress = Pick<PlannedStep, "reached" | "converged">;

function orderOf(
  plan: Plan,
  stacks: { readonly [step: string]: string },
  progressOf: (step: string) => Progress,
): Omit<PlannedOrder, "since"> {
  const steps = stepsOf(plan).flatMap(({ id, verb }, at): PlannedStep[] => {
    const stack = stacks[id];
    return stack === undefined ? [] : [{ step: id, number: at + 1, verb, stack, ...progressOf(id) }];
  });
  return {
    sequence: plan.sequence.name,
    steps,
    ...(plan.outOfBand === undefined ? {} : { policy: plan.outOfBand }),
  };
}

function progress(state: RunState, step: string): Progress {
  const [attempt] = state.steps[step] ?? [];
  const node = state.started.plan.nodes.find(({ id }) => id === step);
  const opened = state.opened[node?.boundary ?? step];
  return {
    ...(attempt === undefined ? {} : { reached: attempt.intendedAt }),
    ...(opened === undefined ? {} : { converged: opened.at }),
  };
}

/** Which stack each step means: noted when the sequence was declared, since a plan knows folders only. */
export function stacksIn(declared: Entry | undefined): { readonly [step: string]: string } {
  return (declared?.body.stacks ?? {}) as { readonly [step: string]: string };
}
