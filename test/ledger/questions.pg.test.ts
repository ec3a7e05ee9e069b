/** Lists and questions on a real Postgres: what each view gives, and that pages, shortened names and limits miss nothing. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EntryFilter } from "../../src/ledger/entries.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { Entry, NewEntry } from "../../src/run/ports.js";
import { query, serverKinds, type TestDatabase, type TestServer } from "../support/postgres.js";

const STACK = "file:///state#organization/app/prod";
const OTHER = "file:///state#organization/app/prod-eu";

describe.each(serverKinds())("questions on $name", ({ start }) => {
  let server: TestServer;
  let database: TestDatabase;
  let ledger: OpenLedger;
  let robot: OpenLedger;
  let all: readonly Entry[];

  const append = async (to: OpenLedger, ...entries: readonly (Partial<NewEntry> & { type: string })[]) =>
    to.append(
      entries.map((entry) => ({ causes: [], body: {}, ...entry })),
      { id: randomUUID(), leases: [] },
    );

  /** 1 declared; 2 to 11 a run of maria's; 12 a foreign change; 13 to 15 a run that answers, by a robot. */
  async function record(): Promise<void> {
    const own = { run: "r1", sequence: "s" };
    const looks = { gate: "b/g", target: "eu", measurements: [], operations: [], counts: {} };
    await append(
      ledger,
      { type: "sequence.declared", sequence: "s" },
      {
        type: "run.started",
        ...own,
        causes: [{ batch: 0 }],
        body: { plan: { sequence: { name: "s", owner: "team-a" } } },
      },
      { type: "operation.intended", ...own, step: "b", stack: STACK, operation: "o1", causes: [{ batch: 1 }] },
      { type: "operation.previewed", ...own, step: "b", stack: STACK, operation: "o1", causes: [{ batch: 2 }] },
      {
        type: "operation.succeeded",
        ...own,
        step: "b",
        stack: STACK,
        operation: "o1",
        causes: [{ batch: 3 }],
        body: { changes: { counts: { create: 2 } } },
      },
      { type: "gate.measured", ...own, step: "b", causes: [{ batch: 4 }], body: looks },
      { type: "gate.measured", ...own, step: "b", causes: [{ batch: 4 }], body: looks },
      { type: "gate.passed", ...own, step: "b", causes: [{ batch: 6 }], body: { gate: "b/g" } },
      { type: "boundary.opened", ...own, step: "b", causes: [{ batch: 4 }, { batch: 7 }], body: { node: "b" } },
      { type: "run.halted", ...own, causes: [{ batch: 8 }], body: { cause: "inconsistent", reason: "no" } },
      { type: "run.aborted", ...own, causes: [{ batch: 9 }], body: { reason: "enough" } },
    );
    await append(robot, { type: "departure.detected", stack: STACK, body: { summary: "pushed", by: "unknown" } });
    await append(
      robot,
      { type: "run.started", run: "r2", sequence: "t", causes: [10], body: { plan: { sequence: { name: "t" } } } },
      {
        type: "operation.intended",
        run: "r2",
        sequence: "t",
        step: "c",
        stack: OTHER,
        operation: "o2",
        causes: [{ batch: 0 }],
      },
      {
        type: "operation.failed",
        run: "r2",
        sequence: "t",
        step: "c",
        stack: OTHER,
        operation: "o2",
        causes: [{ batch: 1 }],
        body: { how: "failed", reason: "quota" },
      },
    );
  }

  beforeAll(async () => {
    server = await start();
    database = await server.fresh();
    ledger = await database.open("maria@ops");
    robot = await database.open("robot@ci");
    await record();
    all = await list({});
  });
  afterAll(() => server?.close());

  async function list(filter: EntryFilter): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    for await (const entry of ledger.entries(filter)) found.push(entry);
    return found;
  }
  const numbers = (entries: readonly { readonly number: number }[]) => entries.map(({ number }) => number);
  const timeOf = (number: number) => all[number - 1]?.time ?? "";

  it("lists by each thing that is asked for, in order", async () => {
    const table: readonly (readonly [EntryFilter, readonly number[]])[] = [
      [{}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]],
      [{ stack: "app/prod" }, [3, 4, 5, 12]],
      [{ stack: "prod-eu" }, [14, 15]],
      [{ stack: STACK }, [3, 4, 5, 12]],
      [{ stack: "rod" }, []],
      [{ type: "run.*" }, [2, 10, 11, 13]],
      [{ type: "run.started" }, [2, 13]],
      [{ type: "nothing.*" }, []],
      [{ actor: "robot" }, [12, 13, 14, 15]],
      [{ actor: "robot@ci", type: "run.*" }, [13]],
      [{ actor: "robot@elsewhere" }, []],
      [{ actor: all[0]?.actor.authenticated ?? "" }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]],
      [{ since: timeOf(12) }, [12, 13, 14, 15]],
      [{ since: timeOf(4), until: timeOf(6) }, [4, 5]],
      [{ until: timeOf(3), last: 1 }, [2]],
      [{ last: 3 }, [13, 14, 15]],
      [{ actor: "robot", last: 2 }, [14, 15]],
      [{ after: 13 }, [14, 15]],
      [{ limit: 2 }, [1, 2]],
      [{ run: "r1", type: "operation.*", last: 2 }, [4, 5]],
    ];
    for (const [filter, expected] of table)
      expect(numbers(await list(filter)), JSON.stringify(filter)).toEqual(expected);
  });

  it("goes on behind a page, by number, by time and by actor", async () => {
    const many = await (await server.fresh()).open("maria@ops");
    const entry: NewEntry = { type: "scan.completed", causes: [], body: {} };
    await many.append(Array(1203).fill(entry), { id: randomUUID(), leases: [] });
    const filters = [{}, { since: "2000-01-01T00:00:00Z" }, { actor: "maria" }, { last: 1001 }];
    for (const filter of filters) {
      const found: number[] = [];
      for await (const { number } of many.entries(filter)) found.push(number);
      const first = "last" in filter ? 203 : 1;
      expect(found).toEqual(Array.from({ length: 1204 - first }, (_, at) => first + at));
    }
  });

  it("finds what led to an entry and what followed, each once, the nearest first", async () => {
    expect(numbers(await ledger.related(9, "causes", 100))).toEqual([1, 2, 3, 4, 5, 7, 8, 9]);
    expect(numbers(await ledger.related(9, "causes", 3))).toEqual([5, 8, 9]);
    expect(numbers(await ledger.related(5, "effects", 100))).toEqual([5, 6, 7, 8, 9, 10, 11, 13, 14, 15]);
    expect(numbers(await ledger.related(99, "causes", 100))).toEqual([]);
    const edges = await query(
      database.superuser,
      "set role evo_reader",
      "select number, cause, place from evo.readable_causes where number = 9 order by place",
    );
    expect(edges).toEqual([
      { number: "9", cause: "5", place: "1" },
      { number: "9", cause: "8", place: "2" },
    ]);
  });

  it("gives an audit what it needs, and no look that no pass rests on", async () => {
    const parts = (await ledger.audited("r1")).map(({ part, entry }) => `${entry.number} ${part}`);
    expect(parts).toEqual([
      "1 origin",
      ...[2, 3, 4, 5].map((number) => `${number} own`),
      "7 evidence",
      ...[8, 9, 10, 11].map((number) => `${number} own`),
      "13 answer",
    ]);
    expect(await ledger.audited("nobody")).toEqual([]);
  });

  it("gives an audit the departures on its stacks that were recorded before its end, by whomever", async () => {
    await append(ledger, { type: "run.started", run: "r3", body: { plan: { sequence: { name: "u" } } } });
    await append(ledger, { type: "operation.intended", run: "r3", step: "b", stack: STACK });
    const found = (await ledger.audited("r3")).filter(({ part }) => part === "departure");
    expect(numbers(found.map(({ entry }) => entry))).toEqual([12]);
  });

  it("gives an audit the departures in its sequence's order, on stacks that it has not reached", async () => {
    const other = await (await server.fresh()).open();
    const body = { id: "d", place: "early" };
    await append(other, { type: "departure.detected", sequence: "s", stack: OTHER, body });
    await append(other, { type: "departure.reconciled", stack: OTHER, body, causes: [1] });
    await append(other, { type: "departure.detected", sequence: "t", stack: STACK, body });
    await append(other, { type: "run.started", run: "r", sequence: "s", body: { plan: {} } });
    await append(other, { type: "departure.reopened", stack: OTHER, body, causes: [1] });
    await append(other, { type: "run.halted", run: "r", sequence: "s" });
    await append(other, { type: "departure.closed", stack: OTHER, body, causes: [1] });
    const found = (await other.audited("r")).filter(({ part }) => part === "departure");
    expect(numbers(found.map(({ entry }) => entry))).toEqual([1, 2, 5]);
  });

  it("names the newest start of a step and its outcome, in all runs and in one", async () => {
    const of = async (step: string, run?: string) => {
      const found = await ledger.newestOf(step, run);
      return found && [found.start.number, found.outcome?.number];
    };
    expect(await of("b", "r1")).toEqual([3, 5]);
    expect(await of("c")).toEqual([14, 15]);
    expect(await of("c", "r1")).toBeUndefined();
    expect(await of("nothing")).toBeUndefined();
    await append(ledger, { type: "boundary.opened", run: "r4", sequence: "v", step: "group" });
    expect(await of("group")).toEqual([18, undefined]);
  });

  it("tells the evolution: runs with owner, person, standing and counts", async () => {
    const rows = await ledger.evolution({ rehearsal: false, limit: 2, until: timeOf(15) });
    expect(rows).toMatchObject([
      {
        run: "r1",
        owner: "team-a",
        claimed: "maria@ops",
        standing: "aborted",
        first: 2,
        last: 11,
        stacks: [STACK],
        succeeded: 1,
        failed: 0,
        halts: 1,
      },
      { run: "r2", claimed: "robot@ci", standing: "running", failed: 1, stacks: [OTHER] },
    ]);
    const runs = async (filter: object) =>
      (await ledger.evolution({ rehearsal: false, limit: 9, until: timeOf(15), ...filter })).map(({ run }) => run);
    expect(await runs({ owner: "team-a" })).toEqual(["r1"]);
    expect(await runs({ stacks: [OTHER] })).toEqual(["r2"]);
    expect(await runs({ since: timeOf(13) })).toEqual(["r2"]);
    expect(await runs({ limit: 1 })).toEqual(["r2"]);
    expect(await runs({ rehearsal: true })).toEqual([]);
  });

  it("tells how a stack came to its state, with what evo did not do", async () => {
    const rows = await ledger.history({ stacks: [STACK], limit: 10 });
    expect(rows).toMatchObject([
      { number: 5, governed: true, counts: { create: 2 }, startedBy: "maria@ops", converged: 9 },
      { number: 12, governed: false, type: "departure.detected", body: { summary: "pushed", by: "unknown" } },
    ]);
    expect(await ledger.history({ stacks: [OTHER], limit: 10 })).toMatchObject([{ how: "failed", reason: "quota" }]);
    expect(numbers(await ledger.history({ stacks: [STACK], governed: false, limit: 10 }))).toEqual([12]);
    expect(await ledger.stacks("prod")).toMatchObject([{ stack: STACK }]);
    expect((await ledger.stacks("nothing")).length).toBe(0);
  });

  it("checks a stretch of the chain, and finds what was changed in it", async () => {
    expect(await ledger.stretch(2, 11)).toEqual({ first: 2, last: 11 });
    const copy = await server.fresh();
    const other = await copy.open();
    await append(other, { type: "run.started", run: "x" }, { type: "run.paused", run: "x" }, { type: "run.aborted" });
    await query(
      copy.superuser,
      "set session_replication_role = replica; update evo.entries set claimed = 'nobody' where number = 2",
    );
    expect(await other.stretch(1, 1)).toEqual({ first: 1, last: 1 });
    expect(await other.stretch(1, 3)).toMatchObject({ broken: { number: 2 } });
    expect(await other.stretch(3, 4)).toMatchObject({ broken: { number: 4, reason: "it is missing" } });
  });
});
