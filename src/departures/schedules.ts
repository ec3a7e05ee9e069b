/** Schedules of drift scans, and the scans that fell due: what the ledger says of them. Pure; times in milliseconds. */
import { digest } from "../canonical.js";
import type { Json } from "../gates/model.js";
import type { Entry } from "../run/ports.js";

/** The entries that make and end a schedule. */
export const SCHEDULE_TYPES = ["schedule.added", "schedule.removed"] as const;
/** A scan that fell due: who is to be looked at. Each stack's `drift.scanned` names it as its cause. */
export const ORDER_TYPE = "scan.ordered";

/** What a schedule says; its name is unique among those that stand. */
export interface ScheduleSpec {
  readonly name: string;
  /** Five fields, or six with seconds. */
  readonly cron: string;
  /** IANA name: `Europe/Berlin`, `UTC`. */
  readonly timezone: string;
  /** Sequences and ends of stack names; none: all that the repository has. */
  readonly what: readonly string[];
  /** Absolute folder that `what` is looked up from. */
  readonly root: string;
  readonly rehearse: boolean;
  /** Each stack is looked at up to so much later: the same for the same stack and time. */
  readonly jitter: number;
  /** A stack that hasn't been looked at for so long is due whatever the cron says, and stale on the board. */
  readonly maxAge?: number;
  /** A look that takes longer is not assessed; whoever took it up is then believed dead. */
  readonly timeLimit: number;
}

export interface Schedule extends ScheduleSpec {
  /** The entry that added it, and when. */
  readonly entry: number;
  readonly since: number;
}

/** The schedules that stand after these entries. */
export function schedulesOf(entries: readonly Entry[]): readonly Schedule[] {
  const standing = new Map<string, Schedule>();
  for (const { number, type, body } of [...entries].sort((a, b) => a.number - b.number)) {
    const { at, ...spec } = body as unknown as ScheduleSpec & { readonly at: number };
    if (type === "schedule.added") standing.set(spec.name, { ...spec, entry: number, since: at });
    if (type === "schedule.removed") standing.delete(spec.name);
  }
  return [...standing.values()];
}

/** How much later than its time a stack is looked at. */
export function jitterOf({ name, jitter }: ScheduleSpec, at: number, stack: string): number {
  if (jitter === 0) return 0;
  return Number.parseInt(digest([name, at, stack]).slice(0, 8), 16) % (jitter + 1);
}

/** A scan that fell due, as the ledger has it. */
export interface Order {
  readonly entry: number;
  readonly schedule: string;
  readonly due: number;
  readonly stacks: readonly string[];
}

/** Reads an order back. */
export function orderIn({ number, body }: Entry): Order {
  const { schedule, due, stacks } = body as unknown as Omit<Order, "entry">;
  return { entry: number, schedule, due, stacks };
}

/** Names the scan of an order, in `drift.scanned`. */
export function scanOf({ schedule, due }: Pick<Order, "schedule" | "due">): string {
  return `${schedule}@${new Date(due).toISOString()}`;
}

/** A schedule as an entry's body. */
export function scheduleBody(spec: ScheduleSpec, at: number): { readonly [key: string]: Json } {
  return { ...spec, at } as unknown as { readonly [key: string]: Json };
}
