/** What came of a cell, and whether that is well. Pure. */
import type { HaltCause } from "../run/events.js";
import type { RunStatus } from "../run/state.js";
import type { Cell } from "./cells.js";

/** What answered a run that had halted. */
export interface RecoverySeen {
  readonly sequence: string;
  readonly run: string;
  readonly status: RunStatus;
  /** Steps whose updates succeeded, in plan order. */
  readonly applied: readonly string[];
  /** The rule asks for a person's approval: the rehearsal gave it. */
  readonly approved: boolean;
  /** Where it stands, if it didn't come to its end. */
  readonly halt?: HaltSeen;
}

export interface HaltSeen {
  readonly cause: HaltCause;
  readonly node?: string;
  readonly reason: string;
}

/** What was seen of one cell, told by the ledger, the world and its users. */
export interface CellSeen {
  readonly cell: Cell;
  /** Who makes the fault: the world's provider or its propagation; or what evo is shown, where a world has no such place. */
  readonly by: "provider" | "world" | "look";
  /** Whether the run met the fault: the operation failed, a look at the target was no pass. */
  readonly met: boolean;
  readonly status: RunStatus;
  readonly halt?: HaltSeen;
  /** The boundary was held past its time-out; what kept it back was lifted then, and the run went on. */
  readonly held: boolean;
  readonly recovery?: RecoverySeen;
  /** Users' requests, and those that failed, by region. */
  readonly requests: number;
  readonly hurt: { readonly [region: string]: number };
  /** `consistentWhen`, judged at the end of the run or of its recovery; none: there is nothing to judge by. */
  readonly consistent: "yes" | "no" | "none";
  /** The time that a cell may take was over. */
  readonly late: boolean;
  /** What kept the cell from being rehearsed at all. */
  readonly error?: string;
  /** Milliseconds. */
  readonly duration: number;
}

export interface CellResult extends CellSeen {
  /** Why the cell is red; none: it is green. */
  readonly red: readonly string[];
}

/** A cell is green only where its fault was met, nobody was hurt, and the end is known to be consistent. */
export function judgeCell(seen: CellSeen): CellResult {
  const users = Object.values(seen.hurt).reduce((sum, count) => sum + count, 0);
  const red = [
    ...(seen.error === undefined ? [] : [seen.error]),
    ...(seen.late ? ["it did not end in its time"] : []),
    ...(seen.met || seen.error !== undefined ? [] : ["not reached: the run never met the fault"]),
    ...(users > 0 ? [`${users} of ${seen.requests} requests of users failed (${regionsOf(seen)})`] : []),
    ...(seen.consistent === "yes" || seen.error !== undefined ? [] : [inconsistency(seen)]),
  ];
  return { ...seen, red };
}

function regionsOf({ hurt }: CellSeen): string {
  return Object.entries(hurt)
    .filter(([, count]) => count > 0)
    .map(([region, count]) => `${region} ${count}`)
    .join(", ");
}

function inconsistency({ consistent, status, recovery }: CellSeen): string {
  if (consistent === "none") return "it ended, and nothing says whether that is consistent (no consistentWhen)";
  if (recovery !== undefined) return `the recovery ${recovery.sequence} did not make the system consistent`;
  return status === "halted" ? "it halted, and no recovery answers that" : "it did not end consistent";
}
