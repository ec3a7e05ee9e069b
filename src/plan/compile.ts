/**
 * Compiles a sequence to a plan: nodes and edges instead of lists and groups. Pure (invariant 8): the same sequence gives
 * the same plan, byte for byte, and with it the same digest.
 *
 * Lists: an entry starts after the entry before it has opened. Groups: a member starts after its group is admitted; an
 * independent or serial group opens after its members have opened. Lockstep: its members are one boundary, so the gates
 * of whatever ends a member are *hoisted*: the lockstep node judges them together, and the members only apply. Of a
 * serial list in a lockstep group the last entry is hoisted; those before it keep their own boundaries.
 */
import { digest } from "../canonical.js";
import type { OnFailure } from "../gates/model.js";
import { failureRuleOf, policyOf, retryOf } from "../sequence/defaults.js";
import { type Entry, type Gate, type Group, isGroup, type Sequence, type Step } from "../sequence/model.js";
import type { Edge, GroupNode, NodeId, Plan, PlanGate, PlanNode, StepNode } from "./model.js";

/** An entry with its place in the tree. */
interface Placed {
  readonly id: NodeId;
  readonly entry: Entry;
  /** What to do on failure where nothing nearer says so. */
  readonly rule: OnFailure | undefined;
  readonly parent?: NodeId;
  readonly boundary: NodeId;
  readonly members: readonly Placed[];
}

/** Where gates of a sequence as a whole are declared, and what unnamed groups of the outermost list are called after. */
const ROOT = "sequence";

/** Compiles a valid sequence (one that `loadSequence` returned). Its plan's order of nodes is that of the author. */
export function compile(sequence: Sequence): Plan {
  const rule = sequence.onFailure;
  const roots = sequence.steps.map((entry, at) => place(entry, at, { rule }));
  const all = roots.flatMap(withBelow);
  const consistent = gatesOf(sequence.consistentWhen, "consistent", ROOT, stepIds(roots), rule);
  const plan = {
    version: 1 as const,
    sequence: {
      name: sequence.name,
      ...(sequence.owner === undefined ? {} : { owner: sequence.owner }),
      digest: digest(sequence),
    },
    nodes: all.map((placed) => nodeOf(placed, all)),
    edges: [...inOrder(roots), ...all.flatMap(groupEdges)],
    consistent,
    ...(sequence.outOfBand === undefined ? {} : { outOfBand: sequence.outOfBand }),
    ...(sequence.recovery === undefined ? {} : { recovery: sequence.recovery }),
    ...(sequence.notify === undefined ? {} : { notify: sequence.notify }),
  };
  return digested(plan);
}

/** The plan with the digest over all the rest of it. */
export function digested(plan: Omit<Plan, "digest">): Plan {
  const { digest: _, ...rest } = plan as Plan;
  return { ...rest, digest: digest(rest) };
}

// --------------------------------------------------------------------------------------------------- places, ids

interface Around {
  readonly parent?: NodeId;
  /** The lockstep group whose boundary an entry ends in. */
  readonly hoistedTo?: NodeId | undefined;
  readonly rule: OnFailure | undefined;
}

function place(entry: Entry, at: number, { parent, hoistedTo, rule: around }: Around): Placed {
  const id = entry.name ?? `${parent ?? ROOT}.${at + 1}`;
  const rule = isGroup(entry) ? (entry.onFailure ?? around) : around;
  const base = { id, entry, rule, boundary: hoistedTo ?? id, ...(parent === undefined ? {} : { parent }) };
  if (!isGroup(entry)) return { ...base, members: [] };
  const scope = hoistedTo ?? (entry.kind === "lockstep" ? id : undefined);
  const last = entry.members.length - 1;
  const scopeOf = (index: number) => (entry.kind === "serial" && index < last ? undefined : scope);
  const within = (index: number): Around => ({ parent: id, hoistedTo: scopeOf(index), rule });
  return { ...base, members: entry.members.map((member, index) => place(member, index, within(index))) };
}

