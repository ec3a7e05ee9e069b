/**
 * From the engine's event log to what may be kept of it. The log carries resource states, debug diagnostics and, in a
 * refresh, live values of secret properties in plain text: only what is named here passes (invariant 11).
 * Source: pulumi/pulumi sdk/go/common/apitype/events.go.
 */
import { OWN_HOST_NOTICE } from "../language-host/install.js";
import type { Seen } from "./journal.js";

interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly keys?: readonly string[];
  readonly diffs?: readonly string[];
  readonly detailedDiff?: { readonly [path: string]: unknown } | null;
  readonly new?: { readonly inputs?: { readonly version?: unknown } } | null;
}

/** The events that evo looks at; all others are passed over. */
export interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata };
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
  readonly diagnosticEvent?: { readonly urn?: string; readonly message: string; readonly severity: string };
  readonly policyEvent?: {
    readonly resourceUrn?: string;
    readonly message: string;
    readonly policyName: string;
    readonly policyPackName: string;
    readonly enforcementLevel: string;
  };
  readonly errorEvent?: { readonly error: string };
  readonly summaryEvent?: {
    readonly resourceChanges?: { readonly [op: string]: number };
    readonly isPreview?: boolean;
  };
  readonly cancelEvent?: unknown;
}

type Redact = (text: string) => string;

/** Longest text of one diagnostic, in characters. */
const LONGEST = 4_000;

/** Markup of the engine's own (`<{%fg 1%}>`) and terminal colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal's colours are made of
const MARKUP = /<\{%[^%]*%\}>|\u001b\[[0-9;]*m/g;

/** A line of the event log; undefined when it is torn. */
export function parseEvent(line: string): EngineEvent | undefined {
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    return undefined;
  }
}

/** Text for a person, fit to be kept. */
export function plainText(text: string, redact: Redact): string {
  return redact(text.replace(MARKUP, "").trim()).slice(0, LONGEST);
}

/** What may be kept of an event, undefined if nothing. */
export function seenIn(event: EngineEvent, redact: Redact): Seen | undefined {
  if (event.resourcePreEvent) return step(event.resourcePreEvent.metadata);
  if (event.resOutputsEvent) return outputs(event.resOutputsEvent.metadata);
  if (event.diagnosticEvent) return diagnostic(event.diagnosticEvent, redact);
  if (event.policyEvent) return policy(event.policyEvent, redact);
  if (event.errorEvent)
    return { kind: "diagnostic", severity: "error", message: plainText(event.errorEvent.error, redact) };
  const { summaryEvent } = event;
  if (!summaryEvent) return undefined;
  return { kind: "summary", preview: summaryEvent.isPreview === true, counts: summaryEvent.resourceChanges ?? {} };
}

function step(metadata: StepMetadata): Seen {
  const { urn, type, op } = metadata;
  const version = type.startsWith("pulumi:providers:") ? metadata.new?.inputs?.version : undefined;
  return {
    kind: "step",
    urn,
    type,
    op,
    paths: changedPaths(metadata),
    replaces: metadata.keys ?? [],
    ...(typeof version === "string" ? { version } : {}),
  };
}

/** A refresh announces `refresh` and only at its end says what it found: a change, or that the resource is gone. */
function outputs(metadata: StepMetadata): Seen {
  return { kind: "done", urn: metadata.urn, op: metadata.op };
}

function changedPaths(metadata: StepMetadata): readonly string[] {
  const detailed = Object.keys(metadata.detailedDiff ?? {});
  return detailed.length > 0 ? detailed.sort() : [...(metadata.diffs ?? [])].sort();
}

/** Debug and info lines may carry whatever a program prints: secrets that it made itself included. They are not kept. */
function diagnostic(event: NonNullable<EngineEvent["diagnosticEvent"]>, redact: Redact): Seen | undefined {
  const { severity, urn } = event;
  if (severity !== "warning" && severity !== "error") return undefined;
  const message = plainText(event.message, redact);
  if (OWN_HOST_NOTICE.test(message)) return undefined;
  return { kind: "diagnostic", severity, message, ...(urn ? { urn } : {}) };
}

function policy(event: NonNullable<EngineEvent["policyEvent"]>, redact: Redact): Seen {
  const message = plainText(`${event.policyPackName}/${event.policyName}: ${event.message}`, redact);
  const severity = event.enforcementLevel === "mandatory" ? "error" : "warning";
  return { kind: "diagnostic", severity, message, ...(event.resourceUrn ? { urn: event.resourceUrn } : {}) };
}

/** What a program said on its standard error: not kept as such, but the reason of a failure may lie only there. */
export function programError(event: EngineEvent, redact: Redact): string | undefined {
  const diagnostic = event.diagnosticEvent;
  return diagnostic?.severity === "info#err" ? plainText(diagnostic.message, redact) : undefined;
}
