/** Which gate a word is for, and why it may be refused (exit 2): nothing is recorded then. */
import { EvoError, EXIT } from "../errors.js";
import type { PlanGate } from "../plan/model.js";
import { gatesNamed, isHolding } from "../run/awaited.js";
import { overrideOf } from "../run/overrides.js";
import type { ApprovalRequest, RunState } from "../run/state.js";
import { isAsked, requestOf, wordProbeOf } from "../run/words.js";

/** The one gate that is meant: of those with the name the one that takes such a word, and of several the one that waits. */
export function gateFor(
  state: RunState,
  { gate: name, run }: { readonly run: string; readonly gate: string },
  takes: (gate: PlanGate) => boolean,
): PlanGate {
  const named = gatesNamed(state, name);
  if (named.length === 0)
    throw refusal(
      "gate.unknown",
      `run ${run} has no gate, and no step with gates, called ${name}`,
      `evo status ${run}`,
    );
  const fit = named.filter(takes);
  if (fit.length === 0) throw doesNotTake(named[0] as PlanGate);
  const waiting = fit.filter((gate) => isHolding(state, gate));
  const [only] = waiting;
  if (only === undefined) throw refusal("gate.not-waiting", `${listed(fit)} does not wait now`, `evo status ${run}`);
  if (waiting.length === 1) return only;
  throw refusal("gate.ambiguous", `${name} may mean ${listed(waiting)}`, "name one of them");
}

function doesNotTake(gate: PlanGate): EvoError {
  if (gate.phase === "consistent")
    return refusal(
      "gate.not-overridable",
      `${gate.id} judges the end of the run: an inconsistent end is not signed away`,
      "recover, or abort the run with a reason",
    );
  const probe = wordProbeOf(gate);
  if (gate.policy.dryRun)
    return refusal(
      "gate.not-overridable",
      `${gate.id} is in dry run: it holds nothing back`,
      "nothing needs to be done",
    );
  const asks = probe === undefined ? "looks at the live system" : `asks to be ${probe.type}`;
  const remedy =
    probe === undefined
      ? "evo override signs for going on without it"
      : `evo ${probe.type === "approved" ? "approve" : "ack"}`;
  return refusal("gate.not-asking", `${gate.id} ${asks}`, remedy);
}

function listed(gates: readonly PlanGate[]): string {
  return gates.map(({ id }) => id).join(", ");
}

/** A list without teams is a list of actors. Their claims are taken at their word: they prove nothing. */
export function demandAsked(state: RunState, gate: PlanGate, claimed: string): void {
  const probe = wordProbeOf(gate);
  if (probe === undefined || isAsked(probe, claimed)) return;
  const message = `${gate.id} of run ${state.run} asks ${probe.by.join(", ")}, and not ${claimed}`;
  throw refusal("gate.not-asked", message, "let one of them say it, or sign an override: evo override");
}

/** Errors: `target.unknown`. */
export function demandTarget(gate: PlanGate, target: string): void {
  const names = gate.targets.map(({ name }) => name);
  if (names.includes(target)) return;
  throw refusal("target.unknown", `${gate.id} has no target ${target}`, `its targets are ${names.join(", ")}`);
}

/** An approval is bound to what was shown. `seen`: the request that the person looked at. */
export function demandRequest(state: RunState, gate: PlanGate, seen: number | undefined): ApprovalRequest {
  const request = requestOf(state, gate);
  const look = `evo status ${state.run}`;
  if (request === undefined)
    throw refusal(
      "approval.not-requested",
      `${gate.id} has not said yet what is to be approved`,
      `a little later: ${look}`,
    );
  if (seen === undefined || seen === request.entry) return request;
  const message = `entry ${seen} is not what ${gate.id} asks for now, which is entry ${request.entry}`;
  throw refusal("approval.not-requested", message, `evo ledger show ${request.entry}`);
}

/** Errors: `gate.overridden`, where the override would add nothing. */
export function refuseOverridden(state: RunState, gate: PlanGate, targets: readonly string[] | undefined): void {
  const before = overrideOf(state, gate);
  if (before === undefined) return;
  const done = before.targets === undefined || (targets?.every((target) => before.targets?.includes(target)) ?? false);
  if (done)
    throw refusal("gate.overridden", `${gate.id} is overridden already, by ${before.by}`, `evo status ${state.run}`);
}

function refusal(code: string, message: string, remedy: string): EvoError {
  return new EvoError(code, message, { exit: EXIT.usage, remedy });
}
