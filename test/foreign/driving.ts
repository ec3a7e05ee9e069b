/** `evo up` and `evo resume` as processes, each with a bound, and what the ledger says of the run afterwards. */
import type { CliResult } from "../support/engine.js";
import type { Evo, RunOptions } from "../support/evo.js";

/** Milliseconds in which a command must have ended, on a machine that has other work, too: nothing may hang. */
const BOUND = 240_000;

/** The ledger's last word on an operation. */
export interface Outcome {
  readonly type: string;
  readonly how?: string;
  readonly reason?: string;
  readonly changes?: { readonly counts: { readonly [op: string]: number }; readonly resources: readonly unknown[] };
}

export interface Drive {
  readonly code: number | null;
  readonly run: string;
  readonly stdout: string;
  readonly stderr: string;
  /** By step; the last attempt's. */
  readonly outcomes: { readonly [step: string]: Outcome };
  /** By step; why the last attempt's preview was not accepted. */
  readonly refusals: { readonly [step: string]: string | undefined };
  /** Why the run stood still, each time. */
  readonly halted: readonly { readonly cause: string; readonly node?: string; readonly reason: string }[];
  /** What it was resumed with, each time. */
  readonly resumed: readonly { readonly reason: string; readonly acceptChangedCode: boolean }[];
}

/** Drives a sequence, two operations at a time. */
export async function up(evo: Evo, sequence: string, env: RunOptions["env"] = {}): Promise<Drive> {
  return driven(evo, await bounded(evo, ["up", sequence, "--parallel", "2", "--json"], env));
}

/** Takes up a halted run. */
export async function resume(evo: Evo, run: string, args: readonly string[] = []): Promise<Drive> {
  return driven(evo, await bounded(evo, ["resume", run, ...args, "--json"], {}));
}

async function bounded(evo: Evo, args: readonly string[], env: NonNullable<RunOptions["env"]>): Promise<CliResult> {
  const running = evo.start(args, { env });
  const timer = setTimeout(() => running.signal("SIGKILL"), BOUND);
  const result = await running.ended;
  clearTimeout(timer);
  return result;
}

interface Entry {
  readonly type: string;
  readonly step?: string;
  readonly body: object;
}

async function driven(evo: Evo, { code, stdout, stderr }: CliResult): Promise<Drive> {
  const run = /^\{/.test(stdout) ? (JSON.parse(stdout) as { run?: string }).run : undefined;
  if (run === undefined) throw new Error(`evo ended with ${code}, and without a run:\n${stderr}`);
  const log = await evo.run(["ledger", "log", "--run", run, "--json"]);
  const entries = JSON.parse(log.stdout) as readonly Entry[];
  const bodies = <T>(type: RegExp) =>
    entries.filter((entry) => type.test(entry.type)).map(({ type, step = "", body }) => ({ type, step, ...body }) as T);
  const byStep = <T>(type: RegExp) => bodies<T & { step: string }>(type).map((body) => [body.step, body] as const);
  const previewed = byStep<{ refusal?: string }>(/^operation\.previewed$/);
  return {
    code,
    run,
    stdout,
    stderr,
    outcomes: Object.fromEntries(byStep<Outcome>(/^operation\.(succeeded|failed|unresolved)$/)),
    refusals: Object.fromEntries(previewed.map(([step, { refusal }]) => [step, refusal])),
    halted: bodies(/^run\.halted$/),
    resumed: bodies(/^run\.resumed$/),
  };
}
