/** What is told to webhooks: which entries give rise to a notice, whom a plan wants it told, and the message. Pure. */
import { canonical } from "../canonical.js";
import type { Json } from "../gates/model.js";
import type { Notice, NotifyRule, Plan } from "../plan/model.js";
import type { Entry } from "../run/ports.js";
import type { Message } from "./signature.js";

const NOTICES: { readonly [type: string]: Notice } = {
  "run.halted": "halted",
  "run.held": "held",
  "approval.requested": "approval",
  "run.recovered": "recovered",
  "run.completed": "completed",
  "departure.detected": "departure",
  "departure.reopened": "departure",
};

/** The notice that an entry gives rise to. */
export function noticeOf(entry: Pick<Entry, "type">): Notice | undefined {
  return NOTICES[entry.type];
}

/** A notice to one receiver. */
export interface Delivery {
  readonly entry: Entry;
  readonly notice: Notice;
  readonly rule: NotifyRule;
  /** The rule's place in the frozen plan, from 0. */
  readonly hook: number;
}

/** Whom a plan wants an entry told. */
export function deliveriesOf(entry: Entry, { notify = [] }: Pick<Plan, "notify">): readonly Delivery[] {
  const notice = noticeOf(entry);
  if (notice === undefined) return [];
  return notify.flatMap((rule, hook) => (rule.on.includes(notice) ? [{ entry, notice, rule, hook }] : []));
}

/** Names a delivery: an entry is told to a receiver once, as far as the record knows. */
export function keyOf({ entry, hook }: { readonly entry: { readonly number: number }; readonly hook: number }): string {
  return `${entry.number} ${hook}`;
}

/**
 * The message: `type`, `timestamp` and `data`, as Standard Webhooks has them. Its id is the entry's own name, so a
 * receiver knows what it was told before. Everything in it stands in the ledger, where secrets never are (invariant 11).
 */
export function messageOf({ entry, notice }: Delivery, plan: Pick<Plan, "sequence">, at: number): Message {
  const { ledger, number, type, time, run, step, stack, rehearsal, body } = entry;
  const about = { run, step, stack, owner: plan.sequence.owner, why: whyOf(body) };
  const data = { notice, ledger, entry: number, sequence: plan.sequence.name, rehearsal, ...withoutAbsent(about) };
  return { id: `${ledger}-${number}`, at, body: canonical({ type, timestamp: time, data }) };
}

function whyOf({ summary, reason }: Entry["body"]): Json | undefined {
  return summary ?? reason;
}

function withoutAbsent(values: { readonly [key: string]: unknown }): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
