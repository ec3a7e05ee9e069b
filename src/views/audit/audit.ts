/**
 * The audit of one run: entries in, a report out (DESIGN 2: audit as a property, worked forward from the declared
 * sequence). Pure; who trusts no program may ask the same of `evo.readable_audit`.
 */
import { EvoError, EXIT } from "../../errors.js";
import { RUN_EVENT_TYPES } from "../../run/events.js";
import type { Entry } from "../../run/ports.js";
import { boundariesOf } from "./boundaries.js";
import { departuresOf, during } from "./departures.js";
import { AUDIT_SCHEMA, type AuditInput, type AuditReport } from "./model.js";
import { orderOf } from "./order.js";
import { deedsOf } from "./people.js";
import { isoOf, ofType, wordsOf } from "./reading.js";
import { complete, converged, ordered, unmodified } from "./verdicts.js";

/** Errors: `ledger.broken` (exit 10) for a run that doesn't begin with its start. */
export function audit(input: AuditInput): AuditReport {
  const { own, evidence, origins, answers, departures, integrity, now } = input;
  const [start] = ofType(own, "run.started");
  if (start === undefined)
    throw new EvoError("ledger.broken", `the entries of run ${own[0]?.run ?? "?"} hold no start`, {
      exit: EXIT.ledgerBroken,
      remedy: "evo ledger verify",
    });
  const { plan, rehearsal, answers: answersTo } = start.event;
  const looks = once(evidence);
  const facts = {
    standing: standingOf(own),
    people: deedsOf(inOrder([...origins, ...own, ...departures.filter(({ number }) => number > start.entry.number)])),
    order: orderOf(plan, own),
    boundaries: boundariesOf(plan, own, looks),
    departures: during(departuresOf(inOrder([...own, ...departures])), start.entry.number),
    halts: haltsOf(own),
    answers: answersOf(answers),
  };
  const { name, digest, owner } = plan.sequence;
  const ended = ofType(own, "run.completed", "run.aborted", "run.recovered").at(-1)?.entry.time;
  return {
    schema: AUDIT_SCHEMA,
    run: start.entry.run ?? "",
    sequence: { name, digest, ...(owner === undefined ? {} : { owner }) },
    plan: plan.digest,
    started: start.entry.time,
    reported: isoOf(now),
    verdicts: {
      ordered: ordered(facts, name),
      converged: converged(facts),
      complete: complete(facts),
      unmodified: unmodified(integrity),
    },
    ...facts,
    unknown: unknownOf(own),
    ledger: { ...integrity, id: start.entry.ledger },
    ...(rehearsal === undefined ? {} : { rehearsal }),
    ...(ended === undefined ? {} : { ended }),
    ...(answersTo === undefined ? {} : { answersTo }),
  };
}

/** By number, each once. */
function inOrder(entries: readonly Entry[]): readonly Entry[] {
  return once(entries).sort((a, b) => a.number - b.number);
}

function once(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entry.number, entry])).values()];
}

/** The verb of the newest entry that moved the run as a whole. */
function standingOf(own: readonly Entry[]): string {
  const moves = own.filter(
    (entry) => wordsOf(entry).noun === "run" && !["run.adopted", "run.held"].includes(entry.type),
  );
  const verb = moves.length === 0 ? "started" : wordsOf(moves[moves.length - 1] as Entry).verb;
  return verb === "started" || verb === "resumed" ? "running" : verb;
}

function haltsOf(own: readonly Entry[]): AuditReport["halts"] {
  return ofType(own, "run.halted").map(({ entry, event }) => ({
    entry: entry.number,
    time: entry.time,
    cause: event.cause,
    reason: event.reason,
    ...(event.node === undefined ? {} : { node: event.node }),
  }));
}

/** The start of each other run that names this one; what those runs do later isn't this run's. */
function answersOf(answers: readonly Entry[]): AuditReport["answers"] {
  return ofType(answers, "run.started").map(({ entry }) => ({
    run: entry.run ?? "",
    entry: entry.number,
    time: entry.time,
    claimed: entry.actor.claimed,
    ...(entry.sequence === undefined ? {} : { sequence: entry.sequence }),
  }));
}

/** The record makes a newer evo's types show. */
function unknownOf(own: readonly Entry[]): AuditReport["unknown"] {
  const strange = own.filter(
    (entry) => !(entry.type in RUN_EVENT_TYPES) && wordsOf(entry).noun !== "departure" && deedsOf([entry]).length === 0,
  );
  const types = [...new Set(strange.map(({ type }) => type))];
  return types.map((type) => ({
    type,
    entries: strange.filter((entry) => entry.type === type).map(({ number }) => number),
  }));
}
