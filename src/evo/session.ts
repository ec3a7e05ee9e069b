/** The composition root: binds the ports of a run to the real engine, the real ledger, the world, this machine. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { outsideOf } from "../authoring/outside.js";
import { findEngine } from "../executor/engine/index.js";
import {
  createExecutor,
  createHostLauncher,
  type ExecutorReads,
  type HostLauncher,
  type StackMaker,
} from "../executor/index.js";
import { createProbe, type ProbeContext, resolveValue, type StackOutputs } from "../gates/probes/index.js";
import { type OpenLedger, openLedger } from "../ledger/index.js";
import type { Plan, StepNode } from "../plan/model.js";
import { createRedactor, type Redactor, secretsInEnvironment } from "../redact.js";
import { nodeOf, stepsOf } from "../run/edges.js";
import type { ChangeSet } from "../run/events.js";
import { createPatience } from "../run/patience.js";
import type { Clock, Executor, Notifier, Probe } from "../run/ports.js";
import type { LoadedSequence } from "../sequence/load.js";
import { openWorld, rehearsalConfig, rehearsalEnvironment, type World } from "../world/index.js";
import { systemClock } from "./clock.js";
import { productionEnvironment, refuseEphemeralLedger } from "./environment.js";
import { readFailpoint, withFailpoint } from "./failpoints.js";
import type { Settings } from "./settings.js";
import { demandStandIns } from "./stand-ins.js";
import { EVO_VERSION } from "./version.js";

/** How a run is to be bound. */
export interface Mode {
  readonly ephemeralLedger: boolean;
  readonly rehearsal?: RehearsalMode;
  /** Operations at a time; default: by cores. */
  readonly parallel?: number;
  /** Of operation hosts that outlive the session; default: its own. */
  readonly launcher?: HostLauncher;
}

export interface RehearsalMode {
  /** Absolute path of the module that declares the world. */
  readonly module: string;
  /** Default: by the module's file name. */
  readonly name?: string;
  readonly fresh: boolean;
  readonly seed?: number;
  readonly faults: readonly string[];
  /** A factor for the world's delays; default: the one it began with, else 1. */
  readonly pace?: number;
}

/** The engine, to drive and to ask. */
export type BoundExecutor = Executor & ExecutorReads & StackMaker;

/** What is driven: the frozen plan, and the module that custom probes come from. */
export interface Subject {
  readonly plan: Plan;
  /** Absolute folder that the plan's paths are relative to. */
  readonly root: string;
  readonly loaded: Pick<LoadedSequence, "file" | "customs">;
}

/** Engine, world and probes, without a record: enough to look, not to run anything. */
export interface Binding {
  readonly executor: BoundExecutor;
  readonly clock: Clock;
  readonly world?: World;
  readonly versions: { readonly evo: string; readonly node: string; readonly engine: string };
  readonly probe: Probe;
  close(): Promise<void>;
}

export interface Session extends Binding {
  readonly ledger: OpenLedger;
  /** From now on outages of the ledger are waited out, until `giveUp` aborts; the notifier is told. */
  await(notifier: Notifier, giveUp: AbortSignal): void;
}

/** Opens ledger, engine and world. `say` hears what takes time. Errors: those of what it opens; nothing stays open then. */
export async function openSession(
  settings: Settings,
  mode: Mode,
  subject: Subject,
  say: (line: string) => void,
): Promise<Session> {
  if (mode.rehearsal === undefined) {
    productionEnvironment(settings);
    refuseEphemeralLedger(settings, mode.ephemeralLedger);
  }
  const { home, claimed, ledgerUrl } = settings;
  const failpoint = readFailpoint(settings.env.EVO_FAILPOINT);
  const opening = async (prepare: HostLauncher["prepare"]) => {
    // An operation will follow: its host loads while ledger and world are opened.
    prepare(Math.min(sideBySide(subject.plan), mode.parallel ?? availableParallelism()));
    const url = ledgerUrl === undefined ? {} : { url: ledgerUrl };
    return withFailpoint(
      "ledger",
      await openLedger({ home, claimed, say, transient: settings.ephemeral, ...url }),
      failpoint,
    );
  };
  const { between, ...binding } = await bind(settings, mode, subject, say, opening);
  const { ledger, begin } = createPatience(between, binding.clock);
  const executor = withFailpoint("executor", binding.executor, failpoint);
  const probe = withFailpoint("probe", binding.probe, failpoint);
  return { ...binding, executor, probe, ledger, await: begin };
}

/** Steps that may come to be driven at the same time: the most members that a group lets start together. */
function sideBySide({ nodes }: Plan): number {
  const together = nodes.map((node) => (node.kind === "group" && node.group !== "serial" ? node.members.length : 1));
  return Math.max(1, ...together);
}

/** Opens engine and world to look only: no ledger is needed, or made. Errors: those of what it opens. */
export async function openBinding(
  settings: Settings,
  mode: Pick<Mode, "rehearsal">,
  subject: Subject,
  say: (line: string) => void,
): Promise<Binding> {
  const nothing = { close: async () => undefined };
  return bind(settings, mode, subject, say, async () => nothing);
}

