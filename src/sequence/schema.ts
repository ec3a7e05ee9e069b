/**
 * The schema of a sequence's JSON form. It knows one object at a time: shapes, keys (unknown ones are refused),
 * durations, conditions. What needs the whole sequence or the file system is in check.ts and folders.ts.
 */
import { z } from "zod";
import { NOTICES, RECOVERABLE } from "../plan/model.js";
import { LINT_CODES } from "./accept.js";
import { DEFAULT_EXPIRY } from "./defaults.js";
import { DURATION_EXAMPLES, parseDuration } from "./duration.js";

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const NAME_RULE = "a name of letters, digits, - and _ that starts with a letter or digit";

/** Names become parts of operation ids and gate ids, which use `.` and `/` as separators. */
const name = z.string().regex(NAME, `expected ${NAME_RULE}`).max(80, "expected at most 80 characters");
const text = z.string().min(1, "expected a text that is not empty");
const count = z.int("expected a whole number").min(1, "expected at least 1");

const duration = z
  .union([z.string(), z.number()], { error: `expected ${DURATION_EXAMPLES}` })
  .transform((value, context) => {
    const milliseconds = parseDuration(value);
    if (milliseconds !== undefined) return milliseconds;
    context.addIssue({ code: "custom", message: `expected ${DURATION_EXAMPLES}`, input: value });
    return z.NEVER;
  });
const someTime = duration.refine((value) => value > 0, "expected more than 0");

/** Why a finding of `evo lint` may stand; a reason that is empty is none. */
const accept = z.strictObject(Object.fromEntries(LINT_CODES.map((code) => [code, text.optional()]))).optional();

const onFailure = z.enum(["halt", "hold", "retry", "recover", "continue"]);

/** A text or a reference; see gates/model.ts. */
const value: z.ZodType = z.lazy(() =>
  z.union(
    [
      z.string(),
      z.strictObject({ $env: text }),
      z.strictObject({ $output: z.strictObject({ step: text, path: text }) }),
      z.strictObject({ $join: z.array(value) }),
    ],
    { error: "expected a text, env(...), output(...) or text`...`" },
  ),
);
const values = z.record(text, value);

// --------------------------------------------------------------------------------------------------------- probes

const CONDITIONS = ["equals", "oneOf", "matches", "exists", "atLeast", "atMost"] as const;

const matcher = {
  equals: z.json().optional(),
  oneOf: z.array(z.json()).min(1, "expected at least one value").optional(),
  matches: z.string().refine(isRegExp, "expected a regular expression (ECMAScript, flag u)").optional(),
  exists: z.boolean().optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
};

function isRegExp(source: string): boolean {
  try {
    new RegExp(source, "u");
    return true;
  } catch {
    return false;
  }
}

function oneCondition(given: object): boolean {
  return CONDITIONS.filter((condition) => (given as Record<string, unknown>)[condition] !== undefined).length === 1;
}
const ONE_CONDITION = `expected exactly one of ${CONDITIONS.join(", ")}`;

const matching = z.strictObject(matcher).refine(oneCondition, ONE_CONDITION);
const jsonExpectation = z
  .strictObject({ path: text, ...matcher, reveal: z.boolean().optional() })
  .refine(oneCondition, ONE_CONDITION);

const status = z.int("expected an HTTP status").min(100, "expected an HTTP status").max(599, "expected an HTTP status");

const expectation = z.strictObject({
  status: z.union([status, z.array(status).min(1)], { error: "expected an HTTP status or a list of them" }).optional(),
  headers: z.record(text, matching).optional(),
  json: z.array(jsonExpectation).min(1, "expected at least one expectation").optional(),
  schema: z.json().optional(),
  latencyBelow: someTime.optional(),
});

const httpProbe = z.strictObject({
  type: z.literal("http"),
  url: value.refine(
    (given) => typeof given !== "string" || /^https?:\/\//.test(given),
    "expected a URL with http:// or https://",
  ),
  method: text.optional(),
  headers: values.optional(),
  body: value.optional(),
  expect: expectation.default({}),
});

const stackOutputProbe = z
  .strictObject({
    type: z.literal("stackOutput"),
    step: text.optional(),
    path: text,
    ...matcher,
    reveal: z.boolean().optional(),
  })
  .refine(oneCondition, ONE_CONDITION);

const settledProbe = z.strictObject({ type: z.literal("settled"), step: text.optional() });

