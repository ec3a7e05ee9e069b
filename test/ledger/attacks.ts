/**
 * Negative vectors: a record that was written through the append path, and what somebody with all rights on its database
 * can do to it. Each says which entry is the first bad one; both verifiers must find it (attacks.pg.test.ts).
 */
import { randomUUID } from "node:crypto";
import type { Measurement } from "../../src/gates/model.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { SampleDigest } from "../../src/run/events.js";
import type { NewEntry } from "../../src/run/ports.js";
import { chainSample } from "../../src/run/samples.js";

const gate = "g";

function looks(target: string): readonly Measurement[] {
  return [1, 2, 3].map((number) => ({
    verdict: number === 1 ? "fail" : "pass",
    observed: `${target} ${number}\0`,
    expected: target,
    number,
    began: number * 1000,
    ended: number * 1000 + 5,
  }));
}

const digest = (target: string): SampleDigest =>
  looks(target).reduce<SampleDigest | undefined>(
    (before, look) => chainSample(before, target, look),
    undefined,
  ) as never;

/**
 * A run of seven entries, whose fifth passes a gate on six raw looks; entry 8, the key; a checkpoint; a run of six, whose
 * second judges against a gate on three; a checkpoint at 14; two entries that are not anchored. Both checkpoints come back.
 */
export async function record(ledger: OpenLedger): Promise<{ readonly early: string; readonly late: string }> {
  const append = (...entries: readonly NewEntry[]) => ledger.append(entries, { id: randomUUID(), leases: [] });
  const samples = ["a", "b"].flatMap((target) => looks(target).map((measurement) => ({ target, measurement })));
  await ledger.sample(
    [
      ...samples.map((sample) => ({ run: "r1", gate, ...sample })),
      ...looks("c").map((measurement) => ({ run: "r2", gate, target: "c", measurement })),
    ],
    [],
  );
  const body = { gate, samples: ["a", "b"].map(digest) as never };
  await append(
    { type: "sequence.declared", causes: [], body: { digest: "x" } },
    { type: "run.started", run: "r1", causes: [{ batch: 0 }], body: { at: 1 } },
    { type: "operation.succeeded", run: "r1", causes: [{ batch: 1 }], body: { at: 2, note: "naïve" } },
    { type: "gate.measured", run: "r1", causes: [{ batch: 2 }], body: { at: 3 } },
    { type: "gate.passed", run: "r1", causes: [{ batch: 3 }], body },
    { type: "boundary.opened", run: "r1", causes: [{ batch: 4 }], body: { at: 5 } },
    { type: "run.completed", run: "r1", causes: [{ batch: 5 }], body: { at: 6 } },
  );
  const early = await ledger.checkpoint();
  for (const number of [9, 10, 11, 12, 13, 14])
    await append({
      type: number === 9 ? "run.started" : number === 10 ? "gate.failed" : "run.halted",
      run: "r2",
      causes: [number - 1],
      body: number === 10 ? { number, gate, samples: [digest("c")] as never } : { number },
    });
  const late = await ledger.checkpoint();
  await append(
    { type: "run.paused", run: "r2", causes: [], body: {} },
    { type: "run.resumed", run: "r2", causes: [2], body: {} },
  );
  return { early: early.note, late: late.note };
}

/** How many entries `record` makes, and to where they are anchored. */
export const RECORDED = 16;
export const ANCHORED = 14;

/** Hashes computed anew over what the columns say. */
const hashed = (which: string): string =>
  `update evo.entries as e set hash = evo.sha256_hex(evo.encoding_1(r.ledger, r.number, r.time, r.type, r.version, r.sequence,
     r.run, r.step, r.operation, r.stack, r.rehearsal, r.claimed, r.authenticated, r.cause_numbers, r.cause_hashes, r.text,
     r.previous)) from evo.readable_entries as r where r.number = e.number and r.number ${which}`;

/** The chain made anew from an entry to the head: what who owns the database can do. */
export const rehashed = (from: number): string => `do $$
  declare v_number bigint;
  begin
    for v_number in select number from evo.entries where number >= ${from} order by number loop
      update evo.entries as e set previous = coalesce((select hash from evo.entries where number = v_number - 1), repeat('0', 64)),
        cause_hashes = coalesce((select array_agg(named.hash order by cause.place) from unnest(e.cause_numbers) with ordinality
          as cause (number, place) join evo.entries as named on named.number = cause.number), '{}') where number = v_number;
      ${hashed("= v_number")};
    end loop;
    update evo.head set (number, hash) = (select number, hash from evo.entries order by number desc limit 1);
  end $$`;