/** All of them; if one fails the others are waited for all the same, so that they can be closed. */
async function together<A, B, C>(
  a: Promise<A>,
  b: Promise<B>,
  c: Promise<C> | undefined,
): Promise<[A, B, C | undefined]> {
  const settled = await Promise.allSettled([a, b, c]);
  const failed = settled.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return Promise.all([a, b, c]);
}

/** `between`: what is opened besides engine and world. */
async function bind<Between extends { close(): Promise<void> }>(
  settings: Settings,
  mode: Pick<Mode, "rehearsal" | "launcher">,
  subject: Subject,
  say: (line: string) => void,
  openBetween: (prepare: HostLauncher["prepare"]) => Promise<Between>,
): Promise<Binding & { readonly between: Between }> {
  const { launcher = createHostLauncher() } = mode;
  const production = mode.rehearsal === undefined ? productionEnvironment(settings) : undefined;
  const outside =
    mode.rehearsal &&
    outsideOf(
      stepsOf(subject.plan).map(({ stack }) => stack),
      subject.root,
    );
  const opened: { close(): Promise<void> }[] = mode.launcher === undefined ? [launcher] : [];
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const resource = await opening;
    opened.unshift(resource);
    return resource;
  };
  const close = async (): Promise<void> => {
    for (const resource of opened.splice(0)) await resource.close();
  };
  try {
    const [engine, between, world] = await together(
      findEngine({
        home: settings.home,
        env: settings.env,
        path: settings.env.PATH ?? "",
        install: true,
        say,
        ...(settings.engine === undefined ? {} : { explicit: settings.engine }),
      }),
      keep(openBetween(launcher.prepare)),
      mode.rehearsal &&
        keep(openWorld({ home: settings.home, say, packages: outside?.packages ?? [], ...mode.rehearsal })),
    );
    const env = production ?? { ...rehearsalEnvironment(settings.env), ...world?.env };
    if (world !== undefined && outside !== undefined && mode.rehearsal !== undefined)
      demandStandIns(
        {
          plan: subject.plan,
          root: subject.root,
          file: subject.loaded.file,
          module: mode.rehearsal.module,
          outside,
          env,
        },
        world,
      );
    const redactor = createRedactor(secretsInEnvironment(env));
    const standIn = world && {
      standIn: {
        directory: join(world.dir, "settings"),
        onePassphrase: true,
        transform: (text: string, stack: string) => rehearsalConfig(text, world.standIns.config?.[stack]),
      },
    };
    const executor: BoundExecutor = createExecutor(
      {
        engine,
        home: settings.home,
        env,
        say,
        resolve: (value, { node }) => resolveValue(value, readingFor(node)),
        ...standIn,
      },
      launcher,
    );
    const address = world && { standIn: (origin: string) => addressOf(world, origin) };
    const context = probeContext(subject, { executor, env, redactor, loopbackOnly: world !== undefined, ...address });
    // What a recorded step read is looked up where it was read then: this plan may have no step of that name.
    const outputsFor = (node: StepNode) => async (step: string) => {
      const ref = node.earlier?.reads[step];
      const read = ref === undefined ? stepNode(subject.plan, step) : { ...node, stack: ref };
      return asJson(await executor.outputs(read, subject.root));
    };
    const readingFor = (node: StepNode) => ({
      context: { ...context, outputs: outputsFor(node) },
      target: "config",
      signal: new AbortController().signal,
    });
    return {
      between,
      executor,
      probe: createProbe(context),
      clock: systemClock,
      versions: { evo: EVO_VERSION, node: process.versions.node, engine: engine.version },
      close,
      ...(world === undefined ? {} : { world }),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where a rehearsal's gates look instead. */
function addressOf({ standIns, origin }: World, asked: string): string | undefined {
  const region = standIns.addresses?.[asked];
  return region === undefined ? undefined : origin(region);
}

interface ProbeBinding {
  readonly executor: BoundExecutor;
  readonly env: { readonly [name: string]: string };
  readonly redactor: Redactor;
  readonly loopbackOnly: boolean;
  readonly standIn?: (origin: string) => string | undefined;
}

function probeContext({ plan, root, loaded }: Subject, binding: ProbeBinding): ProbeContext {
  const { executor, ...common } = binding;
  return {
    ...common,
    root,
    sequenceFile: loaded.file,
    customs: loaded.customs,
    now: systemClock.now,
    outputs: async (step) => asJson(await executor.outputs(stepNode(plan, step), root)),
    settled: async (step, signal) => unsettled(await executor.refreshPreview(stepNode(plan, step), root, signal)),
  };
}

function stepNode(plan: Plan, step: string): StepNode {
  const node = nodeOf(plan, step);
  if (node.kind !== "step") throw new Error(`${step} is not a step`);
  return node;
}

/** Outputs come from the engine as JSON. */
function asJson(outputs: Awaited<ReturnType<ExecutorReads["outputs"]>>): StackOutputs {
  return outputs as StackOutputs;
}

/** What a refresh would change; the stack itself is no resource that can drift. */
function unsettled({ resources }: ChangeSet): { changes: number; summary: string } {
  const changed = resources.map(
    ({ urn, op, paths }) => `${op} ${urn.split("::").at(-1)}${paths.length > 0 ? ` (${paths.join(", ")})` : ""}`,
  );
  return { changes: changed.length, summary: changed.join("; ") };
}
