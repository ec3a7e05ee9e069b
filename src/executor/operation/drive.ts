/** Drives an operation from its first engine process to its outcome, or takes up one whose host has died. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createRedactor, type Redactor, secretsInEnvironment } from "../../redact.js";
import type { OperationOutcome } from "../../run/ports.js";
import { checkpointDigest } from "../stack/backend.js";
import { describeLock, locksOf } from "../stack/locks.js";
import { loadApi } from "./api.js";
import { type SettingsCopy, settingsCopy } from "./config.js";
import { clearScratch, EVENTS, makeFifo, SECRETS, signalText, watchDirectory } from "./directory.js";
import { plainText } from "./engine-events.js";
import type { EngineExit } from "./engine-process.js";
import { readFifo, readFifoOnDemand } from "./fifo.js";
import { checkpointAfter, doubted, inspected } from "./inspected.js";
import { type Call, type Journal, openJournal, readJournal } from "./journal.js";
import { createObserver, type Observer } from "./observer.js";
import type { HostOrder } from "./order.js";
import { type Ending, failureReason, lockReason, outcomeOf } from "./outcome.js";
import { findByEnvironment, identifyProcess, isAlive } from "./process-identity.js";
import type { Standby } from "./standby.js";
import { fold, initialState, type OperationState } from "./state.js";
import { unlock } from "./unlock.js";

/** Milliseconds between looks at an engine that is not our child. */
const WATCH = 100;

interface Scene {
  readonly order: HostOrder;
  readonly journal: Journal;
  readonly redactor: Redactor;
  readonly observer: Observer;
  drain(): void;
  close(): void;
}

/** Runs the order. `hosted` is called once the journal says that this host lives. */
export async function drive(order: HostOrder, standby: Standby, hosted: () => void): Promise<void> {
  const scene = openScene(order);
  const { directory, project, env } = order;
  // What was let through before anybody knows of this host; later the word would come too late for an engine that is dead.
  const accepted = signalText(directory, "accept") !== undefined;
  if (order.kind === "begin" && order.oneProcess) standby.expect({ directory, cwd: project.programDirectory, env });
  scene.observer.record(hostedLine(order), "durable");
  hosted();
  let outcome: OperationOutcome;
  try {
    outcome = order.kind === "begin" ? await begin(scene) : await observe(scene, accepted);
  } catch (error) {
    outcome = await brokenOff(scene, error as Error);
  }
  standby.expect(undefined);
  // Whoever reads an outcome finds nothing beside the journal any more.
  clearScratch(order.directory);
  scene.observer.record({ line: "outcome", outcome }, "durable");
  scene.close();
}

function hostedLine({ engine }: HostOrder) {
  const host = identifyProcess(process.pid) ?? { pid: process.pid, start: "?", boot: "?" };
  return { line: "hosted" as const, host, engine: engine.version };
}

function spawningLine({ stack }: HostOrder, call: Call) {
  const checkpoint = stack.kind === "file" ? checkpointDigest(stack) : undefined;
  return { line: "spawning" as const, call, ...(checkpoint === undefined ? {} : { checkpoint }) };
}

function openScene(order: HostOrder): Scene {
  const before = readJournal(order.directory).reduce(fold, initialState());
  for (const name of [EVENTS, SECRETS])
    if (!existsSync(join(order.directory, name))) makeFifo(join(order.directory, name));
  const journal = openJournal(order.directory);
  const redactor = createRedactor([
    ...Object.values(order.secretConfig),
    ...order.secrets,
    ...secretsInEnvironment(order.env),
  ]);
  const secrets = readFifoOnDemand(join(order.directory, SECRETS), (line) => observer.secret(line));
  // A secret must be known before the line that may carry it is looked at.
  const events = readFifo(join(order.directory, EVENTS), (line) => {
    secrets.drain();
    observer.event(line);
  });
  const drain = (): void => events.drain();
  const observer = createObserver(order, journal, redactor, before, drain);
  const stop = watchDirectory(order.directory, observer.react);
  const close = (): void => {
    stop();
    events.close();
    secrets.close();
    journal.close();
  };
  return { order, journal, redactor, observer, drain, close };
}

async function begin(scene: Scene): Promise<OperationOutcome> {
  const { order, observer } = scene;
  for (const message of unlock(order))
    observer.record({ line: "seen", phase: "preview", seen: { kind: "diagnostic", severity: "warning", message } });
  let exit: EngineExit | undefined;
  const hooks = {
    spawning: (call: Call) => observer.record(spawningLine(order, call), "durable"),
    spawned: (call: Call, engine: { pid: number; interrupt(): void }) => {
      const identity = identifyProcess(engine.pid) ?? { pid: engine.pid, start: "?", boot: "?" };
      observer.attach(engine.interrupt);
      observer.record({ line: "spawned", call, engine: identity }, "durable");
      observer.react();
    },
    exited: (call: Call, ended: EngineExit) => {
      scene.drain();
      exit = ended;
      observer.record({ line: "exited", call, code: ended.code, signal: ended.signal }, "durable");
      observer.react();
    },
  };
  const { openStack } = await loadApi();
  const missing =
    order.options.createStack === true && !(order.stack.kind === "file" && existsSync(order.stack.checkpoint));
  const stack = await openStack(order, missing, hooks);
  const settings = await settingsCopy(order);
  try {
    await calls(scene, stack, settings);
  } finally {
    settings?.remove();
  }
  return ending(scene, exit?.stderr ?? "");
}

