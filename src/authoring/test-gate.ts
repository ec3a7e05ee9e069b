/** For authors' own tests: one look through a gate's probe, exactly as a run would look, at a system that the test made. */

import { EvoError } from "../errors.js";
import type { Json, Look } from "../gates/model.js";
import { createProbe } from "../gates/probes/index.js";
import { createRedactor, secretsInEnvironment } from "../redact.js";
import { collectCustoms } from "../sequence/customs.js";
import { policyOf } from "../sequence/defaults.js";
import type { AuthoredGate, Gate } from "../sequence/model.js";
import { isGroup } from "../sequence/model.js";
import { parseSequence } from "../sequence/parse.js";
import { didYouMean } from "../sequence/suggest.js";
import { liveProbe } from "./live-probe.js";

/** What the probe meets. */
export interface GateSituation {
  /** The target to look at; needed where the gate has several. */
  readonly target?: string;
  /** What `env(...)` reads. Default: nothing is set. */
  readonly env?: { readonly [name: string]: string };
  /** What `output(step, path)` and `stackOutput` read: outputs by step. */
  readonly outputs?: { readonly [step: string]: { readonly [name: string]: Json } };
  /** The step that the gate is declared on: what `settled()` and `stackOutput` without a step mean. Default "step". */
  readonly step?: string;
  /** How many changes a refresh preview would show, by step; for `settled()`. Default: none. */
  readonly drift?: { readonly [step: string]: number };
  /** Folder that commands run in. Default: the process's own. */
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

/**
 * Looks once and answers the look: its verdict, what was observed and what was expected, as they would be recorded. A
 * probe that throws answers `error`, as in a run. Errors: `gate.invalid` (the gate itself is wrong), `gate.no-target`.
 */
export async function testGate(gate: AuthoredGate, situation: GateSituation = {}): Promise<Look> {
  const step = situation.step ?? "step";
  const valid = validGate(gate, step);
  const target = targetOf(valid, situation.target);
  const env = situation.env ?? {};
  const cwd = situation.cwd ?? process.cwd();
  const probe = createProbe({
    root: cwd,
    sequenceFile: `${cwd}/sequence.ts`,
    env,
    redactor: createRedactor(secretsInEnvironment(env)),
    loopbackOnly: false,
    customs: collectCustoms(gate).customs,
    now: Date.now,
    outputs: async (name) => outputsOf(situation, name),
    settled: async (name) => {
      const changes = situation.drift?.[name] ?? 0;
      return { changes, summary: `${changes} changes` };
    },
  });
  const { requestTimeout } = policyOf(valid, undefined);
  const live = liveProbe(gate.name, target.probe);
  const request = { run: "test", gate: gate.name, target: target.name, probe: live, timeout: requestTimeout };
  return probe.look(request, situation.signal ?? new AbortController().signal);
}

/** The gate as a sequence would have it: shapes are checked, references are the test's own affair. */
function validGate(gate: AuthoredGate, step: string): Gate {
  const around = {
    version: 1,
    name: "test",
    steps: [{ kind: "up", name: step, dir: ".", stack: "test", convergedWhen: [gate] }],
  };
  const parsed = parseSequence(around);
  const findings = [...(parsed.sequence === undefined ? parsed.findings : []), ...collectCustoms(around).findings];
  const entry = parsed.sequence?.steps[0];
  const valid = entry === undefined || isGroup(entry) ? undefined : entry.convergedWhen?.[0];
  if (findings.length === 0 && valid !== undefined) return valid;
  const what = findings.map(({ message, remedy }) => `${message} ${remedy}`).join("\n");
  throw new EvoError("gate.invalid", what, { remedy: "correct the gate" });
}

function targetOf(gate: Gate, name: string | undefined): Gate["targets"][number] {
  const names = gate.targets.map((target) => target.name);
  const wanted = name ?? (names.length === 1 ? names[0] : undefined);
  const found = gate.targets.find((target) => target.name === wanted);
  if (found !== undefined) return found;
  const message =
    name === undefined
      ? `gate "${gate.name}" has ${names.length} targets`
      : `gate "${gate.name}" has no target "${name}".${didYouMean(name, names)}`;
  throw new EvoError("gate.no-target", message, { remedy: `give target: one of ${names.join(", ")}` });
}

function outputsOf({ outputs }: GateSituation, step: string) {
  const found = Object.entries(outputs?.[step] ?? {});
  return Object.fromEntries(found.map(([name, value]) => [name, { value, secret: false }]));
}
