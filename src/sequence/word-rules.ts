/** The rules of gates that ask people: what can't be answered, or can't be bound, is refused before a run begins. */
import { isWordProbe, type WordProbe } from "../gates/model.js";
import { type Entry, isGroup } from "./model.js";
import type { GatePlace } from "./places.js";
import { type Finding, finding } from "./problems.js";

/** What is wrong with a gate's words. */
export function wordFindings(place: GatePlace): readonly Finding[] {
  const { gate, path, owner } = place;
  const asking = gate.targets.flatMap(({ probe }) => (isWordProbe(probe) ? [probe] : []));
  const [probe] = asking;
  if (probe === undefined) return [];
  const what = `Gate "${gate.name}" of ${owner}`;
  const say = (code: string, word: string, message: string, remedy: string) =>
    finding(code, path, word, `${what} ${message}`, remedy);
  if (asking.length < gate.targets.length || asking.some(({ type }) => type !== probe.type))
    return [say("mixed-gate", gate.name, "mixes what people say with something else.", "Make a gate of each.")];
  if (place.phase === "consistent")
    return [
      say(
        "word-at-the-end",
        gate.name,
        "asks people whether the end is consistent, which is the live system's to say.",
        "Put it into convergedWhen of the last step.",
      ),
    ];
  return probe.type === "approved" ? approvalFindings(place, probe, say) : [];
}

type Say = (code: string, word: string, message: string, remedy: string) => Finding;

function approvalFindings(
  { gate, phase, entry }: GatePlace,
  { by, count }: WordProbe & { readonly type: "approved" },
  say: Say,
): readonly Finding[] {
  const findings: Finding[] = [];
  const people = new Set(by);
  if (count > people.size && ![...people].some((name) => name.startsWith("@"))) {
    const message = `can never pass: it needs ${count} approvals and names ${people.size === 1 ? "one actor" : `${people.size} actors`}.`;
    findings.push(say("impossible-gate", "count", message, "Lower count, or name a team (@name) or more actors."));
  }
  if (gate.targets.length > 1)
    findings.push(say("approval-targets", gate.name, "asks for one approval at several targets.", "Give it one."));
  if (phase === "ready" && entry !== undefined && hasOrder(entry))
    findings.push(
      say(
        "unbindable-approval",
        gate.name,
        "would approve steps that follow each other: what a later one does can't be shown before the earlier one is done.",
        "Ask for an approval of each step.",
      ),
    );
  return findings;
}

/** Whether something below waits for something else below. */
function hasOrder(entry: Entry): boolean {
  if (!isGroup(entry)) return false;
  return (entry.kind === "serial" && entry.members.length > 1) || entry.members.some(hasOrder);
}
