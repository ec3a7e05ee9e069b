/** The rules that need the whole sequence: names, references, and gates that could never be evaluated (invariant 2). */
import type { OnFailure } from "../gates/model.js";
import { asOfFindings } from "./as-of.js";
import { policyOf } from "./defaults.js";
import { showDuration } from "./duration.js";
import type { Path } from "./locate.js";
import { isGroup, type Sequence } from "./model.js";
import { type GatePlace, gatePlaces, nameEntry, type Place, places, stepsBelow } from "./places.js";
import { capital, type Finding, finding } from "./problems.js";
import { recoveryFindings } from "./recoveries.js";
import { referenceFindings } from "./references.js";
import { wordFindings } from "./word-rules.js";

/** Every rule, in the order in which an author would mend things. */
export function check(sequence: Sequence): readonly Finding[] {
  const entries = places(sequence);
  const gates = gatePlaces(sequence);
  return [
    ...nameFindings(entries),
    ...gateNameFindings(gates),
    ...gates.flatMap((place) => [
      ...targetFindings(place),
      ...wordFindings(place),
      ...evaluationFindings(place, sequence.onFailure),
      ...ruleFindings(place),
    ]),
    ...entries.flatMap((place) => [
      ...continueFindings(place),
      ...windowFindings(place),
      ...stackFindings(place),
      ...asOfFindings(place),
    ]),
    ...sequenceRuleFindings(sequence),
    ...referenceFindings(sequence, entries, gates),
    ...recoveryFindings(sequence, entries, gates),
  ];
}

// ---------------------------------------------------------------------------------------------------------- names

/** `sequence` is what gates of the sequence as a whole are declared on. */
const RESERVED = "sequence";

function nameFindings(entries: readonly Place[]): Finding[] {
  const seen = new Set<string>();
  return entries.flatMap(({ entry, path }): Finding[] => {
    const { name } = entry;
    if (name === undefined) return [];
    if (name === RESERVED) return [finding("reserved-name", path, name, `The name "${name}" is taken by evo.`, RENAME)];
    const repeated = seen.has(name);
    seen.add(name);
    if (!repeated) return [];
    const what = `${capital(nameEntry(entry))} has a name that an earlier step or group has; names are unique.`;
    return [finding("duplicate-name", path, name, what, RENAME)];
  });
}

const RENAME = "Give it another name.";

function gateNameFindings(gates: readonly GatePlace[]): Finding[] {
  const seen = new Set<string>();
  return gates.flatMap(({ gate, path, owner }) => {
    const key = JSON.stringify([path.slice(0, -1), gate.name]);
    const repeated = seen.has(key);
    seen.add(key);
    if (!repeated) return [];
    const what = `${capital(owner)} has two gates with the name "${gate.name}" in ${String(path.at(-2))}.`;
    return [finding("duplicate-gate", path, gate.name, what, RENAME)];
  });
}

function targetFindings({ gate, path, owner }: GatePlace): Finding[] {
  const names = gate.targets.map((target) => target.name);
  const repeated = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
  return repeated.map((name) => {
    const what = `Gate "${gate.name}" of ${owner} names the target "${name}" twice.`;
    return finding("duplicate-target", path, name, what, "Name each target once.");
  });
}

// --------------------------------------------------------------------------------------------- can it be evaluated

function evaluationFindings(place: GatePlace, fallback: OnFailure | undefined): Finding[] {
  const { gate, path, owner } = place;
  const policy = policyOf(gate, fallback);
  const say = (word: string, what: string, remedy: string) =>
    finding("impossible-gate", path, word, `Gate "${gate.name}" of ${owner} can never pass: ${what}`, remedy);
  const findings: Finding[] = [];
  if (typeof policy.quorum === "number" && policy.quorum > gate.targets.length) {
    const what = `it needs ${policy.quorum} targets and has ${gate.targets.length}.`;
    findings.push(say("quorum", what, "Lower the quorum or name more targets."));
  }
  if (policy.requestTimeout > policy.timeout) {
    const what = `one look may take ${showDuration(policy.requestTimeout)}, the gate times out after ${showDuration(policy.timeout)}.`;
    findings.push(say("requestTimeout", what, "Make requestTimeout at most timeout."));
  }
  const streak = (policy.consecutiveSuccessLimit - 1) * policy.interval;
  const needed = policy.initialDelay + Math.max(streak, policy.stableFor);
  if (needed > policy.timeout || policy.initialDelay === policy.timeout) {
    const what = `its passes take at least ${showDuration(needed)}, it times out after ${showDuration(policy.timeout)}.`;
    findings.push(say(longest(policy.stableFor, streak), what, "Raise timeout, or lower what it asks for."));
  }
  return findings;
}

