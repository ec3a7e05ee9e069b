/** What the journal says, folded: the one truth of an operation for its host, for a host that takes over, for evo. */
import type { ChangeSet } from "../../run/events.js";
import type { OperationOutcome } from "../../run/ports.js";
import { changeSet } from "./changes.js";
import type { Call, JournalLine, Phase, Seen } from "./journal.js";
import type { ProcessIdentity } from "./process-identity.js";

export interface OperationState {
  readonly hosts: readonly ProcessIdentity[];
  /** Version of the engine. */
  readonly engineVersion: string;
  /** Digest of the engine's checkpoint before the first engine process, where it can be told cheaply. */
  readonly before?: string;
  /** The call that was announced last; without one no engine was ever started. */
  readonly call?: Call;
  readonly engine?: ProcessIdentity;
  /** Providers and language hosts, as they were when the update began to act. */
  readonly children: readonly ProcessIdentity[];
  /** When the first engine process was started. */
  readonly began?: number;
  /** When the last engine process ended. */
  readonly ended?: number;
  readonly phase: Phase;
  readonly seen: { readonly [phase in Phase]: readonly Seen[] };
  readonly phaseBegan: { readonly [phase in Phase]?: number };
  readonly previewed?: { readonly preview: ChangeSet; readonly refusal?: string };
  readonly accepted: boolean;
  readonly held: boolean;
  readonly evaluated: boolean;
  readonly committed: boolean;
  readonly cancelled: boolean;
  readonly refused?: string;
  /** The refusal is evo's own, in mid-update. */
  readonly surprised: boolean;
  readonly exits: { readonly [call in Call]?: { readonly code: number | null; readonly signal: string | null } };
  readonly outcome?: OperationOutcome;
}

const NOTHING_YET: OperationState = {
  hosts: [],
  children: [],
  engineVersion: "unknown",
  phase: "preview",
  seen: { preview: [], update: [] },
  phaseBegan: {},
  accepted: false,
  held: false,
  evaluated: false,
  committed: false,
  cancelled: false,
  surprised: false,
  exits: {},
};

/** The state after one more line. */
export function fold(state: OperationState, line: JournalLine): OperationState {
  switch (line.line) {
    case "hosted":
      return { ...state, hosts: [...state.hosts, line.host], engineVersion: line.engine };
    case "spawning":
      return spawning(state, line);
    case "spawned":
      return { ...state, engine: line.engine };
    case "seen":
      return seen(state, line.phase, line.seen, line.at);
    case "previewed":
      return { ...state, previewed: line };
    case "refused":
      return { ...state, refused: state.refused ?? line.reason, surprised: state.surprised || line.surprise === true };
    case "exited":
      return {
        ...state,
        ended: line.at,
        exits: { ...state.exits, [line.call]: { code: line.code, signal: line.signal } },
      };
    case "outcome":
      return { ...state, outcome: line.outcome };
    case "children":
      return { ...state, children: line.processes };
    default:
      return { ...state, [line.line]: true };
  }
}

function spawning(state: OperationState, line: JournalLine & { line: "spawning" }): OperationState {
  const { engine: _, ...rest } = state;
  const { call, at } = line;
  const phase = call === "update" ? "update" : "preview";
  const before = state.call === undefined ? line.checkpoint : state.before;
  const times = { began: state.began ?? at, phaseBegan: { ...state.phaseBegan, [phase]: at } };
  return { ...rest, call, phase, ...times, ...(before === undefined ? {} : { before }) };
}

/** Appends in place of copying: a stack has thousands of steps, and a state is never kept beside its successor. */
function seen(state: OperationState, phase: Phase, one: Seen, at: number): OperationState {
  (state.seen[phase] as Seen[]).push(one);
  const ends = state.call === "attempt" && phase === "preview" && one.kind === "summary";
  if (!ends) return state;
  return { ...state, phase: "update", phaseBegan: { ...state.phaseBegan, update: at } };
}

/** A fresh state with lists of its own. */
export function initialState(): OperationState {
  return { ...NOTHING_YET, seen: { preview: [], update: [] } };
}

/** The steps that the engine announced in a phase. */
export function stepsOf(state: OperationState, phase: Phase): readonly (Seen & { kind: "step" })[] {
  return state.seen[phase].filter((one): one is Seen & { kind: "step" } => one.kind === "step");
}

/** What the phase did or would do, as far as it was seen. */
export function changesOf(state: OperationState, phase: Phase, until: number): ChangeSet {
  const began = state.phaseBegan[phase] ?? state.began ?? until;
  return changeSet(state.seen[phase], { engine: state.engineVersion, duration: Math.max(0, until - began) });
}
