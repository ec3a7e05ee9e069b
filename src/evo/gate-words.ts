/**
 * What people, and systems that speak for them, say to the gates of a run: acknowledgments, approvals, rejections,
 * overrides. From any machine that reaches the ledger; whoever drives the run hears them within a second. A word that
 * makes no sense is refused, and nothing is recorded. The database demands the role `evo_approver` (`ledger.role`).
 */
import type { OpenLedger } from "../ledger/index.js";
import type { PlanGate } from "../plan/model.js";
import type { RunEvent, TargetReport } from "../run/events.js";
import type { ApprovalRequest, RunState } from "../run/state.js";
import { wordProbeOf } from "../run/words.js";
import { systemClock } from "./clock.js";
import { demandAsked, demandRequest, demandTarget, gateFor, refuseOverridden } from "./gate-refusals.js";
import { loadRun } from "./load-run.js";
import { say } from "./words.js";

/** A word to a gate. */
export interface GateWord {
  readonly run: string;
  /** The gate's id, its name, or the step or group that it is declared on, where that leaves no doubt. */
  readonly gate: string;
  readonly reason: string;
  /** Who speaks, as they claim; the ledger's own claim, unless evo passes the word of a system on. */
  readonly claimed: string;
  /** True where it is a system's word that came over HTTP: `claimed` names whose signature was checked. */
  readonly passedOn?: boolean;
}

/** What was said, to which gate, and what the run is then. */
export interface Said {
  readonly state: RunState;
  readonly gate: PlanGate;
}

/** What an approval is bound to. */
export interface Approved extends Said {
  readonly request: ApprovalRequest;
}

/**
 * Says that what a gate asks for is so; for all its targets, or those named. Errors (exit 2): `run.unknown`,
 * `run.finished`, `gate.unknown`, `gate.ambiguous`, `gate.not-asking`, `gate.not-waiting`, `gate.not-asked`,
 * `target.unknown`; `ledger.role`.
 */
export async function acknowledge(
  ledger: OpenLedger,
  word: GateWord & { readonly targets?: readonly string[] },
): Promise<Said> {
  const find = (state: RunState) => gateFor(state, word, (gate) => wordProbeOf(gate)?.type === "acknowledged");
  const state = await say(ledger, word.run, (present): RunEvent => {
    const gate = find(present);
    demandAsked(present, gate, word.claimed);
    const targets = word.targets ?? gate.targets.map(({ name }) => name);
    for (const target of targets) demandTarget(gate, target);
    return { type: "acknowledgment.received", at: systemClock.now(), gate: gate.id, targets, ...reasonOf(word) };
  });
  return { state, gate: find(state) };
}

/** Approves what a gate's request shows. Errors: as `acknowledge`, and `approval.not-requested` (exit 2). */
export async function approve(ledger: OpenLedger, word: GateWord & { readonly request?: number }): Promise<Approved> {
  return answer(ledger, word, "approval.given");
}

/** What an approval of the gate would be for. Errors: as `approve`; nothing is recorded. */
export async function askedOf(ledger: OpenLedger, word: Pick<GateWord, "run" | "gate">): Promise<Approved> {
  const state = await loadRun(ledger, word.run);
  const gate = gateFor(state, word, (candidate) => wordProbeOf(candidate)?.type === "approved");
  return { state, gate, request: demandRequest(state, gate, undefined) };
}

/** Refuses it: the gate fails, and its rule on failure holds. Errors: as `approve`. */
export async function reject(ledger: OpenLedger, word: GateWord & { readonly request?: number }): Promise<Approved> {
  return answer(ledger, word, "approval.rejected");
}

async function answer(
  ledger: OpenLedger,
  word: GateWord & { readonly request?: number },
  type: "approval.given" | "approval.rejected",
): Promise<Approved> {
  let bound: Omit<Approved, "state"> | undefined;
  const state = await say(
    ledger,
    word.run,
    (present): RunEvent => {
      const gate = gateFor(present, word, (candidate) => wordProbeOf(candidate)?.type === "approved");
      demandAsked(present, gate, word.claimed);
      const request = demandRequest(present, gate, word.request);
      bound = { gate, request };
      const previews = Object.fromEntries(request.previews.map(({ step, digest }) => [step, digest]));
      const { entry, plan } = request;
      const at = systemClock.now();
      return { type, at, gate: gate.id, request: entry, plan, previews, ...reasonOf(word) };
    },
    (present) => bound?.request.entry ?? present.drivenBy,
  );
  if (bound === undefined) throw new Error("a word was recorded without having been said");
  return { state, ...bound };
}

/**
 * Signs for it that a gate, or only some of its targets, hold nothing back for this attempt. A run that has halted goes
 * on with a resume. Errors: as `acknowledge`, and `gate.not-overridable`, `gate.overridden` (exit 2).
 */
export async function override(
  ledger: OpenLedger,
  word: GateWord & { readonly targets?: readonly string[] },
): Promise<Said> {
  const find = (state: RunState) => gateFor(state, word, (gate) => gate.phase !== "consistent" && !gate.policy.dryRun);
  const { targets } = word;
  let gate: PlanGate | undefined;
  const state = await say(
    ledger,
    word.run,
    (present): RunEvent => {
      gate = find(present);
      for (const target of targets ?? []) demandTarget(gate, target);
      refuseOverridden(present, gate, targets);
      const overrode = overrodeAt(present, gate, targets);
      const only = targets === undefined ? {} : { targets };
      return { type: "gate.overridden", at: systemClock.now(), gate: gate.id, ...only, overrode, ...reasonOf(word) };
    },
    (present) => present.gates[gate?.id ?? ""]?.verdict?.entry ?? present.halt?.entry ?? present.drivenBy,
  );
  if (gate === undefined) throw new Error("a word was recorded without having been said");
  return { state, gate };
}

/** What was last recorded of the targets that are excused. */
function overrodeAt(state: RunState, gate: PlanGate, targets: readonly string[] | undefined): readonly TargetReport[] {
  return gate.targets
    .filter(({ name }) => targets?.includes(name) ?? true)
    .map(({ name }): TargetReport => {
      const measured = state.gates[gate.id]?.measured[name];
      const counts = measured?.counts ?? { pass: 0, fail: 0, inconclusive: 0, error: 0 };
      const seen = measured === undefined ? {} : { last: measured.last, since: measured.since };
      return { target: name, converged: false, counts, ...seen };
    });
}

function reasonOf({ reason, claimed, passedOn }: GateWord): { readonly reason: string; readonly from?: string } {
  return passedOn === true ? { reason, from: claimed } : { reason };
}
