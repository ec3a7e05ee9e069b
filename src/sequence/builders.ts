/** What an author calls: steps, groups, gates, the sequence itself. Each makes plain data; nothing is checked here. */
import type { Duration } from "./duration.js";
import { located } from "./location.js";
import type {
  AuthoredEntry,
  AuthoredGate,
  AuthoredGroup,
  AuthoredPolicy,
  AuthoredProbe,
  AuthoredSequence,
  AuthoredStep,
  GroupSpec,
  LockstepSpec,
  SequenceSpec,
  StepSpec,
} from "./model.js";

/** The default export of a sequence module. */
export function defineSequence(spec: SequenceSpec): AuthoredSequence {
  return located({ version: 1 as const, ...spec, steps: entries(spec.steps) }, defineSequence);
}

/** A step that makes the live system what the stack's program declares (`pulumi up`). */
export function up(name: string, spec: StepSpec): AuthoredStep {
  return located({ kind: "up" as const, name, ...spec }, up);
}

/** A step that deletes all resources of the stack (`pulumi destroy`). */
export function destroy(name: string, spec: Omit<StepSpec, "asOf">): AuthoredStep {
  return located({ kind: "destroy" as const, name, ...spec }, destroy);
}

/** A step that adopts the live state into the stack (`pulumi refresh`). */
export function refresh(name: string, spec: Omit<StepSpec, "asOf">): AuthoredStep {
  return located({ kind: "refresh" as const, name, ...spec }, refresh);
}

/** Members advance without waiting for each other; what follows the group waits for all of them to converge. */
export function independent(name: string, spec: GroupSpec): AuthoredGroup {
  return located({ kind: "independent" as const, name, ...spec, members: entries(spec.members) }, independent);
}

/** Members are one boundary: it opens only when the gates of all of them hold within one window. */
export function lockstep(name: string, spec: LockstepSpec): AuthoredGroup {
  return located({ kind: "lockstep" as const, name, ...spec, members: entries(spec.members) }, lockstep);
}

export function serial(spec: GroupSpec): AuthoredGroup;
export function serial(name: string, spec: GroupSpec): AuthoredGroup;
/** An ordered list inside a group: each member waits for the one before it to converge. */
export function serial(name: string | GroupSpec, spec?: GroupSpec): AuthoredGroup {
  const named = typeof name === "string" ? { name, ...spec! } : name;
  return located({ kind: "serial" as const, ...named, members: entries(named.members) }, serial);
}

/** Nested lists as the serial groups that they are; what is no list is left for the schema to refuse. */
function entries(list: readonly AuthoredEntry[]): readonly AuthoredEntry[] {
  if (!Array.isArray(list)) return list;
  return list.map((entry) => (Array.isArray(entry) ? { kind: "serial" as const, members: entries(entry) } : entry));
}

/** What a gate that asks people has besides its words. */
interface AskingSpec extends AuthoredPolicy {
  /** The gate's name; several on one boundary need names of their own. */
  readonly name?: string;
  /** Whose word is expected: `@team`, or an actor as they claim to be (`user@host`). */
  readonly by: string | readonly string[];
}

export interface AcknowledgedSpec extends AskingSpec {
  /** What they say is so. */
  readonly what: string;
  /** Where it must be said of each place by itself. Default: of the whole. */
  readonly targets?: readonly string[];
}

export interface ApprovedSpec extends AskingSpec {
  /** How many different actors must have approved. Default 1. */
  readonly count?: number;
  /** How long an approval counts after it was given. Default 1d. */
  readonly expires?: Duration;
}

/** A gate on somebody's word (`evo ack`): they have been told, or have done what evo can't. */
export function acknowledged(spec: AcknowledgedSpec): AuthoredGate {
  const { name = "acknowledged", by, what, targets = ["everywhere"], ...policy } = spec;
  const probe = { type: "acknowledged" as const, by, what };
  return located({ name, targets: targets.map((target) => ({ name: target, probe })), ...policy }, acknowledged);
}

/**
 * A gate on approvals (`evo approve`), bound to the plan and, in `readyWhen`, to the previews of what it lets start: if the
 * preview right before the update differs, the run halts and says how.
 */
export function approved(spec: ApprovedSpec): AuthoredGate {
  const { name = "approved", by, count, expires, ...policy } = spec;
  const rest = { ...(count === undefined ? {} : { count }), ...(expires === undefined ? {} : { expires }) };
  const probe = { type: "approved" as const, by, ...rest };
  return located({ name, targets: [{ name: "approval", probe }], ...policy }, approved);
}

export interface GateSpec<Name extends string> extends AuthoredPolicy {
  /** The places where it must hold: regions, edges, clusters, endpoints. At least one. */
  readonly targets: readonly Name[];
  /** How to look; a function where each target is looked at in its own way. */
  readonly probe: AuthoredProbe | ((target: Name) => AuthoredProbe);
}

/** A condition on a boundary: what to look at, where, and when it has converged. */
export function gate<const Name extends string>(name: string, spec: GateSpec<Name>): AuthoredGate {
  const { targets, probe, ...policy } = spec;
  const look = (target: Name) => ({ name: target, probe: typeof probe === "function" ? probe(target) : probe });
  // A target list that is no list is kept as it is: the schema says so, with its place.
  const resolved = Array.isArray(targets) ? targets.map(look) : (targets as never);
  return located({ name, targets: resolved, ...policy }, gate);
}
