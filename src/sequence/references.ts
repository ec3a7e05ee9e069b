/** The rule of references: a step that is named must exist, and its outputs must be there when they are read. */

import type { Path } from "./locate.js";
import { isGroup, type Sequence } from "./model.js";
import { type GatePlace, nameEntry, type Place, stepsBelow } from "./places.js";
import { capital, type Finding } from "./problems.js";
import { didYouMean } from "./suggest.js";

interface Reader {
  readonly who: string;
  readonly path: Path;
  readonly known: readonly string[];
  /** Steps whose updates have succeeded when it reads. */
  readonly applied: ReadonlySet<string>;
}

/** Wrong steps in `output(...)`, `stackOutput(...)` and `settled(...)`. */
export function referenceFindings(
  sequence: Sequence,
  entries: readonly Place[],
  gates: readonly GatePlace[],
): Finding[] {
  const known = [...new Set(sequence.steps.flatMap(stepsBelow).map((step) => step.name))];
  return [
    ...entries.flatMap((place) => stepReferences(place, known)),
    ...gates.flatMap((place) => gateReferences(place, known)),
  ];
}

function stepReferences({ entry, path, before }: Place, known: readonly string[]): Finding[] {
  if (isGroup(entry)) return [];
  const reader: Reader = { who: capital(nameEntry(entry)), path, known, applied: before };
  return outputsIn([entry.config, entry.secretConfig, entry.env]).flatMap((step) => outputFinding(reader, step));
}

function gateReferences({ gate, path, owner, applied }: GatePlace, known: readonly string[]): Finding[] {
  const who = `Gate "${gate.name}" of ${owner}`;
  const found = gate.targets.flatMap(({ name, probe }, at): Finding[] => {
    const reader: Reader = {
      who: `${who} (target "${name}")`,
      path: [...path, "targets", at, "probe"],
      known,
      applied,
    };
    if (probe.type !== "settled" && probe.type !== "stackOutput")
      return outputsIn(probe).flatMap((step) => outputFinding(reader, step));
    if (probe.step === undefined) return [withoutStep({ ...reader, who }, probe.type)];
    return known.includes(probe.step) ? [] : [unknownStep(reader, probe.type, probe.step)];
  });
  // Targets mostly share what is wrong with them: say it once.
  const seen = new Set<string>();
  return found.filter(({ message }) => {
    const text = message.replace(/ \(target "[^"]*"\)/, "");
    return !seen.has(text) && seen.add(text);
  });
}

function outputFinding(reader: Reader, step: string): Finding[] {
  if (!reader.known.includes(step)) return [unknownStep(reader, "output", step)];
  if (reader.applied.has(step)) return [];
  return [
    {
      code: "sequence.output-too-early",
      path: reader.path,
      word: step,
      message: `${reader.who} reads an output of step "${step}", whose update has not certainly succeeded by then.`,
      remedy: "Read outputs of earlier steps only, or move this one behind it.",
    },
  ];
}

function unknownStep({ who, path, known }: Reader, what: string, step: string): Finding {
  return {
    code: "sequence.unknown-step",
    path,
    word: step,
    message: `${who} names step "${step}" in ${what}(...), and no step has that name.${didYouMean(step, known)}`,
    remedy: `Name one of: ${known.join(", ")}.`,
  };
}

function withoutStep({ who, path }: Reader, what: string): Finding {
  return {
    code: "sequence.missing-step",
    path,
    message: `${who} uses ${what}(...) without a step, and is not declared on one.`,
    remedy: `Name the step in ${what}(...).`,
  };
}

/** Names of the steps in every `$output` below a value. */
export function outputsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { $output } = value as { $output?: { step: string } };
  return $output === undefined ? Object.values(value).flatMap(outputsIn) : [$output.step];
}
