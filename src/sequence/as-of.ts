/** The rules about a step that is put to a recorded state: it is an `up`, and what is recorded stands beside nothing else. */
import { isGroup } from "./model.js";
import { nameEntry, type Place } from "./places.js";
import { capital, type Finding, finding } from "./problems.js";

/** What the record says, so that a step can't, each with why. */
const RECORDED = {
  config: "its config is as recorded",
  secretConfig: "its secret config is as recorded",
  env: "its environment variables are as recorded",
  createStack: "a stack that has a recorded state is there",
} as const;

export function asOfFindings({ entry, path }: Place): readonly Finding[] {
  if (isGroup(entry) || entry.asOf === undefined) return [];
  const who = `${capital(nameEntry(entry))} says asOf: "${entry.asOf}"`;
  if (entry.kind !== "up") {
    const what = `${who}, but ${entry.kind === "destroy" ? "a destroy" : "a refresh"} applies no program.`;
    return [finding("as-of", path, "asOf", what, "Make it an up, or leave asOf out.")];
  }
  const beside = Object.entries(RECORDED).filter(([key]) => entry[key as keyof typeof RECORDED] !== undefined);
  return beside.map(([key, why]) =>
    finding("as-of", path, key, `${who} beside ${key}: ${why}.`, `Leave ${key} out, or asOf.`),
  );
}
