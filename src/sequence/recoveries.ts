/** The rules about recoveries: what they name exists, and whoever says `recover` has something to recover with. */
import { isGroup, type Sequence } from "./model.js";
import type { GatePlace, Place } from "./places.js";
import { type Finding, finding } from "./problems.js";
import { didYouMean } from "./suggest.js";

export function recoveryFindings(
  sequence: Sequence,
  entries: readonly Place[],
  gates: readonly GatePlace[],
): readonly Finding[] {
  return [...nameFindings(sequence), ...referenceFindings(sequence, entries), ...emptyWords(sequence, entries, gates)];
}

function nameFindings({ recovery = [] }: Sequence): readonly Finding[] {
  return recovery.flatMap(({ name }, at) => {
    if (recovery.findIndex((other) => other.name === name) === at) return [];
    const what = `Two recovery rules have the name "${name}".`;
    return [finding("duplicate-name", ["recovery", at], name, what, "Give it another name.")];
  });
}

/** `at` names steps and groups; what was applied or not are steps: a group has no update of its own. */
function referenceFindings({ recovery = [] }: Sequence, entries: readonly Place[]): readonly Finding[] {
  const named = entries.flatMap(({ entry }) => entry.name ?? []);
  const steps = entries.flatMap(({ entry }) => (isGroup(entry) ? [] : [entry.name]));
  return recovery.flatMap(({ name, when }, place) => {
    const unknown = (given: readonly string[] = [], known: readonly string[], key: string, what: string) =>
      given
        .filter((one) => !known.includes(one))
        .map((one) => {
          const message = `Recovery "${name}" names ${what} "${one}" in ${key}, and there is none.${didYouMean(one, known)}`;
          const remedy = `Name one of: ${known.join(", ")}.`;
          return finding("unknown-step", ["recovery", place, "when", key], one, message, remedy);
        });
    return [
      ...unknown(when.at, named, "at", "the step or group"),
      ...unknown(when.applied, steps, "applied", "the step"),
      ...unknown(when.notApplied, steps, "notApplied", "the step"),
    ];
  });
}

const GATE_RULES = ["onFailure", "onError", "onInconclusive", "onTimeout"] as const;

function emptyWords(sequence: Sequence, entries: readonly Place[], gates: readonly GatePlace[]): readonly Finding[] {
  if ((sequence.recovery ?? []).length > 0) return [];
  const said = [
    ...(sequence.onFailure === "recover" ? [{ path: [], word: "onFailure" }] : []),
    ...entries.flatMap(({ entry, path }) => (entry.onFailure === "recover" ? [{ path, word: "onFailure" }] : [])),
    ...gates.flatMap(({ gate, path }) =>
      GATE_RULES.flatMap((word) => (gate[word] === "recover" ? [{ path, word }] : [])),
    ),
  ];
  const what = 'A rule says "recover", and the sequence names no recovery.';
  const remedy = 'Add recovery: [{ name: "...", sequence: "./<recovery>.ts" }], or say "halt".';
  return said.map(({ path, word }) => finding("nothing-to-recover-with", path, word, what, remedy));
}
