/** What an author calls inside a gate: probes, and values that are looked up at the moment of use. */
import type { z } from "zod";
import type { CommandProbe, CustomProbe, Look, Value } from "../gates/model.js";
import { located } from "./location.js";
import type { AuthoredHttp, AuthoredSettled, AuthoredStackOutput, CustomContext, CustomLook } from "./model.js";

const LOOK: unique symbol = Symbol.for("evo.look");

/** Asks a URL and judges status, headers, JSON body and latency. Without `expect`: status 200. */
export function http(spec: Omit<AuthoredHttp, "type">): AuthoredHttp {
  return located({ type: "http" as const, ...spec }, http);
}

/** Judges an output of a step's stack: `stackOutput({ path: "url", exists: true })` on the step itself. */
export function stackOutput(spec: Omit<AuthoredStackOutput, "type">): AuthoredStackOutput {
  return located({ type: "stackOutput" as const, ...spec }, stackOutput);
}

/** Passes when a refresh preview of the stack shows nothing to do. Without a step: the one it is declared on. */
export function settled(step?: string): AuthoredSettled {
  return located({ type: "settled" as const, ...(step === undefined ? {} : { step }) }, settled);
}

/** Runs a program: exit 0 passes, 1 fails, 75 is inconclusive, anything else is an error. */
export function command(
  line: CommandProbe["command"],
  spec: Omit<CommandProbe, "type" | "command"> = {},
): CommandProbe {
  return located({ type: "command" as const, command: line, ...spec }, command);
}

/** A custom probe with an input: the schema types `look` and refuses a wrong input when the sequence is loaded. */
export interface CustomSpec<Schema extends z.ZodType> {
  readonly input: Schema;
  look(input: z.output<Schema>, context: CustomContext): Promise<Look> | Look;
}

export function custom(name: string, look: (context: CustomContext) => Promise<Look> | Look): CustomProbe;
export function custom<Schema extends z.ZodType>(
  name: string,
  spec: CustomSpec<Schema>,
): (input: z.input<Schema>) => CustomProbe;
/**
 * A function of the author's own. Its code stays outside of the JSON form and is found by name, at its recorded digest
 * (invariant 6). With an input schema it returns a function from inputs to probes.
 */
export function custom(
  name: string,
  looking: ((context: CustomContext) => Promise<Look> | Look) | CustomSpec<z.ZodType>,
): CustomProbe | ((input: unknown) => CustomProbe) {
  if (typeof looking === "function") {
    const probe = {
      type: "custom" as const,
      name,
      [LOOK]: { look: plainLook(looking), made: looking } satisfies Attached,
    };
    return located(probe, custom);
  }
  const attached: Attached = { look: checkedLook(looking), input: looking.input, made: looking };
  const make = (input: unknown): CustomProbe =>
    located({ type: "custom" as const, name, input: input as never, [LOOK]: attached }, make);
  return make;
}

/** The code behind a custom probe, as it hangs on the authored data. */
export interface Attached {
  readonly look: CustomLook;
  readonly input?: z.ZodType;
  /** What the author passed to `custom`; the same in two probes means the same code. */
  readonly made: object;
}

/** The code that `custom` hung on a probe; undefined on any other data. */
export function attachedTo(probe: object): Attached | undefined {
  return (probe as { [LOOK]?: Attached })[LOOK];
}

function plainLook(look: (context: CustomContext) => Promise<Look> | Look): CustomLook {
  return (_input, context) => look(context);
}

function checkedLook(spec: CustomSpec<z.ZodType>): CustomLook {
  return (input, context) => spec.look(spec.input.parse(input), context);
}

/** A value from evo's environment, read when it is needed and never stored (invariant 11). */
export function env(name: string): Value {
  return { $env: name };
}

/** An output of an earlier step's stack, in dotted form (`urls.eu-west`, `nodes[0].id`). */
export function output(step: string, path: string): Value {
  return { $output: { step, path } };
}

/** A text with values in it: text`https://${output("gateway", "host")}/health`. */
export function text(parts: TemplateStringsArray, ...values: (Value | number)[]): Value {
  const pieces = parts.flatMap((part, at): Value[] => {
    const value = values[at];
    return value === undefined ? [part] : [part, typeof value === "number" ? String(value) : value];
  });
  const joined = pieces.filter((piece) => piece !== "");
  return joined.every((piece) => typeof piece === "string") ? joined.join("") : { $join: joined };
}
