/** Where a change lies in the planned order of what runs or was declared. Pure. */
import type { Place, PlannedOrder, PlannedStep, StackId } from "./model.js";

/** When something was changed: not before `from`, not after `to`. */
export interface Moment {
  readonly from: number;
  readonly to: number;
}

export interface Placed {
  readonly place: Place;
  readonly order?: PlannedOrder;
  readonly step?: PlannedStep;
}

/** Which of two places is the graver one, where several orders name the stack. */
const GRAVITY: readonly Place[] = ["early", "concurrent", "after", "unrelated"];

/**
 * The gravest place that any planned order gives the change. An order that began to stand only after the change says
 * nothing about it; where the moment isn't known exactly, the order counts if the change may have come after it.
 */
export function placeOf(stack: StackId, moment: Moment, orders: readonly PlannedOrder[]): Placed {
  const placed = orders
    .filter((order) => moment.to >= order.since)
    .flatMap((order) =>
      order.steps
        .filter((step) => step.stack === stack)
        .map((step): Placed => ({ place: placeInStep(step, moment), order, step })),
    );
  return placed.sort((a, b) => GRAVITY.indexOf(a.place) - GRAVITY.indexOf(b.place))[0] ?? { place: "unrelated" };
}

function placeInStep({ reached, converged }: PlannedStep, { from, to }: Moment): Place {
  if (reached === undefined || to < reached) return "early";
  return converged === undefined || from < converged ? "concurrent" : "after";
}
