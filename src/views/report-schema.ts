/**
 * The report of a run as others' programs read it: `--report-file x.json`, docs/report.schema.json. What a key means never
 * changes under one version; keys may be added, so readers ignore those that they don't know. Times are ISO 8601 in UTC,
 * durations milliseconds.
 */
import { z } from "zod";

/** The version of the schema; another number where a key changes its meaning or goes. */
export const REPORT_SCHEMA = "evo.report/1";

const time = z.iso.datetime().describe("ISO 8601 in UTC");
const milliseconds = z.number().min(0).describe("milliseconds");
const counts = z
  .record(z.string(), z.int())
  .describe("resources per operation of the engine: create, update, same, ...");

const attempt = z.object({
  number: z.int().min(1),
  operation: z.string().describe("the operation's id, which the engine's own history carries, too"),
  status: z.enum(["running", "succeeded", "failed", "refused", "cancelled", "absent", "locked", "unresolved"]),
  intendedAt: time,
  beganAt: time.optional().describe("when the update began"),
  endedAt: time.optional(),
  took: milliseconds.optional(),
  changes: counts.optional(),
  reason: z.string().optional(),
  entry: z.int().describe("the ledger entry of its intent"),
});

const step = z.object({
  step: z.string(),
  verb: z.enum(["up", "destroy", "refresh"]),
  dir: z.string(),
  stack: z.string(),
  asOf: z
    .object({ operation: z.string(), commit: z.string() })
    .optional()
    .describe("the recorded operation whose state it is put to, and the git commit of its program"),
  status: z.enum(["waiting", "previewing", "updating", "converging", "converged", "failed", "unresolved"]),
  attempts: z.array(attempt),
  changes: counts.optional().describe("what its newest update did"),
  took: milliseconds.optional().describe("how long its newest update took"),
  convergedAfter: milliseconds.optional().describe("from the update's end to the opening of its boundary"),
  reason: z.string().optional().describe("why it has not succeeded"),
});

const target = z.object({
  target: z.string(),
  verdict: z.enum(["pass", "fail", "inconclusive", "error"]).optional().describe("absent: not looked at yet"),
  observed: z.json().optional().describe("what the last recorded look saw"),
  expected: z.json().optional(),
  message: z.string().optional(),
  since: time.optional().describe("since when this verdict has stood"),
  looks: z.int().min(0).describe("looks up to the last recorded one"),
});

const gate = z.object({
  gate: z.string().describe("the gate's id"),
  name: z.string(),
  phase: z.enum(["ready", "converged", "consistent"]),
  declaredOn: z.string(),
  dryRun: z.boolean(),
  status: z.enum(["waiting", "measuring", "passed", "failed", "errored", "inconclusive", "timed-out"]),
  reason: z.string().optional(),
  targets: z.array(target),
});

const missing = z.object({
  gate: z.string().describe("the gate's name"),
  declaredOn: z.string(),
  target: z.string(),
  verdict: z.string(),
  observed: z.json(),
  expected: z.json(),
  message: z.string().optional(),
  since: time.optional(),
});

const ask = z.object({
  gate: z.string().describe("the gate's id"),
  asks: z.enum(["acknowledged", "approved"]),
  by: z.array(z.string()).describe("whose word is expected"),
  what: z.string().optional().describe("what is to be acknowledged"),
  request: z
    .object({
      entry: z.int().describe("the ledger entry that says it"),
      steps: z.array(z.object({ step: z.string(), changes: counts, resources: z.array(z.string()) })),
    })
    .optional()
    .describe("what is to be approved; absent while it is being previewed"),
  command: z.string(),
});

const override = z.object({
  gate: z.string().describe("the gate's id"),
  targets: z.array(z.string()).optional().describe("absent: the whole gate"),
  by: z.string(),
  reason: z.string(),
  at: time,
  entries: z.array(z.int()),
});

/** A report, as its JSON is. */
export const reportSchema = z.object({
  schema: z.literal(REPORT_SCHEMA),
  run: z.string(),
  sequence: z.object({ name: z.string(), owner: z.string().optional(), digest: z.string() }),
  plan: z.string().describe("digest of the frozen plan"),
  rehearsal: z.string().optional().describe("the world that it was rehearsed in; absent in production"),
  status: z.enum(["running", "held", "halted", "paused", "completed", "aborted", "recovered"]),
  exit: z.int().min(0).max(255).describe("exit code of the command that wrote this"),
  startedAt: time,
  endedAt: time.optional().describe("absent where the run can go on"),
  reportedAt: time,
  by: z.object({ claimed: z.string(), authenticated: z.string().describe("role in the database") }),
  versions: z.object({ evo: z.string().describe("the evo that wrote this"), engine: z.string() }),
  ledger: z.object({
    id: z.string(),
    number: z.int().describe("number of the run's newest entry"),
    hash: z.string(),
  }),
  halt: z.object({ cause: z.string(), node: z.string().optional(), reason: z.string() }).optional(),
  paused: z.string().optional().describe("why it was paused"),
  error: z
    .object({ code: z.string(), message: z.string(), remedy: z.string().optional() })
    .optional()
    .describe("what ended the command before the run came to a stand"),
  steps: z.array(step).describe("in the order in which they were begun; those that were not stand last"),
  gates: z.array(gate).describe("in the plan's order"),
  missing: z.array(missing).describe("what is still waited for"),
  asks: z.array(ask).describe("gates that wait for somebody's word"),
  overrides: z.array(override).describe("what somebody has signed to go on without"),
  next: z.array(z.string()).describe("commands that go on from here"),
});

export type Report = z.infer<typeof reportSchema>;
export type ReportGate = Report["gates"][number];
export type ReportStep = Report["steps"][number];

/** The JSON Schema (draft 2020-12) of a report: what docs/report.schema.json holds. */
export function reportSchemaJson(): unknown {
  return z.toJSONSchema(reportSchema, { io: "input" });
}