function longest(stableFor: number, streak: number): string {
  if (stableFor === 0 && streak === 0) return "initialDelay";
  return stableFor > streak ? "stableFor" : "consecutiveSuccessLimit";
}

// ---------------------------------------------------------------------------------------------- rules on failure

const RULES = ["onFailure", "onError", "onInconclusive", "onTimeout"] as const;

/** `continue` needs siblings that go on; `retry` needs a step to attempt again, and a rule that says how often. */
function ruleFindings(place: GatePlace): Finding[] {
  const { gate, path, owner, phase, proves } = place;
  return RULES.flatMap((rule): Finding[] => {
    const chosen = gate[rule];
    const what = `Gate "${gate.name}" of ${owner} says ${rule}: "${chosen}"`;
    if (chosen === "continue" && !place.inIndependent) return [continues(path, rule, what)];
    if (chosen !== "retry") return [];
    if (phase !== "converged") {
      const why = phase === "ready" ? "before a step has started" : "at the end of a run";
      return [
        finding(
          "nothing-to-retry",
          path,
          rule,
          `${what}, but there is nothing to retry ${why}.`,
          'Use "halt" or "hold".',
        ),
      ];
    }
    const without = proves.find((step) => step.retry === undefined && step.onFailure !== "retry");
    if (without === undefined) return [];
    const missing = `${what}, but step "${without.name}" has no rule to retry it by.`;
    return [finding("nothing-to-retry", path, rule, missing, "Give the step retry: { attempts, backoff }.")];
  });
}

function continueFindings({ entry, path, inIndependent }: Place): Finding[] {
  const within = inIndependent || (isGroup(entry) && entry.kind === "independent");
  if (entry.onFailure !== "continue" || within) return [];
  return [continues(path, "onFailure", `${capital(nameEntry(entry))} says onFailure: "continue"`)];
}

function sequenceRuleFindings(sequence: Sequence): Finding[] {
  if (sequence.onFailure !== "continue") return [];
  return [continues([], "onFailure", 'The sequence says onFailure: "continue"')];
}

function continues(path: Path, word: string, what: string): Finding {
  const why = `${what}, which is legal only inside independent(...): what follows would start on an unconverged boundary.`;
  return finding("continue-outside-independent", path, word, why, 'Use "halt" or "hold".');
}

// --------------------------------------------------------------------------------------------------------- groups

function windowFindings({ entry, path, inLockstep }: Place): Finding[] {
  if (!isGroup(entry) || entry.window === undefined || !inLockstep) return [];
  const what = `${capital(nameEntry(entry))} has a window, but the lockstep group around it judges its gates.`;
  return [finding("inert-window", path, "window", what, "Move the window to the outer lockstep group.")];
}

/** Members that run beside each other on one stack would have no order. */
function stackFindings({ entry, path }: Place): Finding[] {
  if (!isGroup(entry) || entry.kind === "serial") return [];
  const owners = new Map<string, number>();
  return entry.members.flatMap((member, at) =>
    stepsBelow(member).flatMap((step): Finding[] => {
      const key = JSON.stringify([step.dir, step.stack]);
      const owner = owners.get(key) ?? at;
      owners.set(key, owner);
      if (owner === at) return [];
      const what = `Step "${step.name}" operates a stack that another member of ${nameEntry(entry)} operates at the same time.`;
      return [finding("shared-stack", [...path, "members", at], step.name, what, "Put the two in a serial list.")];
    }),
  );
}
