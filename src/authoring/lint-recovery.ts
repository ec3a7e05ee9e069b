/** What only a recovery can do, in a sequence that answers nobody. */
import { isGroup, type Sequence } from "../sequence/model.js";
import { places } from "../sequence/places.js";
import { type LintFinding, orAccept } from "./finding.js";

/** Whether a step is put to the state before the run that is answered: there has to be one. */
export function asksForARun(sequence: Sequence): boolean {
  return places(sequence).some(({ entry }) => !isGroup(entry) && entry.asOf === "before-run");
}

/** `answers`: whether a sequence beside this one names it as its recovery; undefined: nobody knows. */
export function recoveryFindings(sequence: Sequence, answers: boolean | undefined): readonly LintFinding[] {
  if (answers !== false) return [];
  return places(sequence).flatMap(({ entry, path }): readonly LintFinding[] => {
    if (isGroup(entry) || entry.asOf !== "before-run") return [];
    const message = `Step "${entry.name}" says asOf: "before-run", and no sequence here names this one as its recovery: evo up refuses it.`;
    const remedy = `Name it in the recovery rules of the sequence that it answers; if people start it by evo recover --sequence, ${orAccept("nobodys-recovery").slice("or ".length)}.`;
    return [{ code: "nobodys-recovery", path, word: "asOf", message, remedy }];
  });
}
