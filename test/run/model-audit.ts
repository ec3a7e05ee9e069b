/**
 * The audit of a model run: DESIGN 3's invariants, read from the entries and the side table of looks as an auditor would
 * who has the authored sequence. It shares nothing with src/run but types: order, boundaries, windows and streaks are
 * derived anew from the sequence's nesting. The first violation is thrown.
 */
import type { OnFailure } from "../../src/gates/model.js";
import type { RunEvent } from "../../src/run/events.js";
import type { Gate, Step } from "../../src/sequence/model.js";
import { type Item, itemsOf, nameOf, type Placed, placed, stepsIn } from "./model-order.js";
import type { ModelRecord } from "./model-run.js";
import type { ModelEntry, ModelLook } from "./model-world.js";

type Verdict = RunEvent & { readonly type: "gate.failed" | "gate.errored" | "gate.inconclusive" };

interface Attempt {
  readonly operation: string;
  readonly number: number;
  readonly stack: string;
  readonly intended: number;
  outcome?: "succeeded" | "failed" | "unresolved";
  how?: string;
  ended?: number;
  /** When it was over, in the true order of things, and by which entry it is known. */
  endedTick?: number;
  entry?: number;
}

interface Judged {
  readonly verdict: Verdict;
  readonly entry: number;
}