const commandProbe = z.strictObject({
  type: z.literal("command"),
  command: z.array(text).min(1, "expected a program and its arguments"),
  cwd: text.optional(),
  env: values.optional(),
});

const customProbe = z.strictObject({ type: z.literal("custom"), name, input: z.json().optional() });

/** `@team`, or an actor as they claim to be; one of them may stand alone. */
const people = z
  .union([text, z.array(text).min(1, "expected somebody")], { error: "expected names such as @team or user@host" })
  .transform((given) => (typeof given === "string" ? [given] : given));

const acknowledgedProbe = z.strictObject({ type: z.literal("acknowledged"), by: people, what: text });

const approvedProbe = z.strictObject({
  type: z.literal("approved"),
  by: people,
  count: count.default(1),
  expires: someTime.default(DEFAULT_EXPIRY),
});

const probe = z.discriminatedUnion(
  "type",
  [httpProbe, stackOutputProbe, settledProbe, commandProbe, customProbe, acknowledgedProbe, approvedProbe],
  {
    error:
      "expected a probe: http(...), stackOutput(...), settled(...), command(...), custom(...), or of a whole gate acknowledged(...) or approved(...)",
  },
);

// ---------------------------------------------------------------------------------------------------------- gates

const target = z.strictObject({ name: text, probe });

const gate = z.strictObject({
  name,
  targets: z.array(target).min(1, "expected at least one target: a gate without a target cannot pass"),
  quorum: z
    .union([z.enum(["all", "any"]), count], { error: 'expected "all", "any" or a number of targets' })
    .optional(),
  initialDelay: duration.optional(),
  interval: someTime.optional(),
  timeout: someTime.optional(),
  requestTimeout: someTime.optional(),
  consecutiveSuccessLimit: count.optional(),
  stableFor: duration.optional(),
  failureLimit: count.optional(),
  consecutiveErrorLimit: count.optional(),
  inconclusiveLimit: count.optional(),
  dryRun: z.boolean().optional(),
  onFailure: onFailure.optional(),
  onError: onFailure.optional(),
  onInconclusive: onFailure.optional(),
  onTimeout: onFailure.optional(),
  accept,
});

// -------------------------------------------------------------------------------------------------------- entries

const gates = { readyWhen: z.array(gate).optional(), convergedWhen: z.array(gate).optional(), accept };

