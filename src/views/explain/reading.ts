/** How an explanation reads entries. Pure. */
import { eventOf } from "../../run/entries.js";
import type { RunId } from "../../run/events.js";
import type { Numbered } from "../../run/evolve.js";
import type { Evidence } from "./input.js";

/** The run's own entries as events. */
export function numberedOf(entries: readonly Evidence[], run: RunId): readonly Numbered[] {
  return entries.filter((entry) => entry.run === run).map(eventOf);
}
