/**
 * Looks at the live system once. Never throws: what could not be looked at is an `error` look (invariant 2: which is no
 * pass; DESIGN 8: and no fail). Everything that leaves here is fit to be stored (invariant 11).
 */
import { canonical } from "../../canonical.js";
import { EvoError } from "../../errors.js";
import { secretsInEnvironment } from "../../redact.js";
import type { LookRequest, Probe } from "../../run/ports.js";
import type { Json, LiveProbe, Look } from "../model.js";
import { EXPECTED_COMMAND, lookCommand } from "./command.js";
import type { Looking, ProbeContext } from "./context.js";
import { lookCustom } from "./custom.js";
import { expectedHttp, lookHttp } from "./http.js";
import { outline } from "./match.js";
import { EXPECTED_SETTLED, lookSettled } from "./settled.js";
import { expectedStackOutput, lookStackOutput } from "./stack-output.js";

export type { ProbeContext, StackOutputs } from "./context.js";
export { resolve as resolveValue } from "./values.js";

/** Characters of a message, and of an observed or expected value as JSON, that are stored. */
const LONGEST_MESSAGE = 200;
const LONGEST_VALUE = 4000;

/** The probe of a run: one for all gates and kinds. */
export function createProbe(context: ProbeContext): Probe {
  // A command may print any of its environment.
  for (const secret of secretsInEnvironment(context.env)) context.redactor.add(secret);
  return { look: (request, signal) => lookOnce(context, request, signal) };
}

async function lookOnce(context: ProbeContext, request: LookRequest, signal: AbortSignal): Promise<Look> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), request.timeout);
  const ended = AbortSignal.any([signal, deadline.signal]);
  const looking: Looking = { context, target: request.target, signal: ended };
  try {
    return storable(context, await unlessEnded(dispatch(request.probe, looking), ended));
  } catch (error) {
    const late = deadline.signal.aborted && !signal.aborted;
    const message = late ? `no answer within ${request.timeout} ms` : signal.aborted ? "cancelled" : reasonOf(error);
    return storable(context, { verdict: "error", observed: null, expected: expectedBy(request.probe), message });
  } finally {
    clearTimeout(timer);
    deadline.abort();
  }
}

/** Waits for a look no longer than its signal allows, even where the look does not heed it. */
async function unlessEnded(look: Promise<Look>, signal: AbortSignal): Promise<Look> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    look.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

async function dispatch(probe: LiveProbe, looking: Looking): Promise<Look> {
  switch (probe.type) {
    case "http":
      return lookHttp(probe, looking);
    case "stackOutput":
      return lookStackOutput(probe, looking);
    case "settled":
      return lookSettled(probe, looking);
    case "command":
      return lookCommand(probe, looking);
    case "custom":
      return lookCustom(probe, looking);
  }
}

function expectedBy(probe: LiveProbe): Json {
  switch (probe.type) {
    case "http":
      return expectedHttp(probe);
    case "stackOutput":
      return expectedStackOutput(probe);
    case "settled":
      return EXPECTED_SETTLED;
    case "command":
      return EXPECTED_COMMAND;
    case "custom":
      return null;
  }
}

/** The message of what was thrown, in one line; anything may be thrown by an author's function. */
function reasonOf(error: unknown): string {
  if (error instanceof EvoError) return error.message;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : "something that is no error was thrown";
  return text.replace(/\s+/g, " ");
}

/** Redacts first and cuts then: half a secret would not be recognised. */
function storable({ redactor }: ProbeContext, { verdict, observed, expected, message }: Look): Look {
  const look = { verdict, observed: bounded(redactor.json(observed)), expected: bounded(redactor.json(expected)) };
  return message === undefined ? look : { ...look, message: redactor.apply(message).slice(0, LONGEST_MESSAGE) };
}

function bounded(value: Json): Json {
  return canonical(value).length <= LONGEST_VALUE ? value : outline(value);
}