/** Throws the first violation. */
export function audit(record: ModelRecord): void {
  const { sequence, parallel, entries, looks, operations } = record;
  const items = itemsOf(sequence);
  const consistent = placed(sequence.consistentWhen, "consistent", "sequence", sequence.steps.flatMap(stepsIn));
  const gates = new Map(
    [...items.values()]
      .flatMap((item) => [...item.ready, ...item.closing])
      .concat(consistent)
      .map((gate) => [gate.id, gate]),
  );
  const attempts = new Map<string, Attempt[]>();
  const opened = new Map<string, ModelEntry>();
  const passed = new Map<string, ModelEntry>();
  const judged = new Map<string, Judged>();
  let status = "running";
  let resumed: { entry: ModelEntry; steps: readonly string[] | undefined } | undefined;
  let adopted: ModelEntry | undefined;
  let startedAt: ModelEntry | undefined;
  let now: ModelEntry;

  const fail = (what: string): never => {
    throw new Error(`entry ${now.number} (${now.event.type}): ${what}`);
  };
  const demand = (holds: boolean, what: () => string): void => {
    if (!holds) fail(what());
  };
  const item = (name: string): Item => items.get(name) ?? fail(`there is no ${name} in the sequence`);
  const last = (step: string): Attempt | undefined => attempts.get(step)?.at(-1);
  const all = (): Attempt[] => [...attempts.values()].flat();
  const applied = (step: string): boolean => last(step)?.outcome === "succeeded";
  const find = (operation: string): Attempt =>
    all().find((attempt) => attempt.operation === operation) ?? fail(`invariant 1: ${operation} was never intended`);

  // ------------------------------------------------------------------------------------------------ operations

  function intended(event: RunEvent & { type: "operation.intended" }): void {
    const place = item(event.step);
    const step = place.entry as Step;
    demand(status === "running", () => `intended while the run is ${status}`);
    const open = all().filter((attempt) => attempt.outcome === undefined);
    demand(open.length < parallel, () => `${open.length + 1} operations at a time, ${parallel} are allowed`);
    demand(
      !open.some((attempt) => attempt.stack === event.stack),
      () => `invariant 4: ${event.stack} is operated already`,
    );
    demand(
      !all().some((attempt) => attempt.outcome === "unresolved" && attempt.stack === event.stack),
      () => `invariant 5: ${event.stack} has an attempt nobody knows the end of`,
    );
    for (const name of place.ahead) inOrder(name);
    const mine = attempts.get(event.step) ?? [];
    demand(event.attempt === mine.length + 1, () => `attempt ${event.attempt} after ${mine.length}`);
    justified(step, mine);
    reopened(place);
    for (const name of place.around) for (const gate of item(name).ready) admitted(item(name), gate);
    together(place.ready, place.window);
    const { operation, attempt, stack } = event;
    attempts.set(event.step, [...mine, { operation, number: attempt, stack, intended: now.number }]);
    for (const [id, { verdict }] of judged) if (gates.get(verdict.gate)?.proves.includes(event.step)) judged.delete(id);
  }

  /** Everything below it is applied, and it has opened since. */
  function inOrder(name: string): void {
    const opening = opened.get(name) ?? fail(`invariant 2: ${name} is ahead of it and has not converged`);
    for (const step of item(name).steps) {
      demand(applied(step), () => `invariant 2: ${step} is ahead of it and its last attempt has not succeeded`);
      demand(
        (last(step)?.entry ?? Infinity) < opening.number,
        () => `invariant 2: ${name} has not converged since ${step} was applied`,
      );
    }
  }

  /** What had converged has to converge again; nothing that waits for it may be under way meanwhile. */
  function reopened({ name, around }: Item): void {
    const closed = [name, ...around].filter((one) => opened.delete(one));
    for (const other of items.values()) {
      const waits = other.ahead.some((one) => closed.includes(one));
      const open = other.steps.find((step) => last(step) !== undefined && last(step)?.outcome === undefined);
      demand(!waits || open === undefined, () => `invariant 2: ${open} runs and waits for ${closed}`);
    }
  }

  /** A group's readyWhen gates passed once, before anything in it started. */
  function admitted(group: Item, { id, gate }: Placed): void {
    if (gate.dryRun) return;
    demand(passed.has(id), () => `invariant 2: ${group.name} was not admitted by ${id}`);
  }

  /** Why there is another attempt: a rule that allows it, a gate that asks for it, or a person. */
  function justified(step: Step, mine: readonly Attempt[]): void {
    const before = mine.at(-1);
    if (before === undefined) return;
    demand(before.outcome !== undefined, () => "invariant 5: the attempt before it has no outcome");
    demand(before.outcome !== "unresolved", () => "invariant 5: nobody knows how the attempt before it ended");
    const known = before.entry ?? 0;
    const byPerson = resumed !== undefined && known < resumed.entry.number;
    if (byPerson && (resumed?.steps?.includes(step.name) ?? before.outcome !== "succeeded")) return;
    const left = mine.length < (step.retry?.attempts ?? 1);
    const waited = now.event.at >= (before.ended ?? 0) + (step.retry?.backoff ?? 0);
    if (before.outcome === "succeeded") {
      const asking = [...judged.values()].filter(({ verdict }) => {
        const gate = gates.get(verdict.gate);
        return (
          gate?.proves.includes(step.name) === true && !gate.gate.dryRun && ruleFor(gate.gate, verdict) === "retry"
        );
      });
      demand(asking.length > 0 && left && waited, () => "it had succeeded, and no gate asks for another attempt");
    } else if (before.how === "absent") {
      const absences = mine.filter(({ how }) => how === "absent").length;
      demand(waited && absences < 3, () => "tried again too soon or too often");
    } else {
      const byRule = before.how === "failed" && step.onFailure === "retry" && left && waited;
      demand(byRule, () => `tried again after ${before.how}, rule ${step.onFailure}`);
    }
  }

  function ended(operation: string, outcome: "succeeded" | "failed" | "unresolved", at?: number, how?: string): void {
    const attempt = find(operation);
    demand(attempt.outcome === undefined, () => `${operation} has ended twice`);
    attempt.outcome = outcome;
    attempt.entry = now.number;
    attempt.endedTick = operations.get(operation)?.endedTick ?? now.tick;
    if (at !== undefined) attempt.ended = at;
    if (how !== undefined) attempt.how = how;
    const real = operations.get(operation)?.outcome?.status;
    if (outcome === "succeeded") demand(real === "succeeded", () => `the engine said ${real}`);
    if (how === "absent") demand(real === undefined, () => "it was started after all");
  }

  function settled(event: RunEvent & { type: "operation.settled" }): void {
    const attempt = find(event.operation);
    demand(attempt.outcome === "unresolved", () => "what is known is settled again");
    attempt.outcome = event.as;
    attempt.entry = now.number;
    attempt.ended = event.at;
    attempt.endedTick = now.tick;
    attempt.how = "failed";
  }

  // ------------------------------------------------------------------------------------------------- evidence

  /** The moment (in the true order of things) after which looks at this gate prove anything. */
  function sinceTick({ phase, proves }: Placed): number {
    const ends = proves.map((step) => last(step)?.endedTick ?? Infinity);
    const openings = phase === "consistent" ? [...opened.values()].map(({ tick }) => tick) : [];
    return Math.max(0, ...ends, ...openings, resumed?.entry.tick ?? 0);
  }

  const gapOf = ({ gate }: Placed): number => 3 * (gate.interval ?? 0) + (gate.requestTimeout ?? 0) + 1_000;

  /** What was seen of a target when this was decided: by this driver, since the update, in order. */
  function seenOf(placedGate: Placed, target: string): readonly ModelLook[] {
    const since = sinceTick(placedGate);
    return looks.filter(
      (look) =>
        look.gate === placedGate.id &&
        look.target === target &&
        look.driver === now.driver &&
        look.beganTick >= since &&
        look.endedTick <= now.decided,
    );
  }

  /** By the clock: what began earlier counts for nothing, though a clock that was put back makes it so. */
  function sinceClock({ phase, proves }: Placed, ahead: boolean): number {
    const ends = proves.map((step) => last(step)?.ended ?? 0);
    const openings = phase === "converged" || !ahead ? [] : [...opened.values()].map(({ event }) => event.at);
    return Math.max(startedAt?.event.at ?? 0, resumed?.entry.event.at ?? 0, ...ends, ...openings);
  }

  /** The newest looks as far back as they all passed and followed closely. */
  function streakOf(placedGate: Placed, seen: readonly ModelLook[]): readonly ModelLook[] {
    const streak: ModelLook[] = [];
    for (const look of [...seen].reverse()) {
      const next = streak[0];
      if (look.verdict !== "pass") break;
      if (next !== undefined && (next.began < look.ended || next.ended - look.ended > gapOf(placedGate))) break;
      streak.unshift(look);
    }
    return streak;
  }

  /** The look that is claimed to prove a target, if it does; whether looks out of time are left aside is the machine's choice. */
  function proof(placedGate: Placed, { target, number }: Claim): ModelLook | undefined {
    const seen = seenOf(placedGate, target);
    const since = [0, sinceClock(placedGate, false), sinceClock(placedGate, true)];
    for (const from of new Set(since)) {
      const look = newestOf(
        placedGate,
        streakOf(
          placedGate,
          seen.filter(({ began }) => began >= from),
        ),
      );
      if (look?.number === number) return look;
    }
    return undefined;
  }

  function newestOf(placedGate: Placed, streak: readonly ModelLook[]): ModelLook | undefined {
    const { gate } = placedGate;
    const [first] = streak;
    const newest = streak.at(-1);
    if (first === undefined || newest === undefined) return undefined;
    const met = streak.length >= (gate.consecutiveSuccessLimit ?? 1);
    const stable = (gate.stableFor ?? 0) === 0 || newest.began - first.ended >= (gate.stableFor ?? 0);
    const age = now.event.at - newest.ended;
    return met && stable && age >= 0 && age <= gapOf(placedGate) ? newest : undefined;
  }

  /** All these gates pass in the batch of this entry, each for good reason, and within one window. */
  function together(judgedHere: readonly Placed[], window: number): void {
    const deciding: ModelLook[] = [];
    for (const placedGate of judgedHere) {
      if (placedGate.gate.dryRun) continue;
      const pass = entries.find(
        ({ batch, event }) => batch === now.batch && event.type === "gate.passed" && event.gate === placedGate.id,
      );
      demand(pass !== undefined && pass.number < now.number, () => `invariant 2: ${placedGate.id} has not passed`);
      deciding.push(...freshest(placedGate, pass));
    }
    const ends = deciding.map((look) => look.ended);
    const longest = Math.max(0, ...deciding.map((look) => look.ended - look.began));
    demand(
      deciding.length === 0 || Math.max(...ends) - Math.min(...ends) <= window + longest,
      () => `the deciding looks lie ${Math.max(...ends) - Math.min(...ends)} ms apart, the window is ${window}`,
    );
  }

  /** Of the looks that a pass claims as its proofs the newest, as many as it needs. */
  function freshest(placedGate: Placed, pass: ModelEntry | undefined): readonly ModelLook[] {
    const claimed = pass?.event.type === "gate.passed" ? claims(pass.event) : [];
    const proofs = claimed.flatMap((claim) => proof(placedGate, claim) ?? []);
    return proofs.sort((a, b) => b.ended - a.ended).slice(0, neededOf(placedGate.gate));
  }

  function gatePassed(event: RunEvent & { type: "gate.passed" }): void {
    const placedGate = gates.get(event.gate) ?? fail("an unknown gate");
    const { gate, proves } = placedGate;
    demand(status === "running", () => `passed while the run is ${status}`);
    for (const step of proves) demand(applied(step), () => `invariant 3: ${step}, which it proves, is not applied`);
    const proving = proves.map((step) => last(step)?.operation ?? "");
    demand(same(proving, event.operations), () => `invariant 3: it names ${event.operations}, not ${proving}`);
    const proofs = claims(event).flatMap((claim) => proof(placedGate, claim) ?? []);
    demand(
      proofs.length === claims(event).length && proofs.length >= neededOf(gate),
      () =>
        `invariants 2, 3: evidence for ${proofs.length} targets; ${claims(event).length} are claimed, it takes ${neededOf(gate)}`,
    );
    for (const look of proofs) recorded(placedGate, look, proving);
    passed.set(event.gate, now);
    judged.delete(event.gate);
  }

  /** The deciding look lies in the ledger, and so do as many passes as the streak needs (up to the three it keeps). */
  function recorded({ id, gate }: Placed, look: ModelLook, proving: readonly string[]): void {
    const kept = entries
      .slice(0, now.number - 1)
      .flatMap(({ event, driver }) =>
        driver === now.driver &&
        event.type === "gate.measured" &&
        event.gate === id &&
        event.target === look.target &&
        same(event.operations, proving)
          ? event.measurements
          : [],
      )
      .filter((measurement) => measurement.verdict === "pass");
    demand(
      kept.some(({ number }) => number === look.number),
      () => `the deciding look ${look.number} at ${id} ${look.target} is not in the ledger`,
    );
    const needed = Math.min(3, gate.consecutiveSuccessLimit ?? 1);
    demand(
      new Set(kept.map(({ number }) => number)).size >= needed,
      () => `${kept.length} passing looks at ${id} ${look.target} are in the ledger, ${needed} were needed`,
    );
  }

  function gateMeasured(event: RunEvent & { type: "gate.measured" }): void {
    for (const { number, began, ended, verdict } of event.measurements) {
      const look = looks.find(
        (one) =>
          one.gate === event.gate && one.target === event.target && one.driver === now.driver && one.number === number,
      );
      if (look === undefined) fail(`look ${number} was never made`);
      else {
        const early = event.operations.find((operation) => (find(operation).endedTick ?? Infinity) > look.beganTick);
        demand(early === undefined, () => `invariant 3: look ${number} was begun before ${early} had ended`);
        demand(
          look.began === began && look.ended === ended && look.verdict === verdict,
          () => `look ${number} was another`,
        );
      }
    }
  }

  const LIMITS = {
    "gate.failed": ["fail", "failureLimit"],
    "gate.errored": ["error", "consecutiveErrorLimit"],
    "gate.inconclusive": ["inconclusive", "inconclusiveLimit"],
  } as const;

  function gateJudged(event: Verdict): void {
    const placedGate = gates.get(event.gate) ?? fail("an unknown gate");
    demand(status === "running", () => `judged while the run is ${status}`);
    demand(!judged.has(event.gate), () => "judged against twice without anything between");
    demand(event.reason !== "", () => "invariant 12: no reason");
    const [verdict, limit] = LIMITS[event.type];
    const seen = placedGate.gate.targets
      .flatMap(({ name }) => seenOf(placedGate, name))
      .filter((look) => look.verdict === verdict);
    const wanted = placedGate.gate[limit];
    if (!event.timedOut)
      demand(
        wanted !== undefined && seen.length >= wanted,
        () => `${seen.length} times ${verdict}, its limit is ${wanted}`,
      );
    else demand(event.type === "gate.inconclusive", () => "a time-out is inconclusive");
    judged.set(event.gate, { verdict: event, entry: now.number });
  }

  // ------------------------------------------------------------------------------------------------ boundaries

  function boundaryOpened(event: RunEvent & { type: "boundary.opened" }): void {
    const place = item(event.node);
    demand(status === "running", () => `opened while the run is ${status}`);
    const before = opened.get(event.node)?.number ?? Infinity;
    const anew = place.ahead.some((name) => (opened.get(name)?.number ?? 0) > before);
    demand(!opened.has(event.node) || anew, () => "opened twice");
    demand(!place.merged, () => "its boundary is that of a lockstep group");
    for (const name of place.ahead) inOrder(name);
    for (const step of place.steps) demand(applied(step), () => `invariant 2: ${step} is not applied`);
    for (const name of place.members) if (!item(name).merged) inOrder(name);
    const beneath = [...items.values()].filter(({ around, merged }) => around.includes(place.name) && !merged);
    for (const { name } of beneath) inOrder(name);
    together(place.closing, place.window);
    opened.set(event.node, now);
  }

  function completed(): void {
    demand(status === "running", () => `completed while the run is ${status}`);
    for (const entry of sequence.steps) inOrder(nameOf(entry));
    together(consistent, 2 * Math.max(0, ...consistent.map(({ gate }) => gate.interval ?? 0)));
    status = "completed";
  }

  // ---------------------------------------------------------------------------------------------------- the run

  function halted(event: RunEvent & { type: "run.halted" }): void {
    demand(status === "running", () => `halted while ${status}`);
    demand(event.reason !== "", () => "invariant 12: halted without a reason");
    const failed = {
      "operation-failed": "failed",
      "operation-refused": "failed",
      "stack-locked": "failed",
      "operation-unresolved": "unresolved",
    } as const;
    const outcome = event.cause in failed ? failed[event.cause as keyof typeof failed] : undefined;
    if (outcome !== undefined)
      demand(last(event.node ?? "")?.outcome === outcome, () => `no attempt of ${event.node} is ${outcome}`);
    status = "halted";
  }

  function held(event: RunEvent & { type: "run.held" }): void {
    const verdict = judged.get(event.gate);
    const placedGate = gates.get(event.gate);
    demand(event.reason !== "", () => "invariant 12: held without a reason");
    demand(
      verdict !== undefined && placedGate !== undefined && ruleFor(placedGate.gate, verdict.verdict) === "hold",
      () => "no verdict of this gate asks to hold",
    );
  }

  function caused({ number, causes, event }: ModelEntry): void {
    if (event.type !== "run.started") demand(causes.length > 0, () => "it has no cause");
    for (const cause of causes)
      demand(Number.isInteger(cause) && cause >= 1 && cause < number, () => `its cause ${cause} is no earlier entry`);
  }

  function read(event: RunEvent): void {
    switch (event.type) {
      case "run.started":
        demand(now.number === 1, () => "started twice");
        startedAt = now;
        return;
      case "run.adopted":
        adopted = now;
        return;
      case "operation.intended":
        intended(event);
        return;
      case "operation.previewed":
        demand(find(event.operation).outcome === undefined, () => "previewed after its end");
        return;
      case "operation.succeeded":
        ended(event.operation, "succeeded", event.ended);
        return;
      case "operation.failed":
        ended(event.operation, "failed", event.ended, event.how);
        return;
      case "operation.unresolved":
        ended(event.operation, "unresolved");
        return;
      case "operation.settled":
        settled(event);
        return;
      case "gate.measured":
        gateMeasured(event);
        return;
      case "gate.passed":
        gatePassed(event);
        return;
      case "gate.failed":
      case "gate.errored":
      case "gate.inconclusive":
        gateJudged(event);
        return;
      case "boundary.opened":
        boundaryOpened(event);
        return;
      case "run.held":
        held(event);
        return;
      case "run.halted":
        halted(event);
        return;
      case "run.paused":
        demand(status === "running", () => `paused when ${status}`);
        demand(event.reason !== "", () => "invariant 12: paused without a reason");
        status = "paused";
        return;
      case "run.resumed":
        demand(status !== "completed" && status !== "aborted", () => `resumed when ${status}`);
        status = "running";
        resumed = { entry: now, steps: event.steps };
        judged.clear();
        return;
      case "run.completed":
        completed();
        return;
      case "run.aborted":
        demand(status !== "completed" && status !== "aborted", () => `aborted when ${status}`);
        demand(
          all().every((attempt) => attempt.outcome !== undefined),
          () => "invariant 5: aborted with an operation under way",
        );
        status = "aborted";
    }
  }

  for (now of entries) {
    // What was seen while the run ended is recorded all the same; nothing else is.
    const isOver = status === "completed" || status === "aborted";
    demand(!isOver || now.event.type === "gate.measured", () => "after the end of the run");
    if (now.driver !== 0)
      demand(adopted !== undefined || now.event.type === "run.adopted", () => "written by nobody who took the run up");
    caused(now);
    read(now.event);
  }
  if (record.wrongs[0] !== undefined) throw new Error(record.wrongs[0]);
  if (startedAt === undefined) throw new Error("it never began");
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, at) => one === b[at]);

/** A target that a pass says has converged, and the look that it gives for it. */
interface Claim {
  readonly target: string;
  readonly number: number | undefined;
}

function claims(event: RunEvent & { readonly type: "gate.passed" }): readonly Claim[] {
  return event.targets.flatMap(({ target, converged, last }) => (converged ? [{ target, number: last?.number }] : []));
}

/** How many targets must have converged: never none. */
function neededOf({ quorum = "all", targets }: Gate): number {
  return quorum === "all" ? targets.length : quorum === "any" ? 1 : Math.max(1, quorum);
}

/** What the gate's author wants done about such a verdict. */
function ruleFor(gate: Gate, { type, timedOut }: Verdict): OnFailure {
  if (timedOut) return gate.onTimeout ?? "halt";
  if (type === "gate.failed") return gate.onFailure ?? "halt";
  return (type === "gate.errored" ? gate.onError : gate.onInconclusive) ?? "halt";
}
