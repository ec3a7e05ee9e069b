/** Entries and views as small as a table of cases needs them. */
import type { BackendUpdate, BackendView, PlannedOrder, PlannedStep } from "../../src/departures/model.js";
import type { Entry } from "../../src/run/ports.js";

export const STACK = "file:///b#organization/p/dev";

/** An entry about the stack; its number says where it stands. */
export function entry(number: number, type: string, body: Entry["body"], more: Partial<Entry> = {}): Entry {
  const actor = { claimed: "a", authenticated: "b" };
  const chain = { ledger: "l", time: "", version: 1, text: "", previous: "", hash: "", causes: [] };
  return { ...chain, number, type, stack: STACK, rehearsal: false, actor, body: { at: number, ...body }, ...more };
}

export const firstContact = (number: number, more: Entry["body"] = {}): Entry =>
  entry(number, "stack.baselined", { of: "record", exists: true, checkpoint: "c0", position: "h0", ...more });

export function update(position: string, noted: BackendUpdate["noted"] = {}, ended = 100): BackendUpdate {
  return { position, kind: "update", result: "succeeded", began: ended - 10, ended, noted, counts: { create: 1 } };
}

export const ours = (position: string, operation: string): BackendUpdate =>
  update(position, { "ci.system": "evo", "ci.build.number": operation });

export function view(
  checkpoint: string,
  updates: readonly BackendUpdate[] = [],
  more: Partial<BackendView> = {},
): BackendView {
  return { exists: true, locks: [], checkpoint, left: checkpoint, updates, ...more };
}

export function order(step: Partial<PlannedStep>, more: Partial<PlannedOrder> = {}): PlannedOrder {
  const all = { step: "identity", number: 1, verb: "up" as const, stack: STACK, ...step };
  return { sequence: "rollout", since: 0, steps: [all], ...more };
}