/** An operation's id: `<run>.<step>.<attempt>.up`. */
const asOf = z
  .string()
  .regex(
    /^(before-run|[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[0-9]+\.up)$/,
    'expected "before-run" or the id of a recorded operation, such as "rollout-k3m9xa.app.1.up"',
  );

const step = z.strictObject({
  kind: z.enum(["up", "destroy", "refresh"]),
  name,
  dir: text,
  stack: text,
  asOf: asOf.optional(),
  config: values.optional(),
  secretConfig: values.optional(),
  env: values.optional(),
  targets: z.array(text).optional(),
  targetDependents: z.boolean().optional(),
  replace: z.array(text).optional(),
  parallel: count.optional(),
  refresh: z.boolean().optional(),
  policyPacks: z.array(text).optional(),
  expectNoChanges: z.boolean().optional(),
  expectNoDeletes: z.boolean().optional(),
  createStack: z.boolean().optional(),
  host: z.enum(["own", "engine"]).optional(),
  transpileOnly: z.boolean().optional(),
  onFailure: onFailure.optional(),
  retry: z.strictObject({ attempts: count, backoff: duration }).optional(),
  ...gates,
});

const members = () => z.array(entry).min(1, "expected at least one member: an empty group is never applied");
const group = z.strictObject({
  kind: z.enum(["independent", "serial"]),
  name: name.optional(),
  get members() {
    return members();
  },
  onFailure: onFailure.optional(),
  ...gates,
});
const lockstep = z.strictObject({
  kind: z.literal("lockstep"),
  name: name.optional(),
  get members() {
    return members();
  },
  onFailure: onFailure.optional(),
  window: someTime.optional(),
  ...gates,
});

const entry: z.ZodType = z.lazy(() =>
  z.discriminatedUnion("kind", [step, group, lockstep], {
    error: "expected up(...), destroy(...), refresh(...), independent(...), lockstep(...) or serial(...)",
  }),
);

// ---------------------------------------------------------------------------------------------------- out of band

const outOfBandWord = z.enum(["halt", "record", "adopt"]);
const moment = text.refine((given) => !Number.isNaN(Date.parse(given)), "expected a time in ISO 8601");

const writer = z.strictObject({
  name: text,
  noted: z
    .record(text, z.string())
    .refine((given) => Object.keys(given).length > 0, "expected at least one fact, such as ci.system"),
  stacks: z.array(text).min(1, "expected at least one stack").optional(),
  from: moment.optional(),
  until: moment.optional(),
  reason: text,
});

const ignoreRule = z
  .strictObject({
    type: text.optional(),
    resource: text.optional(),
    property: text.optional(),
    reason: text,
    until: moment.optional(),
  })
  .refine(
    ({ type, resource, property }) => [type, resource, property].some((given) => given !== undefined),
    "expected a type, a resource or a property: a rule without one would ignore all drift",
  );

const policy = z.strictObject({
  departures: outOfBandWord.optional(),
  unrelated: outOfBandWord.optional(),
  writers: z.array(writer).optional(),
  ignore: z.array(ignoreRule).optional(),
});

const outOfBand = z
  .union([outOfBandWord, policy], {
    error: 'expected "halt", "record", "adopt", or an object of departures, unrelated, writers, ignore',
  })
  .transform((given) => (typeof given === "string" ? { departures: given } : given));

// ------------------------------------------------------------------------------------------------------- recovery

const nodeNames = z.array(text).min(1, "expected at least one step or group").optional();
const when = z.strictObject({
  at: nodeNames,
  cause: z.array(z.enum(RECOVERABLE)).min(1, "expected at least one cause").optional(),
  targets: z.array(text).min(1, "expected at least one target").optional(),
  applied: nodeNames,
  notApplied: nodeNames,
});

const recoveryRule = z.strictObject({
  name,
  when: when.default({}),
  sequence: text,
  start: z.enum(["at-once", "approved"]).default("approved"),
});

// ----------------------------------------------------------------------------------------------------- webhooks

const fromEnvironment = z.strictObject({ $env: text }, { error: "expected env(...)" });
const notifyRule = z.strictObject({
  url: z.union([z.url({ protocol: /^https?$/ }), fromEnvironment], { error: "expected a URL or env(...)" }),
  secret: fromEnvironment,
  on: z.array(z.enum(NOTICES)).min(1, "expected at least one notice"),
  heldFor: someTime.default(10 * 60_000),
});

export const sequenceSchema = z.strictObject({
  /** Where editors find the schema of a `.json` sequence; no part of the sequence. */
  $schema: z.string().optional(),
  version: z.literal(1, "expected 1"),
  name,
  owner: text.optional(),
  description: z.string().optional(),
  world: text.optional(),
  onFailure: onFailure.optional(),
  steps: z.array(entry).min(1, "expected at least one step"),
  consistentWhen: z.array(gate).optional(),
  outOfBand: outOfBand.optional(),
  recovery: z.array(recoveryRule).optional(),
  notify: z.array(notifyRule).optional(),
  accept,
});

/** The JSON Schema (draft 2020-12) of what an author may write in a `.json` sequence. */
export function schemaJson(): unknown {
  return z.toJSONSchema(sequenceSchema, { io: "input", unrepresentable: "any" });
}

const PROBES = {
  http: httpProbe,
  stackOutput: stackOutputProbe,
  settled: settledProbe,
  command: commandProbe,
  custom: customProbe,
  acknowledged: acknowledgedProbe,
  approved: approvedProbe,
};

/** The keys that an authored object may have, judged by what it looks like; for suggestions only. */
export function keysFor(given: object, key: PropertyKey | undefined): readonly string[] {
  const { kind, type } = given as { kind?: string; type?: string };
  if (key === "expect") return Object.keys(expectation.shape);
  if (key === "retry") return ["attempts", "backoff"];
  if (key === "accept") return LINT_CODES;
  if (key === "notify") return Object.keys(notifyRule.shape);
  if (key === "recovery") return Object.keys(recoveryRule.shape);
  if (key === "when") return Object.keys(when.shape);
  if (key === "outOfBand") return Object.keys(policy.shape);
  if (type !== undefined && type in PROBES) return Object.keys(PROBES[type as keyof typeof PROBES].shape);
  if (kind === "lockstep") return Object.keys(lockstep.shape);
  if (kind === "independent" || kind === "serial") return Object.keys(group.shape);
  if (kind !== undefined) return Object.keys(step.shape);
  if ("steps" in given) return Object.keys(sequenceSchema.shape);
  return "targets" in given ? Object.keys(gate.shape) : CONDITIONS;
}
