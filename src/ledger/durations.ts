/** The moments of earlier runs from which usual durations follow: one question, bounded, without the entries' bodies. */
import type { NodeId } from "../plan/model.js";
import type { RunId } from "../run/events.js";
import type { Database } from "./database.js";

/** A moment of a completed run; times are milliseconds since the epoch by the clock of evo that drove it. */
export interface Moment {
  readonly run: RunId;
  readonly type: "run.started" | "operation.intended" | "operation.succeeded" | "boundary.opened" | "run.completed";
  /** The step, or the node that opened. */
  readonly node?: NodeId;
  readonly at: number;
}

interface MomentRow {
  readonly run: string;
  readonly type: Moment["type"];
  readonly step: string | null;
  readonly at: string;
}

const MOMENTS = `
  with newest as (
    select run from evo.readable_runs
    where sequence = $1 and rehearsal = $2 and last_type = 'run.completed'
    order by first desc limit $3
  )
  select entry.run, entry.type, entry.step, coalesce(entry.body ->> 'ended', entry.body ->> 'at') as at
  from evo.readable_entries as entry join newest on newest.run = entry.run
  where entry.type in ('run.started', 'operation.intended', 'operation.succeeded', 'boundary.opened', 'run.completed')
  order by entry.number`;

/** Moments of the newest `limit` completed runs of a sequence, in order; rehearsals and real runs are kept apart (invariant 13). */
export async function moments(
  database: Database,
  sequence: string,
  rehearsal: boolean,
  limit: number,
): Promise<readonly Moment[]> {
  const rows = await database.ask<MomentRow>(MOMENTS, [sequence, rehearsal, limit]);
  return rows.map(({ run, type, step, at }) => ({
    run,
    type,
    at: Number(at),
    ...(step === null ? {} : { node: step }),
  }));
}
