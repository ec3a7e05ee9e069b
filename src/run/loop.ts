/**
 * The one loop (DESIGN 4): decide, perform, append, fold, again. It starts what `decide` asks for and is not under way,
 * and waits for the next result or moment. All appends of a run go through one queue with the expected version, so the
 * state in memory is always the fold of what the ledger holds.
 */
import type { Action } from "./action.js";
import { ask } from "./ask.js";
import { decide } from "./decide.js";
import type { Driving, Ports } from "./driving.js";
import { fillSeen, type SeenStore } from "./evidence.js";
import { type HeldLeases, stacksInUse } from "./leases.js";
import { look } from "./look.js";
import { followOperation, operate } from "./operate.js";
import type { Clock } from "./ports.js";
import { createRecorder } from "./recorder.js";
import { openAttempts, type RunState } from "./state.js";

/** What a person may ask of a run that is being driven here. */
export interface Control {
  /** Start nothing new; what runs is finished. The reason is recorded. */
  readonly pause: AbortSignal;
  /** Also stop what runs, at the engine's next safe point. */
  readonly stop: AbortSignal;
  /** Let go of the run as it is: engines go on, and whoever takes it up follows them. */
  readonly leave?: AbortSignal;
}

/** Milliseconds between looks whether a person has said something from elsewhere. */
const LISTEN = 1_000;

/**
 * Drives a run until it is completed, halted, paused or aborted, and answers the state it came to. Engines that still
 * run when this throws (ledger gone, lease lost) go on; whoever resumes follows them.
 */
export async function drive(initial: RunState, leases: HeldLeases, ports: Ports, control: Control): Promise<RunState> {
  const letGo = new AbortController();
  const active = new AbortController();
  const recorder = createRecorder(initial, leases.all, ports.ledger, ports.notifier);
  const seen = await fillSeen(initial, ports.ledger, leases.all);
  const driving: Driving = {
    ports,
    recorder,
    leases,
    evidence: seen.evidence,
    signal: letGo.signal,
    active: active.signal,
  };
  const bell = createBell();
  const tasks = createTasks(bell.ring, (action) => perform(driving, seen, action));
  const keeper = leases.keep(ports.clock, letGo.signal).catch(tasks.fail);
  const listener = hear(driving, bell.ring).catch(tasks.fail);
  const asked = onControl(driving, control, tasks.fail, bell.ring);
  try {
    await turns(driving, seen, tasks, bell, active, control.leave);
    if (control.leave?.aborted) letGo.abort();
    await tasks.settled();
    tasks.rethrow();
    await seen.flush();
    return recorder.state();
  } finally {
    asked.stop();
    active.abort();
    letGo.abort();
    bell.ring();
    await Promise.allSettled([keeper, listener, tasks.settled()]);
  }
}

async function turns(
  driving: Driving,
  seen: SeenStore,
  tasks: Tasks,
  bell: Bell,
  active: AbortController,
  leave: AbortSignal | undefined,
): Promise<void> {
  const { recorder, ports, leases } = driving;
  for (;;) {
    tasks.rethrow();
    if (leave?.aborted) return active.abort();
    const state = recorder.state();
    const { actions, wakeAt } = decide(state, seen.evidence(), ports.clock.now());
    const record = actions.find((action) => action.do === "record");
    if (record !== undefined) {
      await seen.flush();
      await recorder.record(record.events, state);
      await leases.keepOnly(stacksInUse(recorder.state()));
      continue;
    }
    if (state.status !== "running") active.abort();
    for (const action of actions) tasks.start(action);
    if (state.status !== "running" && tasks.idle()) return;
    await bell.wait(ports.clock, wakeAt);
  }
}

async function hear({ recorder, ports, signal }: Driving, ring: () => void): Promise<void> {
  while (!signal.aborted) {
    await ports.clock.until(ports.clock.now() + LISTEN, signal);
    if (signal.aborted) return;
    const before = recorder.state();
    await recorder.catchUp();
    if (recorder.state() !== before) ring();
  }
}

function perform(driving: Driving, seen: SeenStore, action: Action): Promise<void> {
  switch (action.do) {
    case "operate":
      return operate(driving, action.step);
    case "follow":
      return followOperation(driving, action.step);
    case "look":
      return look(driving, seen, action.gate, action.target);
    case "ask":
      return ask(driving, action.gate);
    case "record":
      throw new Error("entries are recorded by the loop itself");
  }
}

// ---------------------------------------------------------------------------------------------------------- tasks

interface Tasks {
  /** Starts an action unless the same one is under way. */
  start(action: Action): void;
  idle(): boolean;
  fail(error: unknown): void;
  /** Throws what a task has thrown. */
  rethrow(): void;
  settled(): Promise<unknown>;
}

function createTasks(ring: () => void, performAction: (action: Action) => Promise<void>): Tasks {
  const underWay = new Map<string, Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    ring();
  };
  return {
    start(action) {
      const key = keyOf(action);
      if (underWay.has(key)) return;
      const task = performAction(action)
        .catch(fail)
        .finally(() => {
          underWay.delete(key);
          ring();
        });
      underWay.set(key, task);
    },
    idle: () => underWay.size === 0,
    fail,
    rethrow() {
      if (failure !== undefined) throw failure.error;
    },
    settled: () => Promise.allSettled([...underWay.values()]),
  };
}

/** A step is operated or followed by one task at a time; a target is looked at by one. */
function keyOf(action: Action): string {
  if (action.do === "look") return `look ${action.gate} ${action.target}`;
  if (action.do === "ask") return `ask ${action.gate}`;
  return action.do === "record" ? "record" : `step ${action.step}`;
}

// ----------------------------------------------------------------------------------------------------------- bell

interface Bell {
  ring(): void;
  /** Resolves when it rings, at once if it has rung since, or at the given time. */
  wait(clock: Clock, at: number | undefined): Promise<void>;
}

function createBell(): Bell {
  let ringing = new AbortController();
  return {
    ring: () => ringing.abort(),
    async wait(clock, at) {
      const { signal } = ringing;
      if (at !== undefined) await clock.until(at, signal);
      else if (!signal.aborted)
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      ringing = new AbortController();
    },
  };
}

// -------------------------------------------------------------------------------------------------------- control

function onControl(
  driving: Driving,
  control: Control,
  fail: (error: unknown) => void,
  ring: () => void,
): { stop(): void } {
  const pause = () => void recordPause(driving, control.pause.reason).then(ring, fail);
  const stop = () => void stopOperations(driving).catch(fail);
  listen(control.pause, pause);
  listen(control.stop, stop);
  control.leave?.addEventListener("abort", ring);
  return {
    stop() {
      control.leave?.removeEventListener("abort", ring);
      control.pause.removeEventListener("abort", pause);
      control.stop.removeEventListener("abort", stop);
    },
  };
}

function listen(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}

/** Only what still runs when the entry is written can be paused: a run that has just ended, or halted, stays so. */
async function recordPause({ recorder, ports }: Driving, reason: unknown): Promise<void> {
  for (let state = recorder.state(); state.status === "running"; state = recorder.state()) {
    const event = { type: "run.paused", at: ports.clock.now(), reason: String(reason) } as const;
    if (await recorder.record([{ event, causes: [state.drivenBy] }], state)) return;
  }
}

async function stopOperations({ recorder, ports }: Driving): Promise<void> {
  for (const { attempt } of openAttempts(recorder.state())) await ports.executor.cancel(attempt.operation);
}
