/** Looks up in the ledger what `asOf` means, and freezes it into the plan before anything else is done (invariant 6). */
import { DEPARTURE_TYPES, departuresOf } from "../departures/known.js";
import type { OpenLedger } from "../ledger/index.js";
import { digested } from "../plan/compile.js";
import type { AsOf, Plan, PlanNode, StepNode } from "../plan/model.js";
import { operationMeant, PAST_TYPES, type Past, putTo } from "../run/earlier.js";
import { stepsOf } from "../run/edges.js";
import type { RunId } from "../run/events.js";
import { loadRun } from "./load-run.js";
import type { Session } from "./session.js";

/** What is asked: the record, and which stack a step means. */
export type Asked = Pick<Session, "clock"> & {
  readonly ledger: Pick<OpenLedger, "aboutStacks" | "load">;
  readonly executor: Pick<Session["executor"], "locate">;
};

/** Whether a plan has a step that is put to a recorded state which nobody has looked up yet. */
export function asksTheRecord(plan: Plan): boolean {
  return stepsOf(plan).some(({ options, earlier }) => options.asOf !== undefined && earlier === undefined);
}

/**
 * The plan with every recorded state in its place. `answered`: the run that it is to answer. Errors (exit 2): `earlier.*`,
 * what the record doesn't say for certain.
 */
export async function asRecorded(asked: Asked, plan: Plan, root: string, answered?: RunId): Promise<Plan> {
  if (!asksTheRecord(plan)) return plan;
  const nodes: PlanNode[] = [];
  for (const node of plan.nodes) {
    const asOf = node.kind === "step" ? node.options.asOf : undefined;
    nodes.push(node.kind === "step" && asOf !== undefined ? await lookUp(asked, node, asOf, root, answered) : node);
  }
  return digested({ ...plan, nodes });
}

async function lookUp(asked: Asked, node: StepNode, asOf: AsOf, root: string, answered?: RunId): Promise<StepNode> {
  const past = await pastOf(asked, asked.executor.locate(node, root));
  const operation = operationMeant(node, asOf, past, answered);
  const { started } = await loadRun(asked.ledger, operation.run);
  return putTo(node, operation, started);
}

async function pastOf({ ledger, clock }: Asked, stack: string): Promise<Past> {
  const every = [...new Set([...PAST_TYPES, ...DEPARTURE_TYPES])];
  const entries = await ledger.aboutStacks({ stacks: [stack], every, newest: [] });
  const foreign = departuresOf(entries, clock.now()).filter(({ kind }) => kind !== "drift");
  return { stack, entries, foreign };
}
