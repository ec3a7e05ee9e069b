/**
 * What `asOf` means: from the record of a stack to the one operation whose state a step puts it back to, or to why there is
 * none. Never a guess: what the record doesn't say for certain is refused. Pure.
 */
import { EvoError, EXIT } from "../errors.js";
import type { AsOf, RecordedState, StepNode } from "../plan/model.js";
import { outputsIn } from "../sequence/references.js";
import { nodeOf } from "./edges.js";
import type { OperationId, OperationIntent, RunId } from "./events.js";
import type { Entry } from "./ports.js";
import type { StartedRun } from "./state.js";

/** All that is read of a stack's operations, and where another life of it begins. */
export const PAST_TYPES = [
  "stack.baselined",
  "operation.intended",
  "operation.succeeded",
  "operation.failed",
  "operation.unresolved",
  "operation.settled",
] as const;

/** What the ledger knows of one stack. */
export interface Past {
  readonly stack: string;
  /** Of `PAST_TYPES`, in order. */
  readonly entries: readonly Entry[];
  /** Updates and edits that evo did not make; `entry`: where they were first seen. */
  readonly foreign: readonly { readonly entry: number; readonly summary: string }[];
}

/** An operation that had succeeded, as the ledger has it. */
export interface Succeeded {
  readonly intent: OperationIntent;
  readonly run: RunId;
  /** Its outcome's entry, and that one's time. */
  readonly entry: number;
  readonly time: string;
}

/**
 * The operation that a step's `asOf` names. `answered`: the run that a recovery answers. Errors (all exit 2): `earlier.no-run`,
 * `earlier.nothing-before`, `earlier.foreign`, `earlier.unknown`, `earlier.not-succeeded`.
 */
export function operationMeant(step: StepNode, asOf: AsOf, past: Past, answered: RunId | undefined): Succeeded {
  const present = { ...past, entries: inThisLife(past.entries) };
  if (asOf !== "before-run") return named(step, asOf, present);
  if (answered === undefined)
    throw refusal(step, "no-run", 'it says asOf: "before-run", and this run answers no other', {
      remedy: 'start the sequence as a recovery: evo recover <run>; or name an operation: asOf: "<run>.<step>.1.up"',
    });
  return lastBefore(step, present, answered);
}

/** What was recorded of a world that began anew says nothing of the stack that is there now. */
function inThisLife(entries: readonly Entry[]): readonly Entry[] {
  const begin = entries.findLastIndex(({ type, body }) => type === "stack.baselined" && body.anew === true);
  return entries.slice(begin + 1);
}

function named(step: StepNode, operation: OperationId, { stack, entries }: Past): Succeeded {
  const own = entries.filter((entry) => entry.operation === operation);
  const remedy = `evo history ${stack.split("#").at(-1)} shows what is recorded of it`;
  if (!own.some(({ type }) => type === "operation.intended"))
    throw refusal(step, "unknown", `no operation ${operation} is recorded on ${stack}`, { remedy });
  const found = succeededIn(own).at(-1);
  if (found !== undefined) return found;
  const how = own.at(-1)?.type.slice("operation.".length) ?? "";
  const stands = how === "intended" ? "has no outcome yet" : `did not succeed (${how})`;
  throw refusal(step, "not-succeeded", `${operation} ${stands}: it left no state to go back to`, { remedy });
}

/** The newest `up` that had succeeded before the run's first operation on the stack; a stack that it never touched stays. */
function lastBefore(step: StepNode, past: Past, answered: RunId): Succeeded {
  const first = past.entries.find(({ type, run }) => type === "operation.intended" && run === answered);
  const before = past.entries.filter(({ number }) => first === undefined || number < first.number);
  const done = succeededIn(before).filter(({ intent }) => intent.verb !== "refresh");
  const last = done.at(-1);
  const remedy = "if it is to be taken away, say so: a destroy step; or name an operation in asOf";
  if (last === undefined)
    throw refusal(step, "nothing-before", `before ${answered} evo had applied nothing to ${past.stack}`, { remedy });
  if (last.intent.verb === "destroy")
    throw refusal(step, "nothing-before", `before ${answered} the stack was empty: ${last.intent.operation}`, {
      remedy,
    });
  const foreign = past.foreign.find(({ entry }) => entry > last.entry && (first === undefined || entry < first.number));
  if (foreign === undefined) return last;
  const what = `before ${answered} its state was not what evo had left: ${foreign.summary} (entry ${foreign.entry})`;
  throw refusal(step, "foreign", what, {
    remedy: `name the operation that is meant: asOf: "${last.intent.operation}"`,
  });
}

/** In the order of their outcomes; a person's word counts as one. */
function succeededIn(entries: readonly Entry[]): readonly Succeeded[] {
  return entries.flatMap((entry): Succeeded[] => {
    const { type, body, operation, number, time, run } = entry;
    if (type !== "operation.succeeded" && !(type === "operation.settled" && body.as === "succeeded")) return [];
    const intended = entries.find((other) => other.type === "operation.intended" && other.operation === operation);
    if (intended === undefined || run === undefined) return [];
    return [{ intent: intended.body as unknown as OperationIntent, run, entry: number, time }];
  });
}

/**
 * The step with the recorded state in it, frozen (invariant 6): program, commit and digest, and the values that the recorded
 * step had. `recorded`: the run of that operation. Errors (exit 2): `earlier.partial`, `earlier.no-commit`, `earlier.dirty`.
 */
export function putTo(step: StepNode, { intent, entry, time }: Succeeded, { plan }: StartedRun): StepNode {
  const then = nodeOf(plan, intent.step);
  if (then.kind !== "step") throw new Error(`${intent.step} is not a step`);
  const { operation, source } = intent;
  refusePart(step, operation, then);
  const { commit, sha256 } = source;
  if (commit === undefined)
    throw refusal(step, "no-commit", `${operation} was run from a folder that is in no git commit`, ANOTHER);
  if (source.dirty === true)
    throw refusal(step, "dirty", `${operation} was run from a tree that differed from its commit ${commit}`, ANOTHER);
  const { config, secretConfig, env, host, transpileOnly } = then.options;
  const dir = then.earlier?.dir ?? then.stack.dir;
  const names = outputsIn([config, secretConfig, env]);
  const reads = then.earlier?.reads ?? Object.fromEntries(names.map((name) => [name, stackOf(plan, name)]));
  const earlier: RecordedState = { operation, entry, time, dir, commit, sha256, reads };
  const given = (values: object) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const options = { ...given({ host, transpileOnly }), ...step.options, ...given({ config, secretConfig, env }) };
  return { ...step, options, earlier };
}

const ANOTHER = { remedy: "name another operation in asOf, or say in the step's own config what to put back" };

/** What an update of a part left is its program's state in that part only. */
function refusePart(step: StepNode, operation: OperationId, { options }: StepNode): void {
  if (options.targets === undefined) return;
  throw refusal(
    step,
    "partial",
    `${operation} updated only ${options.targets.join(", ")}, not the whole stack`,
    ANOTHER,
  );
}

function stackOf(plan: StartedRun["plan"], step: string) {
  const node = nodeOf(plan, step);
  if (node.kind !== "step") throw new Error(`${step} is not a step`);
  return node.stack;
}

function refusal(step: StepNode, code: string, why: string, { remedy }: { readonly remedy: string }): EvoError {
  return new EvoError(`earlier.${code}`, `step ${step.id} can't be put to a recorded state: ${why}`, {
    exit: EXIT.usage,
    remedy,
  });
}
