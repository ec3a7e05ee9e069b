/** The composition root: binds the ports of a run to the real engine, the real ledger, the world, this machine. */

import { findEngine } from "../executor/engine/index.js";
import { createExecutor, type EvoExecutor } from "../executor/index.js";
import { createProbe } from "../gates/probes/index.js";
import { type OpenLedger, openLedger } from "../ledger/index.js";
import type { Plan } from "../plan/model.js";
import { createRedactor, secretsInEnvironment } from "../redact.js";
import { nodeOf } from "../run/edges.js";
import type { Clock, Probe } from "../run/ports.js";
import type { LoadedSequence } from "../sequence/load.js";
import { openWorld, rehearsalEnvironment, type World } from "../world/index.js";
import { systemClock } from "./clock.js";
import { productionEnvironment, refuseEphemeralLedger } from "./environment.js";
import type { Settings } from "./settings.js";
import { EVO_VERSION } from "./version.js";

/** How a run is to be bound. */
export interface Mode {
  readonly ephemeralLedger: boolean;
  readonly rehearsal?: RehearsalMode;
}

export interface RehearsalMode {
  /** Absolute path of the module that declares the world. */
  readonly module: string;
  readonly fresh: boolean;
  readonly seed?: number;
  readonly faults: readonly string[];
}

export interface Session {
  readonly ledger: OpenLedger;
  readonly executor: EvoExecutor;
  readonly clock: Clock;
  readonly world?: World;
  readonly versions: { readonly evo: string; readonly node: string; readonly engine: string };
  /** The probe for a run; custom probes come from the sequence's module. */
  probe(plan: Plan, root: string, loaded: Pick<LoadedSequence, "file" | "customs">): Probe;
  close(): Promise<void>;
}

/** Opens ledger, engine and world. `say` hears what takes time. Errors: those of what it opens; nothing stays open then. */
export async function openSession(settings: Settings, mode: Mode, say: (line: string) => void): Promise<Session> {
  const production = mode.rehearsal === undefined ? productionEnvironment(settings) : undefined;
  if (mode.rehearsal === undefined) refuseEphemeralLedger(settings, mode.ephemeralLedger);
  const opened: { close(): Promise<void> }[] = [];
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const resource = await opening;
    opened.unshift(resource);
    return resource;
  };
  const close = async (): Promise<void> => {
    for (const resource of opened.splice(0)) await resource.close();
  };
  try {
    const engine = await findEngine({
      home: settings.home,
      env: settings.env,
      path: settings.env.PATH ?? "",
      install: true,
      say,
      ...(settings.engine === undefined ? {} : { explicit: settings.engine }),
    });
    const ledger = await keep(
      openLedger({
        home: settings.home,
        claimed: settings.claimed,
        say,
        ...(settings.ledgerUrl === undefined ? {} : { url: settings.ledgerUrl }),
      }),
    );
    const world =
      mode.rehearsal === undefined ? undefined : await keep(openWorld({ home: settings.home, say, ...mode.rehearsal }));
    const env = production ?? { ...rehearsalEnvironment(settings.env), ...world?.env };
    const redactor = createRedactor(secretsInEnvironment(env));
    const executor = createExecutor({ engine, home: settings.home, env, redactor, say });
    return {
      ledger,
      executor,
      clock: systemClock,
      versions: { evo: EVO_VERSION, node: process.versions.node, engine: engine.version },
      close,
      ...(world === undefined ? {} : { world }),
      probe: (plan, root, loaded) =>
        probeFor(plan, root, loaded, { executor, env, redactor, loopbackOnly: world !== undefined }),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface ProbeBinding {
  readonly executor: EvoExecutor;
  readonly env: { readonly [name: string]: string };
  readonly redactor: ReturnType<typeof createRedactor>;
  readonly loopbackOnly: boolean;
}

function probeFor(
  plan: Plan,
  root: string,
  loaded: Pick<LoadedSequence, "file" | "customs">,
  binding: ProbeBinding,
): Probe {
  const stepNode = (step: string) => {
    const node = nodeOf(plan, step);
    if (node.kind !== "step") throw new Error(`${step} is not a step`);
    return node;
  };
  const { executor, env, redactor, loopbackOnly } = binding;
  return createProbe({
    root,
    sequenceFile: loaded.file,
    env,
    redactor,
    loopbackOnly,
    customs: loaded.customs,
    now: systemClock.now,
    outputs: (step, signal) => executor.outputs(stepNode(step), root, signal),
    settled: (step, signal) => executor.refreshPreview(stepNode(step), root, signal),
  });
}
