/**
 * The world's own log: what happened in it, by its own clock, against which the ledger can be checked. No values, so
 * no secrets (invariant 11). One JSON object a line.
 */
import type { Fault } from "./model.js";
import { appender } from "./ndjson.js";

export type WorldEntry = { readonly at: number } & (
  | { readonly type: "world.started"; readonly seed: number; readonly pace: number; readonly declaration: string }
  | { readonly type: "world.ended"; readonly reason: string }
  /** The provider was called and has answered. */
  | {
      readonly type: "provider.called";
      readonly op: "create" | "update" | "delete" | "read" | "invoke";
      readonly resource: string;
      readonly urn?: string;
      readonly id?: string;
      readonly region?: string;
    }
  /** The provider was called and refused, because a fault says so. */
  | {
      readonly type: "provider.failed";
      readonly op: "create" | "update" | "delete";
      readonly resource: string;
      readonly urn: string;
    }
  /** A change was taken, and this is when it is due at each edge it goes to (milliseconds since the epoch). */
  | {
      readonly type: "change.taken";
      readonly urn: string;
      readonly number: number;
      readonly due: { readonly [edge: string]: number };
    }
  /** Somebody changed a live resource past every engine (`evo world change`). */
  | { readonly type: "console.changed"; readonly urn: string; readonly op: "update" | "delete" }
  | { readonly type: "fault.began"; readonly fault: Fault }
  | { readonly type: "faults.lifted" }
  /** Answers of one region since the last such entry, by edge and status. */
  | {
      readonly type: "requests.answered";
      readonly region: string;
      readonly from: number;
      readonly answers: { readonly [edge: string]: { readonly [status: string]: number } };
    }
);

export type WorldLog = (entry: WorldEntry) => void;

/** A log that appends to a file. */
export function openLog(file: string): WorldLog {
  return appender(file);
}
