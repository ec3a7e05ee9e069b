/** `evo drift scan` and `evo declare`: sessions that look at stacks and run nothing. */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { relative } from "node:path";
import type { Departure } from "../../departures/model.js";
import { EvoError } from "../../errors.js";
import type { Json } from "../../gates/model.js";
import type { OpenLedger } from "../../ledger/index.js";
import type { Entry } from "../../run/ports.js";
import type { LoadedSequence } from "../../sequence/load.js";
import { planFor, rehearsalOf } from "../rehearsal.js";
import { type Mode, openSession, type Session, type Subject } from "../session.js";
import type { Settings } from "../settings.js";
import { type ScanResult, type ScanSubject, scanStacks } from "./live.js";
import { subjectsIn, type Targets } from "./targets.js";
import { lookBeforeStart, lookerOf, ordersOnce, subjectsOf } from "./watch.js";

export interface ScanRequest {
  readonly targets: Targets;
  readonly rehearse: boolean;
  readonly ephemeralLedger: boolean;
  readonly parallel?: number;
  readonly signal: AbortSignal;
  say(line: string): void;
  told(result: ScanResult): void;
}

/** Scans; whatever can't be looked at is a result. Errors: those of ledger, engine and world, `drift.unknown-stack`. */
export async function scan(settings: Settings, request: ScanRequest): Promise<readonly ScanResult[]> {
  const { targets, signal, told } = request;
  const { session, subjects } = await openToLook(settings, targets, request);
  try {
    const looker = lookerOf(session);
    const parallel = request.parallel ?? availableParallelism();
    return await scanStacks(looker, subjects, { parallel, signal, told, orders: ordersOnce(looker) });
  } finally {
    await session.close();
  }
}

/** A session that looks at these targets, and what it is to look at. */
export async function openToLook(
  settings: Settings,
  targets: Targets,
  request: Pick<ScanRequest, "rehearse" | "ephemeralLedger" | "say">,
): Promise<{ readonly session: Session; readonly subjects: readonly ScanSubject[] }> {
  const mode = modeOf(targets.sequence, request);
  const session = await openSession(settings, mode, nothingToDrive(settings.cwd), request.say);
  try {
    return { session, subjects: subjectsIn(targets, session.executor) };
  } catch (error) {
    await session.close();
    throw error;
  }
}

function modeOf(
  sequence: LoadedSequence | undefined,
  request: Pick<ScanRequest, "rehearse" | "ephemeralLedger">,
): Mode {
  const { rehearse, ephemeralLedger } = request;
  if (!rehearse || sequence === undefined) return { ephemeralLedger };
  return { ephemeralLedger: true, rehearsal: { ...rehearsalOf(sequence), fresh: false, faults: [] } };
}

/** A session that only looks has no plan of its own. */
function nothingToDrive(root: string): Subject {
  const sequence = { name: "drift", digest: "" };
  const plan = { version: 1 as const, sequence, nodes: [], edges: [], consistent: [], digest: "" };
  return { plan, root, loaded: { file: root, customs: new Map() } };
}

export interface Declared {
  readonly entry: Entry;
  /** Open departures that would halt a run of it: they came before the declaration. */
  readonly departed: readonly Departure[];
}

/** Records the intent to run a sequence: from now on its order is planned, and what comes before its turn is early. */
export async function declare(
  settings: Settings,
  loaded: LoadedSequence,
  request: Pick<ScanRequest, "rehearse" | "ephemeralLedger" | "say">,
): Promise<Declared> {
  const plan = planFor(loaded.sequence, request.rehearse);
  const subject = { plan, root: loaded.root, loaded };
  const session = await openSession(settings, modeOf(loaded, request), subject, request.say);
  try {
    // What was there before is no departure from what is declared only now.
    const { departed } = await lookBeforeStart(session, subject, false);
    const [entry] = await session.ledger.append([declaration(session, loaded, subject)], {
      id: randomUUID(),
      leases: [],
    });
    if (entry === undefined) throw new Error("a declaration was not recorded");
    return { entry, departed };
  } finally {
    await session.close();
  }
}

function declaration(session: Session, loaded: LoadedSequence, { plan, root }: Subject) {
  const stacks = subjectsOf(session, plan, root).map(({ node, stack }) => [node.id, stack] as const);
  const body = {
    at: session.clock.now(),
    ahead: true,
    digest: loaded.digest,
    file: relative(loaded.root, loaded.file),
    sequence: loaded.sequence,
    stacks: Object.fromEntries(stacks),
  } as unknown as { readonly [key: string]: Json };
  const rehearsal = session.world !== undefined;
  return { type: "sequence.declared", sequence: plan.sequence.name, rehearsal, causes: [], body };
}

/** Takes a declaration back, and answers the entry's number. Errors: `declare.none` (exit 2) where none stands. */
export async function withdraw(
  ledger: OpenLedger,
  sequence: string,
  rehearsal: boolean,
  reason: string,
): Promise<number> {
  const standing = (await ledger.intents()).find(
    (entry) => entry.sequence === sequence && entry.rehearsal === rehearsal,
  );
  if (standing?.type !== "sequence.declared")
    throw new EvoError("declare.none", `${sequence} is not declared`, { remedy: `evo declare ${sequence}` });
  const body = { at: Date.now(), reason };
  const entry = { type: "sequence.withdrawn", sequence, rehearsal, causes: [standing.number], body };
  const [recorded] = await ledger.append([entry], { id: randomUUID(), leases: [] });
  return recorded?.number ?? 0;
}
