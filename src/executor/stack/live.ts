/**
 * Live drift: what a refresh preview finds, by resource and property. Values pass only where the checkpoint says that
 * they are no secrets: in a refresh the engine itself shows live values of secret properties in plain text (invariant 11).
 */
import { existsSync } from "node:fs";
import type { Drifted, DriftedProperty } from "../../departures/drift.js";
import type { Json } from "../../gates/model.js";
import { createRedactor, secretsInEnvironment } from "../../redact.js";
import { parseEvent } from "../operation/engine-events.js";
import { readBackendFile } from "./backend.js";
import { type DriftQuestion, refreshPreview } from "./drift.js";
import { isSecret, resourcesIn, type SnapshotResource } from "./snapshot.js";

/** Longest text of a shown value, in characters. */
const LONGEST = 200;
const MASK = "[secret]";
/** Properties whose name says what they hold are masked even where the program doesn't mark them. */
const SECRET_NAME = /secret|token|passw|pwd|credential|private|api_?key|access_?key|connection_?string/i;

interface LiveState {
  readonly inputs?: { readonly [name: string]: Json };
  readonly outputs?: { readonly [name: string]: Json };
}

interface Found {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old?: LiveState | null;
  readonly new?: LiveState | null;
  readonly diffs?: readonly string[] | null;
  readonly detailedDiff?: { readonly [path: string]: unknown } | null;
}

/**
 * What differs between the live system and the checkpoint. Takes no lock where the backend is a file. Errors: those of
 * `refreshPreview`; whatever it throws means that nothing was assessed.
 */
export async function liveDrift(question: DriftQuestion, signal: AbortSignal): Promise<readonly Drifted[]> {
  const known = snapshot(question);
  const redact = createRedactor(secretsInEnvironment(question.env)).json;
  const drifted: Drifted[] = [];
  await refreshPreview(question, signal, (line) => {
    const event = parseEvent(line) as { readonly resOutputsEvent?: { readonly metadata: Found } } | undefined;
    const one = event?.resOutputsEvent && driftedIn(event.resOutputsEvent.metadata, known, redact);
    if (one !== undefined) drifted.push(one);
  });
  return drifted.sort((a, b) => (a.urn < b.urn ? -1 : 1));
}

function snapshot({ stack }: DriftQuestion): ReadonlyMap<string, SnapshotResource> {
  if (stack.kind !== "file" || !existsSync(stack.checkpoint)) return new Map();
  return new Map(resourcesIn(readBackendFile(stack.checkpoint)).map((resource) => [resource.urn, resource]));
}

/** Exported for its table of cases: what one event of a refresh says; nothing where the resource is as declared. */
export function driftedIn(
  found: Found,
  known: ReadonlyMap<string, SnapshotResource>,
  redact: (value: Json) => Json,
): Drifted | undefined {
  const { op, urn, type } = found;
  if (op === "delete") return { urn, type, op: "gone", properties: [] };
  if (op !== "update" && op !== "replace") return undefined;
  const detailed = Object.keys(found.detailedDiff ?? {});
  const paths = (detailed.length > 0 ? detailed : [...(found.diffs ?? [])]).sort();
  const properties = paths.map((path): DriftedProperty => {
    const shown = isOpen(known.get(urn), found, path);
    const value = (state: LiveState | null | undefined): Json =>
      shown ? shortened(redact(at(state?.inputs, path) ?? at(state?.outputs, path) ?? null)) : MASK;
    return { path, declared: value(found.old), live: value(found.new) };
  });
  return { urn, type, op: "changed", properties };
}

/**
 * Whether a property is known to be no secret: the checkpoint has it, and neither itself, nor what it lies in, nor anything
 * in it is one. What was added past the program nobody has said anything about.
 */
function isOpen(known: SnapshotResource | undefined, found: Found, path: string): boolean {
  const keys = keysIn(path);
  if (known === undefined || keys.some((key) => SECRET_NAME.test(key))) return false;
  if (known.secretOutputs.includes(keys[0] ?? "")) return false;
  const stored = [known.inputs, known.outputs];
  if (stored.every((values) => at(values as Json, path) === undefined)) return false;
  if (stored.some((values) => touchesSecret(values, keys))) return false;
  return ![found.old?.inputs, found.old?.outputs, found.new?.outputs].some((values) => hasMask(at(values, path)));
}

function touchesSecret(values: unknown, keys: readonly string[]): boolean {
  if (isSecret(values)) return true;
  const [key, ...rest] = keys;
  if (typeof values !== "object" || values === null) return false;
  if (key !== undefined) return touchesSecret((values as { [name: string]: unknown })[key], rest);
  return Object.values(values).some((value) => touchesSecret(value, []));
}

function hasMask(value: Json | undefined): boolean {
  return value !== undefined && JSON.stringify(value).includes(MASK);
}

function keysIn(path: string): readonly string[] {
  return [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, plain]) => quoted ?? index ?? plain ?? "",
  );
}

function at(values: Json | undefined, path: string): Json | undefined {
  return keysIn(path).reduce<Json | undefined>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as { [name: string]: Json })[key] : undefined,
    values,
  );
}

/** Something large is shown by its beginning; a list or mapping not at all: anything may have been put into it. */
function shortened(value: Json): Json {
  if (typeof value === "object" && value !== null) return MASK;
  if (typeof value !== "string" || value.length <= LONGEST) return value;
  return `${value.slice(0, LONGEST)}… (${value.length} characters)`;
}
