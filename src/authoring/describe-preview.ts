/** What is foreseen of a step, as text: what it would do, and what nobody can know before earlier steps have run. */
import { planned } from "../views/text.js";
import { changed, type Foreseen } from "./foresee.js";

/** Lines of what an engine said that are worth a place in a summary. */
const SAID = 3;

/** One line, without the step's name. */
export function describeForeseen({ status, changes, dependsOn, reason }: Foreseen): string {
  const before = `${dependsOn.join(", ")} ${dependsOn.length === 1 ? "has" : "have"} run`;
  const told = (reason ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(0, SAID)
    .join("; ");
  switch (status) {
    case "certain":
      return planned(changes?.counts ?? {});
    case "mayChange":
      return `${planned(changes?.counts ?? {})} as things stand; unknown until ${before}`;
    case "notKnown":
      return `unknown until ${before} (${told})`;
    case "failed":
      return `can't be previewed: ${told}`;
  }
}

/** A line for each resource that would change, with the paths of its properties; never a value. */
export function describeChanges({ changes }: Foreseen): readonly string[] {
  // A provider that is only registered anew is not counted by the engine either.
  const told = changed(changes).filter(
    ({ type, paths, op }) => !isProvider(type) || paths.length > 0 || op !== "update",
  );
  return told.map(({ op, urn, type, paths, replaces }) => {
    const properties = paths.map((path) => (replaces.includes(path) ? `${path} (forces replacement)` : path));
    return `${op} ${type} ${urn.split("::").at(-1)}${properties.length === 0 ? "" : `: ${properties.join(", ")}`}`;
  });
}

function isProvider(type: string): boolean {
  return type.startsWith("pulumi:providers:");
}
