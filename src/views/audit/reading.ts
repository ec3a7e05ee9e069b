/** How an audit reads entries: known types with their events, the rest by the few fields that any entry may carry. Pure. */
import type { Json } from "../../gates/model.js";
import { eventOf } from "../../run/entries.js";
import type { RunEvent, RunEventType } from "../../run/events.js";
import type { Entry } from "../../run/ports.js";

/** What an entry tells, without its place in the chain. */
export interface Told
  extends Pick<
    Entry,
    "number" | "time" | "type" | "sequence" | "run" | "step" | "operation" | "stack" | "rehearsal" | "actor" | "body"
  > {
  readonly causes: readonly { readonly number: number }[];
}

/** An entry with the event that it carries. */
export interface Read<T extends RunEventType> {
  readonly entry: Entry;
  readonly event: RunEvent & { readonly type: T };
}

/** The entries of these types, in order. */
export function ofType<T extends RunEventType>(entries: readonly Entry[], ...types: readonly T[]): readonly Read<T>[] {
  return entries
    .filter((entry) => (types as readonly string[]).includes(entry.type))
    .map((entry) => ({ entry, event: eventOf(entry).event as RunEvent & { readonly type: T } }));
}

/** A field of a body, where it is a text with something in it. */
export function textOf({ body }: Pick<Told, "body">, ...keys: readonly string[]): string | undefined {
  const found = keys.map((key): Json | undefined => body[key]);
  return found.find((value): value is string => typeof value === "string" && value !== "");
}

/** `noun.verb`, in two. */
export function wordsOf({ type }: Pick<Told, "type">): { readonly noun: string; readonly verb: string } {
  const at = type.indexOf(".");
  return { noun: type.slice(0, at), verb: type.slice(at + 1) };
}

/** ` (entry 5)`, ` (entries 5, 9)`: what a sentence rests on. */
export function naming(...numbers: readonly number[]): string {
  if (numbers.length === 0) return "";
  return numbers.length === 1 ? ` (entry ${numbers[0]})` : ` (entries ${numbers.join(", ")})`;
}

/** Milliseconds of evo's clock as ISO 8601. */
export function isoOf(at: number): string {
  return new Date(at).toISOString();
}