const index = `truncate evo.runs; insert into evo.runs (run, sequence, rehearsal, version, first, last)
  select run, min(sequence), bool_or(rehearsal), count(*), min(number), max(number) from evo.entries where run is not null group by run`;

/** Cuts the tail off so that nothing inside of the database shows it. */
export const cutAfter = (number: number): readonly string[] => [
  `delete from evo.entries where number > ${number}`,
  `delete from evo.appends where last > ${number}`,
  rehashed(number),
  index,
];

const moved = (from: number, by: number): readonly string[] => [
  `update evo.entries set number = number + 1000 where number >= ${from}`,
  `update evo.entries set number = number - 1000 + ${by} where number >= 1000`,
];

const inserted = (number: number, after: number): string =>
  `insert into evo.entries (number, time, type, version, run, rehearsal, claimed, authenticated, cause_numbers, cause_hashes,
     text, previous, hash) select ${number}, now(), 'run.halted', 1, 'r2', false, 'x', 'x', '{}', '{}', '{}', hash, ''
     from evo.entries where number = ${after}`;

export interface Attack {
  readonly name: string;
  /** The first bad entry. */
  readonly number: number;
  /** The last of the stretch, where only a stretch can be told. */
  readonly to?: number;
  readonly statements: readonly string[];
  /** Where an export from before tells more than the checkpoints do. */
  readonly exactly?: number;
}

const text = `'{"at":2,"note":"changed"}'`;

/** All by a superuser, with triggers off. */
export const attacks: readonly Attack[] = [
  { name: "a changed entry", number: 3, statements: [`update evo.entries set text = ${text} where number = 3`] },
  {
    name: "a changed column",
    number: 10,
    statements: ["update evo.entries set claimed = 'somebody' where number = 10"],
  },
  { name: "a deleted entry", number: 6, statements: ["delete from evo.entries where number = 6"] },
  {
    name: "a deleted entry, the rest moved up",
    number: 6,
    statements: ["delete from evo.entries where number = 6", ...moved(7, -1), "update evo.head set number = 15", index],
  },
  {
    name: "two entries in the other order",
    number: 11,
    statements: [
      "update evo.entries set number = 1000 where number = 11",
      "update evo.entries set number = 11 where number = 12",
      "update evo.entries set number = 12 where number = 1000",
    ],
  },
  {
    name: "an inserted entry",
    number: 12,
    statements: [...moved(12, 1), inserted(12, 10), hashed("= 12"), "update evo.head set number = 17", index],
  },
  {
    name: "an inserted entry that follows well: the one behind can't",
    number: 13,
    statements: [...moved(12, 1), inserted(12, 11), hashed("= 12"), "update evo.head set number = 17", index],
    exactly: 12,
  },
  {
    name: "a changed raw look",
    number: 5,
    statements: [
      "update evo.samples set text = replace(text, '\"fail\"', '\"pass\"') where target = 'b' and number = 1",
    ],
  },
  {
    name: "a raw look of a verdict against a gate, made a pass",
    number: 10,
    statements: [
      "update evo.samples set text = replace(text, '\"fail\"', '\"pass\"') where target = 'c' and number = 1",
    ],
  },
  { name: "a deleted raw look", number: 5, statements: ["delete from evo.samples where target = 'a' and number = 3"] },
  {
    name: "an inserted raw look",
    number: 5,
    statements: [
      "insert into evo.samples (run, gate, target, number, began, text) select run, gate, target, number, began + 1, text from evo.samples where target = 'a' and number = 2",
    ],
  },
  {
    name: "raw looks whose columns are not those of their text",
    number: 5,
    statements: ["update evo.samples set began = began + 1 where target = 'a' and number = 2"],
  },
  { name: "a cut tail, the head moved back", number: 13, to: ANCHORED, statements: cutAfter(12), exactly: 13 },
  {
    name: "the chain made anew from an entry on",
    number: 9,
    to: ANCHORED,
    statements: ["update evo.entries set text = '{\"number\":99}' where number = 11", rehashed(11)],
    exactly: 11,
  },
  {
    name: "the whole chain made anew",
    number: 1,
    to: 8,
    statements: ["update evo.entries set claimed = 'nobody'", rehashed(1)],
    exactly: 1,
  },
];
