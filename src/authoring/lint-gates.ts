/** Gates that hold nothing back, and times that cannot work. */
import { canonical } from "../canonical.js";
import { isWordProbe, type Matcher, type ProbeSpec } from "../gates/model.js";
import { policyOf } from "../sequence/defaults.js";
import { showDuration } from "../sequence/duration.js";
import { isGroup, type Sequence } from "../sequence/model.js";
import { type GatePlace, gatePlaces, nameEntry, type Place, places } from "../sequence/places.js";
import { capital } from "../sequence/problems.js";
import { type GateHistory, type LintFinding, orAccept } from "./finding.js";

/** Every rule on gates. */
export function gateFindings(sequence: Sequence, history: GateHistory): readonly LintFinding[] {
  const gates = gatePlaces(sequence);
  const windows = places(sequence).flatMap((place) => windowFindings(place, gates, sequence));
  return [
    ...gates.flatMap((place) => [...inertFindings(place), ...timeFindings(place, sequence, history)]),
    ...windows,
  ];
}

// ----------------------------------------------------------------------------------------------------- inert gates

function inertFindings(place: GatePlace): readonly LintFinding[] {
  const { gate, path, owner } = place;
  return reasonsOf(place).map(({ why, remedy, word }) => ({
    code: "inert-gate" as const,
    path,
    word,
    message: `Gate "${gate.name}" of ${owner} holds less back than it seems: ${why}.`,
    remedy: `${remedy}, ${orAccept("inert-gate")} on the gate.`,
  }));
}

interface Reason {
  readonly why: string;
  readonly remedy: string;
  readonly word: string;
}

function reasonsOf({ gate }: GatePlace): readonly Reason[] {
  const { targets, quorum } = gate;
  const several = targets.length > 1;
  const reasons: Reason[] = [];
  if (several && (quorum === "any" || quorum === 1)) {
    const why = `it passes once one of its ${targets.length} targets does, whatever the others show`;
    reasons.push({ why, remedy: 'Use quorum: "all" or the number that must hold', word: "quorum" });
  }
  if (several && targets.every(({ probe }) => isSamePlace(probe, targets[0]!.probe))) {
    const why = `its ${targets.length} targets all look at one place, in one way`;
    reasons.push({ why, remedy: "Let the probe depend on its target: probe: (target) => ...", word: "probe" });
  }
  const idle = targets.map(({ probe }) => idleReason(probe)).find((why) => why !== undefined);
  if (idle !== undefined) reasons.push({ why: idle, remedy: "Say what must be there", word: "probe" });
  return reasons;
}

/** A custom probe is told its target, and people say what they mean; the others look the same way for every one. */
function isSamePlace(a: ProbeSpec, b: ProbeSpec): boolean {
  return a.type !== "custom" && !isWordProbe(a) && canonical(a) === canonical(b);
}

function idleReason(probe: ProbeSpec): string | undefined {
  switch (probe.type) {
    case "command":
      return /^(?:\/\S*\/)?(?:true|:|echo)$/.test(probe.command[0]) ? `${probe.command[0]} never fails` : undefined;
    case "stackOutput":
      return matchesAnything(probe) ? `any value of the output ${probe.path} passes` : undefined;
    case "http": {
      const { status, json, headers } = probe.expect;
      const open = (json ?? []).find(matchesAnything)?.path ?? nameOfOpen(headers);
      if (open !== undefined) return `any value of ${open} passes`;
      const accepted = Array.isArray(status) ? status : [];
      const both = accepted.some((one) => one < 400) && accepted.some((one) => one >= 500);
      return both ? `it takes an error (${accepted.filter((one) => one >= 500).join(", ")}) for an answer` : undefined;
    }
    default:
      return undefined;
  }
}

function nameOfOpen(headers: { readonly [name: string]: Matcher } | undefined): string | undefined {
  return Object.entries(headers ?? {}).find(([, matcher]) => matchesAnything(matcher))?.[0];
}

/** Texts that no one condition has in common. */
const SAMPLES = ["", " ", "a", "0", "ä\n", "https://example.org/x?y=z"];

function matchesAnything({ matches }: Matcher): boolean {
  if (matches === undefined) return false;
  const pattern = new RegExp(matches, "u");
  return SAMPLES.every((sample) => pattern.test(sample));
}

// ----------------------------------------------------------------------------------------------------------- times

function timeFindings(place: GatePlace, sequence: Sequence, history: GateHistory): readonly LintFinding[] {
  const { gate, path, owner } = place;
  const earlier = history.get(idOf(place));
  const { timeout } = policyOf(gate, sequence.onFailure);
  if (earlier === undefined || earlier.needed <= timeout) return [];
  const needed = showDuration(Math.ceil(earlier.needed / 1000) * 1000);
  return [
    {
      code: "timeout-too-short",
      path,
      word: "timeout",
      message: `Gate "${gate.name}" of ${owner} times out after ${showDuration(timeout)}; in run ${earlier.run} it needed ${needed}.`,
      remedy: `Raise timeout above ${needed}, ${orAccept("timeout-too-short")} on the gate.`,
    },
  ];
}

/** As the plan names it. */
function idOf({ gate, phase, owner, step }: GatePlace): string {
  const declaredOn = phase === "consistent" ? "sequence" : (step?.name ?? /"(.*)"$/.exec(owner)?.[1] ?? "");
  return `${declaredOn}/${phase === "ready" ? "ready/" : ""}${gate.name}`;
}

/** Looks that lie an interval apart can't all fall into a shorter window. */
function windowFindings(
  { entry, path }: Place,
  gates: readonly GatePlace[],
  sequence: Sequence,
): readonly LintFinding[] {
  if (!isGroup(entry) || entry.kind !== "lockstep" || entry.window === undefined) return [];
  const { window } = entry;
  const within = gates.filter((place) => path.every((key, at) => place.path[at] === key));
  const slow = within.find((place) => policyOf(place.gate, sequence.onFailure).interval > window);
  if (slow === undefined) return [];
  const interval = showDuration(policyOf(slow.gate, sequence.onFailure).interval);
  return [
    {
      code: "window-below-interval",
      path,
      word: "window",
      message: `${capital(nameEntry(entry))} wants all looks within ${showDuration(window)}, but gate "${slow.gate.name}" looks only every ${interval}.`,
      remedy: `Make window at least twice ${interval}, ${orAccept("window-below-interval")} on the group.`,
    },
  ];
}
