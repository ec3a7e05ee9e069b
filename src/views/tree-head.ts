/** What stands above and below the tree: which run, how it stands, and what to do where it stands still. Pure. */
import { isOver, openAttempts, type RunState } from "../run/state.js";
import { viewRun } from "./status.js";
import { duration, wrap } from "./text.js";
import type { Piece } from "./tree-draw.js";
import { elapsed } from "./tree-look.js";
import type { TreeInput } from "./tree-model.js";
import { about } from "./tree-rows.js";
import { clean, widthOf } from "./tree-width.js";

/** Lines that an explanation may have: all of it is in the scrollback and in the final table. */
const LONGEST = 4;

/** `role-rollout-k3m9qa  rehearsal, running            18 s, usually ~32 s`. */
export function headOf(input: TreeInput, width: number, unicode: boolean): readonly Piece[] {
  const { state, usual, now } = input;
  const { plan, rehearsal, at } = state.started;
  const sequence = plan.sequence.name;
  const named = state.run.startsWith(`${sequence}-`);
  const status = `${rehearsal === undefined ? "" : "rehearsal, "}${statusOf(state)}`;
  const left: readonly Piece[] = [
    { text: clean(sequence, unicode), as: ["bold"] },
    { text: clean(named ? state.run.slice(sequence.length) : `  ${state.run}`, unicode), as: ["dim"] },
    { text: `  ${status}`, as: state.status === "halted" ? ["red"] : [] },
  ];
  const took = state.ended === undefined ? elapsed(now - at) : duration(state.ended.at - at);
  const right = usual.run === undefined ? took : `${took}, usually ${about(usual.run)}`;
  const taken = widthOf(left.map(({ text }) => text).join("")) + widthOf(right);
  return [...left, { text: " ".repeat(Math.max(2, width - taken)) }, { text: right, as: ["dim"] }];
}

function statusOf(state: RunState): string {
  const { status } = viewRun(state);
  return status === "paused" && openAttempts(state).length > 0 ? "pausing" : status;
}

/** Why it stands still and how it goes on; who drives it, where that is not this process. */
export function footOf(input: TreeInput, width: number): readonly Piece[] {
  const { state, driver } = input;
  if (driver === null && state.status === "running") return abandoned(state);
  const why = reasonOf(state).flatMap((line) => [...wrap(line, width, "  ")].slice(0, LONGEST));
  const next = nextOf(state);
  return [
    ...why.map((text): Piece => ({ text, as: state.status === "halted" ? ["red"] : ["yellow"] })),
    ...next.map((text): Piece => ({ text })),
    ...driverOf(state, driver),
  ];
}

/** A run that should go on, and that nobody drives. */
function abandoned({ run }: RunState): readonly Piece[] {
  return [
    { text: "nobody drives it; to go on, or to end it:", as: ["yellow"] },
    ...paused(run).map((text) => ({ text })),
  ];
}

function driverOf(state: RunState, driver: TreeInput["driver"]): readonly Piece[] {
  if (driver === undefined || state.ended !== undefined) return [];
  return [{ text: driver ?? "nobody drives it", as: ["dim"] }];
}

function reasonOf(state: RunState): readonly string[] {
  if (state.halt !== undefined) {
    const { cause, node, reason } = state.halt;
    return [`halted (${cause})${node === undefined ? "" : ` at ${node}`}: ${reason}`];
  }
  if (state.paused !== undefined) {
    const open = openAttempts(state).map(({ step }) => step);
    return [`paused: ${state.paused}${open.length === 0 ? "" : `; what runs is finished: ${open.join(", ")}`}`];
  }
  return Object.entries(state.held).map(([node, { gate }]) => {
    const what = node === "sequence" ? "the end" : node;
    return `${what} is held: nothing goes on behind it before ${gate} passes; evo keeps looking`;
  });
}

/** What a person can do. A held run is paused first, by whoever drives it. */
function nextOf(state: RunState): readonly string[] {
  if (isOver(state)) return [];
  if (state.status === "running") {
    if (Object.keys(state.held).length === 0) return [];
    return ["Ctrl-C where it is driven pauses it; then:", ...paused(state.run)];
  }
  return openAttempts(state).length > 0 ? [] : viewRun(state).next.map((command) => `  ${command}`);
}

function paused(run: string): readonly string[] {
  return [`  evo resume ${run}`, `  evo abort ${run} --reason "..."`];
}
