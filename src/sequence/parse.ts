/** From authored data to a valid sequence: schema, then the step that a probe means, then the rules of the whole. */
import type { z } from "zod";
import { check } from "./check.js";
import type { Path } from "./locate.js";
import { type Entry, type Gate, isGroup, type Sequence } from "./model.js";
import { capital, type Finding } from "./problems.js";
import { keysFor, sequenceSchema } from "./schema.js";
import { didYouMean } from "./suggest.js";

export type Parsed =
  | { readonly sequence: Sequence; readonly findings: readonly Finding[] }
  | { readonly sequence?: undefined; readonly findings: readonly Finding[] };

/** Checks authored data. A sequence may come with findings: then its shape is right and its rules are not kept. */
export function parseSequence(authored: unknown): Parsed {
  const parsed = sequenceSchema.safeParse(authored);
  if (!parsed.success) return { findings: parsed.error.issues.flatMap((issue) => issueFindings(authored, issue)) };
  // JSON and back drops what is undefined and what only the authored data carries.
  const { $schema: _, ...data } = parsed.data;
  const plain = JSON.parse(JSON.stringify(data)) as Sequence;
  const sequence = { ...plain, steps: plain.steps.map(fillEntry) };
  return { sequence, findings: check(sequence) };
}

// ---------------------------------------------------------------------------------------------- probes mean a step

function fillEntry(entry: Entry): Entry {
  if (isGroup(entry)) return { ...entry, members: entry.members.map(fillEntry) };
  const fill = (gates: readonly Gate[]) => gates.map((gate) => fillGate(gate, entry.name));
  return {
    ...entry,
    ...(entry.readyWhen === undefined ? {} : { readyWhen: fill(entry.readyWhen) }),
    ...(entry.convergedWhen === undefined ? {} : { convergedWhen: fill(entry.convergedWhen) }),
  };
}

function fillGate(gate: Gate, step: string): Gate {
  const targets = gate.targets.map(({ name, probe }) => {
    const means = probe.type === "settled" || probe.type === "stackOutput";
    return { name, probe: means ? { ...probe, step: probe.step ?? step } : probe };
  });
  return { ...gate, targets };
}

// ------------------------------------------------------------------------------------------------- schema's issues

function issueFindings(authored: unknown, issue: z.core.$ZodIssue): Finding[] {
  const where = describe(authored, issue.path);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(authored, issue.path, key, where));
  const key = issue.path.at(-1);
  const missing = typeof key === "string" && at(authored, issue.path) === undefined;
  const message = missing
    ? `${capital(describe(authored, issue.path.slice(0, -1)))} has no ${key}: ${expectation(issue)}.`
    : `${capital(where)}: ${expectation(issue)}.`;
  const remedy = missing ? `Add ${key}.` : "Correct it.";
  const word = typeof key === "string" && !missing ? { word: key } : {};
  return [
    { code: codeOf(issue, missing), path: missing ? issue.path.slice(0, -1) : issue.path, ...word, message, remedy },
  ];
}

function unknownKey(authored: unknown, path: Path, key: string, where: string): Finding {
  const known = keysFor((at(authored, path) ?? {}) as object, path.at(-1));
  return {
    code: "sequence.unknown-key",
    path,
    word: key,
    message: `${capital(where)} has an unknown key "${key}".${didYouMean(key, known)}`,
    remedy: `Use one of: ${known.join(", ")}.`,
  };
}

function codeOf(issue: z.core.$ZodIssue, missing: boolean): string {
  if (missing) return "sequence.missing-key";
  const empty = issue.code === "too_small" && issue.origin === "array";
  if (empty && issue.path.at(-1) === "targets") return "sequence.gate-without-target";
  return empty ? "sequence.empty-list" : "sequence.wrong-value";
}

/** Zod's words, without its prefix, where the schema has none of its own. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value")
    return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
  return issue.message.replace(/^Invalid input: /, "");
}

function at(authored: unknown, path: Path): unknown {
  return path.reduce<unknown>((data, key) => (data as Record<PropertyKey, unknown> | undefined)?.[key], authored);
}

/** `step "app" › convergedWhen › gate "healthy" › timeout`. */
function describe(authored: unknown, path: Path): string {
  const parts: string[] = [];
  for (const [place, key] of path.entries()) {
    const data = at(authored, path.slice(0, place + 1));
    const named = nameOf(data, path[place - 1]);
    if (named !== undefined) parts.push(named);
    else if (typeof key === "number") parts.push(`entry ${key + 1}`);
    else if (!LISTS.includes(String(key)) || place === path.length - 1) parts.push(String(key));
  }
  return parts.length === 0 ? "The sequence" : parts.join(" › ");
}

/** Lists whose elements speak for themselves. */
const LISTS: readonly string[] = ["steps", "members", "targets", "readyWhen", "convergedWhen", "consistentWhen"];

function nameOf(data: unknown, list: PropertyKey | undefined): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { name, kind } = data as { name?: unknown; kind?: unknown };
  if (typeof name !== "string") return undefined;
  if (typeof kind === "string") return `${["up", "destroy", "refresh"].includes(kind) ? "step" : kind} "${name}"`;
  if (list === "targets") return `target "${name}"`;
  return list === "readyWhen" || list === "convergedWhen" || list === "consistentWhen" ? `gate "${name}"` : undefined;
}