type OpenedStack = Awaited<ReturnType<typeof import("./engine-calls.js")["openStack"]>>;

/** A rejection of the Automation API proves nothing: what counts is the engine's exit, and that has been journaled. */
async function calls(scene: Scene, stack: OpenedStack, settings: SettingsCopy | undefined): Promise<void> {
  const { order, observer } = scene;
  const api = await loadApi();
  const believed = (call: Promise<unknown>): Promise<void> =>
    call.then(
      () => undefined,
      (error: Error) => {
        if (observer.state().call === undefined) throw error;
      },
    );
  if (order.oneProcess) return believed(api.attempt(stack, order, settings?.file));
  await believed(api.preview(stack, order, settings?.file));
  if (observer.state().exits.preview?.code !== 0) return;
  await word(scene);
  if (!observer.state().accepted || observer.state().refused !== undefined || observer.state().cancelled) return;
  if (changedMeanwhile(scene)) {
    return observer.record({ line: "refused", reason: "the stack was changed between its preview and its update" });
  }
  await believed(api.update(stack, order, settings?.file));
}

/** Between two processes nobody holds the stack's lock. */
function changedMeanwhile({ order, observer }: Scene): boolean {
  const { before } = observer.state();
  return order.stack.kind === "file" && before !== undefined && checkpointDigest(order.stack) !== before;
}

/** Waits for evo's word on a preview whose process has ended. */
function word({ order, observer }: Scene): Promise<void> {
  return new Promise((resolve) => {
    const stop = watchDirectory(order.directory, look);
    look();
    function look(): void {
      observer.react();
      const { accepted, refused, cancelled } = observer.state();
      if (!accepted && refused === undefined && !cancelled) return;
      stop();
      resolve();
    }
  });
}

async function ending(scene: Scene, stderr: string): Promise<OperationOutcome> {
  const { order, observer, redactor } = scene;
  if (wasKilled(observer.state())) return inspected(order, observer.state(), redactor);
  const checkpoint = observer.state().accepted ? await checkpointAfter(order) : undefined;
  const outcome = outcomeOf(observer.state(), {
    stderr: plainText(stderr, redactor.apply),
    programErrors: observer.programErrors(),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
  if (!observer.state().accepted) return namingHolders(order, outcome);
  return doubted(order, observer.state(), outcome, redactor);
}

/** Whose lock it was that the engine met, as far as its backend still tells. */
function namingHolders({ stack }: HostOrder, outcome: OperationOutcome): OperationOutcome {
  if (outcome.status !== "locked" || stack.kind !== "file") return outcome;
  const holders = locksOf(stack).map(describeLock);
  return holders.length === 0 ? outcome : { ...outcome, reason: holders.join("; ") };
}

/** An engine that a signal ended has said nothing about its update. */
function wasKilled({ call, exits, accepted }: OperationState): boolean {
  return accepted && call !== undefined && exits[call] !== undefined && exits[call].code === null;
}

/** Something of ours failed. Before any engine was started that is an ordinary failure; later the engine is looked at. */
async function brokenOff(scene: Scene, error: Error): Promise<OperationOutcome> {
  const state = scene.observer.state();
  const reason = plainText(error.message, scene.redactor.apply);
  if (state.call !== undefined) return observe(scene, signalText(scene.order.directory, "accept") !== undefined);
  const ended = Date.now();
  const ending: Ending = { stderr: reason, programErrors: [] };
  const status = lockReason(reason) === undefined ? "failed" : "locked";
  return namingHolders(scene.order, { status, began: ended, ended, reason: failureReason(state, ending) });
}

/** Takes up an operation: follows its engine if that lives, else finds out how it ended. */
async function observe(scene: Scene, acceptedBefore: boolean): Promise<OperationOutcome> {
  const { order, observer } = scene;
  const begun = observer.state();
  if (begun.outcome !== undefined) return begun.outcome;
  const engine = begun.engine ?? findByEnvironment("EVO_OPERATION_DIR", order.directory, order.engine.path);
  const alive = engine !== undefined && isAlive(engine);
  if (alive) {
    observer.attach(() => process.kill(engine.pid, "SIGINT"));
    observer.react();
    await gone(scene, () => isAlive(engine));
  }
  const state = observer.state();
  if (state.call !== undefined && state.exits[state.call] !== undefined) return ending(scene, "");
  // The word itself counts, not the journal's note of it: the engine may have seen it after the host had died.
  const accepted = alive ? signalText(order.directory, "accept") !== undefined : acceptedBefore;
  return inspected(order, { ...state, accepted: state.accepted || accepted }, scene.redactor);
}

async function gone(scene: Scene, alive: () => boolean): Promise<void> {
  while (alive()) {
    await new Promise((resolve) => setTimeout(resolve, WATCH));
    scene.drain();
    scene.observer.react();
  }
  scene.drain();
}
