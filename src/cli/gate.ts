/** `evo gate test <sequence> <gate>` */
import { setTimeout as sleep } from "node:timers/promises";
import { liveProbe } from "../authoring/live-probe.js";
import { EvoError, EXIT, type ExitCode } from "../errors.js";
import { planFor, rehearsalOf } from "../evo/rehearsal.js";
import { type Binding, openBinding } from "../evo/session.js";
import { readSettings } from "../evo/settings.js";
import { assessGate, type GateAssessment, type Tally, tally } from "../gates/assess.js";
import type { Measurement } from "../gates/model.js";
import type { Plan, PlanGate } from "../plan/model.js";
import { gatesOf } from "../run/state.js";
import { loadSequence } from "../sequence/load.js";
import { didYouMean } from "../sequence/suggest.js";
import { shown, table } from "../views/text.js";
import { columns, print, printJson, printLine, say } from "./output.js";

export interface GateTestOptions {
  readonly watch?: boolean;
  readonly rehearse?: boolean;
  readonly engine?: string;
  readonly json?: boolean;
}

/** Looks at a gate's targets now: nothing is run or recorded. Exit 0 where it holds, 4 where it fails, 5 where nobody can say. */
export async function gateTest(reference: string, name: string, options: GateTestOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const loaded = await loadSequence(reference, settings.cwd, settings.cache);
  const plan = planFor(loaded.sequence, options.rehearse === true);
  const gate = findGate(plan, name);
  const mode = options.rehearse ? { rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } } : {};
  const binding = await openBinding(settings, mode, { plan, root: loaded.root, loaded }, say);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once("SIGINT", onSignal);
  try {
    process.exitCode = await measure(binding, gate, stop.signal, options);
  } finally {
    process.off("SIGINT", onSignal);
    await binding.close();
  }
}

/** By id (`gateway/policy-arrived`), or by name where only one gate has it. Errors: `gate.unknown` (exit 2). */
export function findGate(plan: Plan, name: string): PlanGate {
  const gates = gatesOf(plan);
  const found = gates.filter((gate) => gate.id === name || gate.name === name);
  if (found.length === 1) return found[0] as PlanGate;
  const ids = gates.map((gate) => gate.id);
  if (found.length > 1) {
    const message = `${found.length} gates have the name "${name}"`;
    throw new EvoError("gate.unknown", message, { remedy: `name one of: ${found.map((gate) => gate.id).join(", ")}` });
  }
  const message = `the sequence has no gate "${name}".${didYouMean(name, [...ids, ...gates.map((gate) => gate.name)])}`;
  const remedy = ids.length === 0 ? "give a step a gate first" : `name one of: ${ids.join(", ")}`;
  throw new EvoError("gate.unknown", message, { remedy });
}

async function measure(
  binding: Binding,
  gate: PlanGate,
  signal: AbortSignal,
  options: GateTestOptions,
): Promise<ExitCode> {
  const since = binding.clock.now();
  const tallies: { [target: string]: Tally } = {};
  for (let number = 1; ; number++) {
    const looks = await lookAtAll(binding, gate, number, signal);
    for (const { target, look } of looks) tallies[target] = tally(tallies[target], look, gate.policy, since);
    const assessment = assessGate(gate, tallies, since, binding.clock.now());
    if (!options.watch) return once(gate, looks, options);
    show(looks, options);
    if (signal.aborted) return codeOf(looks, gate);
    if (assessment.status !== "waiting") return settled(assessment, options);
    await sleep(gate.policy.interval, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return codeOf(looks, gate);
  }
}

interface Seen {
  readonly target: string;
  readonly look: Measurement;
}

function lookAtAll(
  { probe, clock }: Binding,
  gate: PlanGate,
  number: number,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  const looking = gate.targets.map(async ({ name, probe: spec }): Promise<Seen> => {
    const began = clock.now();
    const request = {
      run: "test",
      gate: gate.id,
      target: name,
      probe: liveProbe(gate.id, spec),
      timeout: gate.policy.requestTimeout,
    };
    const seen = await probe.look(request, signal);
    return { target: name, look: { ...seen, number, began, ended: clock.now() } };
  });
  return Promise.all(looking);
}

function once(gate: PlanGate, looks: readonly Seen[], options: GateTestOptions): ExitCode {
  if (options.json) printJson({ gate: gate.id, looks: looks.map(({ target, look }) => ({ target, ...look })) });
  else show(looks, options);
  return codeOf(looks, gate);
}

function show(looks: readonly Seen[], options: GateTestOptions): void {
  if (options.json) {
    printLine(looks.map(({ target, look }) => ({ target, ...look })));
    return;
  }
  const rows = looks.map(({ target, look }) => [
    new Date(look.ended).toTimeString().slice(0, 8),
    target,
    look.verdict,
    `${look.ended - look.began} ms`,
    whatOf(look),
  ]);
  print(table(rows, columns()));
}

function whatOf({ verdict, observed, expected, message }: Measurement): string {
  if (verdict === "pass") return shown(observed);
  if (verdict === "error" && message !== undefined) return message;
  return `${shown(observed)}, expected ${shown(expected)}${message === undefined ? "" : ` (${message})`}`;
}

function settled(assessment: GateAssessment, options: GateTestOptions): ExitCode {
  if (!options.json) print(`${assessment.status}: ${assessment.reason}`);
  if (assessment.status === "converged") return EXIT.done;
  return assessment.status === "failed" ? EXIT.gateFailed : EXIT.inconclusive;
}

/** One look at each target, judged by the quorum: not yet a verdict on the gate, which may want several in a row. */
function codeOf(looks: readonly Seen[], { policy, targets }: PlanGate): ExitCode {
  const needed = policy.quorum === "all" ? targets.length : policy.quorum === "any" ? 1 : policy.quorum;
  if (looks.filter(({ look }) => look.verdict === "pass").length >= needed) return EXIT.done;
  return looks.some(({ look }) => look.verdict === "fail") ? EXIT.gateFailed : EXIT.inconclusive;
}
