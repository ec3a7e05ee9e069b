/** Explains a run from the ledger: its entries, what they name, what happened behind its back, and earlier runs. */
import { dependenciesOf } from "../authoring/dependencies.js";
import type { OpenLedger } from "../ledger/index.js";
import type { NodeId } from "../plan/model.js";
import { isHere } from "../process-owner.js";
import { stepsOf } from "../run/edges.js";
import { eventOf } from "../run/entries.js";
import { fold } from "../run/evolve.js";
import type { Entry } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import type { Sequence } from "../sequence/model.js";
import { outputsIn } from "../sequence/references.js";
import { explain } from "../views/explain/explain.js";
import type { Accepted, ExplainInput } from "../views/explain/input.js";
import type { Explanation } from "../views/explain/model.js";
import { systemClock } from "./clock.js";
import { convergenceTimes } from "./convergence.js";
import { departuresFor } from "./departures/reading.js";
import { loadEntries } from "./load-run.js";
import { refuseUnrecoverable, ruleFor } from "./recover.js";
import { refuseRecovering } from "./recovering.js";
import { demandRetryable } from "./resume.js";
import { isDriving, ownerOf } from "./take-over.js";

/** Runs that estimates are taken from: the newest. */
const EARLIER = 20;

/** Errors: `run.unknown` (exit 2), `ledger.unavailable` (exit 9). */
export async function explainRun(ledger: OpenLedger, run: string): Promise<Explanation> {
  const own = await loadEntries(ledger, run);
  const state = fold(run, own.map(eventOf));
  const { plan, rehearsal } = state.started;
  const earlier = { sequence: plan.sequence.name, rehearsal: rehearsal !== undefined, limit: EARLIER, except: run };
  const [outside, departures, times, driver, recovering] = await Promise.all([
    namedOutside(ledger, own),
    departuresFor(ledger, state),
    convergenceTimes(ledger, earlier),
    driverOf(ledger, run),
    recoveringOf(ledger, state),
  ]);
  const accepts = await accepted(ledger, state);
  const entries = [...outside, ...own].sort((a, b) => a.number - b.number);
  const readers = readersIn(state, outside);
  return explain({ state, entries, departures, times, readers, driver, accepts, recovering, now: systemClock.now() });
}

/** Entries of others that the run names as causes: its declaration, departures that it halted for. */
async function namedOutside(ledger: OpenLedger, own: readonly Entry[]): Promise<readonly Entry[]> {
  const numbers = new Set(own.map(({ number }) => number));
  const named = new Set(own.flatMap(({ causes }) => causes.map(({ number }) => number)));
  const wanted = [...named].filter((number) => !numbers.has(number));
  return (await Promise.all(wanted.map((number) => ledger.entry(number)))).filter((entry) => entry !== undefined);
}

async function driverOf(ledger: OpenLedger, run: string): Promise<ExplainInput["driver"]> {
  const leases = await ledger.leases(run);
  const driving = leases.find(isDriving);
  if (driving !== undefined) return { is: "driving", lease: driving };
  const elsewhere = leases.find((lease) => {
    const owner = ownerOf(lease);
    return owner === undefined || !isHere(owner);
  });
  return elsewhere === undefined ? undefined : { is: "elsewhere", lease: elsewhere };
}

/** The recovery that answers it, while that is under way. */
async function recoveringOf(ledger: OpenLedger, state: RunState): Promise<string | undefined> {
  return (await isAccepted(() => refuseRecovering(ledger, state))) ? undefined : state.recovery?.run;
}

/** What the commands themselves would refuse is no choice. */
async function accepted(ledger: OpenLedger, state: RunState): Promise<Accepted> {
  const retry: NodeId[] = [];
  for (const { id } of stepsOf(state.started.plan))
    if (await isAccepted(async () => demandRetryable(state, id))) retry.push(id);
  const rule = ruleFor(state);
  const answered = await isAccepted(() => refuseUnrecoverable(ledger, state));
  return { retry, recover: { accepted: answered, ...(rule === undefined ? {} : { rule }) } };
}

async function isAccepted(demand: () => Promise<void>): Promise<boolean> {
  try {
    await demand();
    return true;
  } catch {
    return false;
  }
}

/** By the plan's own words, and by the programs' StackReferences where their sources are on this machine. */
function readersIn({ started }: RunState, outside: readonly Entry[]): ExplainInput["readers"] {
  const declared = outside.find(({ type }) => type === "sequence.declared")?.body.sequence;
  const sequence = declared as unknown as Sequence | undefined;
  const needs =
    sequence === undefined ? [] : dependenciesOf(sequence, started.root).needs.filter(({ certain }) => certain);
  const readers: { [step: NodeId]: NodeId[] } = {};
  const add = (step: NodeId, needed: NodeId) => {
    const known = readers[needed] ?? [];
    readers[needed] = known.includes(step) ? known : [...known, step];
  };
  for (const { step, needs: needed } of needs) add(step, needed);
  for (const { id, options } of stepsOf(started.plan))
    for (const needed of outputsIn([options.config, options.secretConfig, options.env])) add(id, needed);
  return readers;
}