function withBelow(placed: Placed): readonly Placed[] {
  return [placed, ...placed.members.flatMap(withBelow)];
}

function stepIds(placed: readonly Placed[]): readonly NodeId[] {
  return placed.flatMap(withBelow).flatMap(({ id, entry }) => (isGroup(entry) ? [] : [id]));
}

// ---------------------------------------------------------------------------------------------------------- edges

function inOrder(list: readonly Placed[]): readonly Edge[] {
  return list.slice(1).map((next, at) => ({ from: list[at]!.id, is: "opened", to: next.id, before: "start" }));
}

function groupEdges({ id, entry, members }: Placed): readonly Edge[] {
  const admitted = members.map((member): Edge => ({ from: id, is: "admitted", to: member.id, before: "start" }));
  const between = entry.kind === "serial" ? inOrder(members) : [];
  // A hoisted member never opens by itself: its group's boundary, or one further out, opens for it.
  const closing = members.map(
    (member): Edge => ({
      from: member.id,
      is: member.boundary === member.id ? "opened" : "applied",
      to: id,
      before: "open",
    }),
  );
  return [...admitted, ...between, ...closing];
}

// ---------------------------------------------------------------------------------------------------------- nodes

function nodeOf(placed: Placed, all: readonly Placed[]): PlanNode {
  const { id, entry, parent, boundary, rule } = placed;
  const ready = gatesOf(entry.readyWhen, "ready", id, [], rule);
  const ending = all.filter((other) => other.boundary === id);
  const converged = ending.flatMap((other) =>
    gatesOf(other.entry.convergedWhen, "converged", other.id, stepIds([other]), other.rule),
  );
  const window = isGroup(entry) ? entry.window : undefined;
  const base = {
    id,
    ready,
    converged,
    window: window ?? defaultWindow([...ready, ...converged]),
    boundary,
    ...(parent === undefined ? {} : { parent }),
  };
  return isGroup(entry) ? groupNode(base, entry, placed) : stepNode(base, entry, rule);
}

type Base = Omit<GroupNode, "kind" | "group" | "members">;

function groupNode(base: Base, entry: Group, { members }: Placed): GroupNode {
  return { ...base, kind: "group", group: entry.kind, members: members.map((member) => member.id) };
}

function stepNode(base: Base, step: Step, rule: OnFailure | undefined): StepNode {
  const {
    kind,
    name: _,
    dir,
    stack,
    onFailure: _own,
    retry: _rule,
    accept,
    readyWhen,
    convergedWhen,
    ...options
  } = step;
  const onFailure = failureRuleOf(step, rule);
  const retry = retryOf(step, onFailure);
  const node = { ...base, kind: "step" as const, verb: kind, stack: { dir, stack }, options, onFailure };
  return retry === undefined ? node : { ...node, retry };
}

/**
 * All gates of a boundary must hold at once, and each is looked at once an interval: two of the longest let every gate
 * be looked at after any other's pass, with one interval for the looks themselves. Without gates there is nothing to wait for.
 */
function defaultWindow(gates: readonly PlanGate[]): number {
  return 2 * Math.max(0, ...gates.map((gate) => gate.policy.interval));
}

// ---------------------------------------------------------------------------------------------------------- gates

const PREFIX = { ready: "ready/", converged: "", consistent: "" } as const;

function gatesOf(
  gates: readonly Gate[] | undefined,
  phase: PlanGate["phase"],
  declaredOn: NodeId,
  proves: readonly NodeId[],
  rule: OnFailure | undefined,
): readonly PlanGate[] {
  return (gates ?? []).map((gate) => ({
    id: `${declaredOn}/${PREFIX[phase]}${gate.name}`,
    name: gate.name,
    phase,
    declaredOn,
    targets: gate.targets,
    policy: policyOf(gate, rule),
    proves,
  }));
}
