/** The one question from which usual times follow: which runs it takes, which moments, and in what order. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { NewEntry } from "../../src/run/ports.js";
import { serverKinds, type TestServer } from "../support/postgres.js";

describe.each(serverKinds())("moments of earlier runs on $name", ({ start }) => {
  let server: TestServer;
  let ledger: OpenLedger;
  beforeAll(async () => {
    server = await start();
    ledger = await (await server.fresh()).open();
    await record("older", 1_000);
    await record("newer", 2_000);
    await record("rehearsed", 3_000, { rehearsal: true });
    await record("aborted", 4_000, {}, "run.aborted");
    await record("unfinished", 5_000, {}, "run.paused");
    await record("other", 6_000, { sequence: "t" });
  });
  afterAll(() => server?.close());

  function record(run: string, at: number, more: Partial<NewEntry> = {}, end = "run.completed"): Promise<unknown> {
    const entry = (type: string, body: NewEntry["body"], step?: string): NewEntry => ({
      type,
      run,
      sequence: "s",
      causes: [],
      body,
      ...(step === undefined ? {} : { step }),
      ...more,
    });
    const entries = [
      entry("run.started", { at }),
      entry("operation.intended", { at: at + 1 }, "a"),
      entry("operation.previewed", { at: at + 2 }, "a"),
      entry("operation.succeeded", { at: at + 9, ended: at + 3 }, "a"),
      entry("gate.measured", { at: at + 4 }, "a"),
      entry("boundary.opened", { at: at + 5 }, "a"),
      entry(end, { at: at + 6 }),
    ];
    return ledger.append(entries, { id: randomUUID(), leases: [] });
  }

  it("are those of completed runs of the sequence, and an update's end is the engine's", async () => {
    const found = await ledger.moments("s", false, 10);
    expect([...new Set(found.map(({ run }) => run))]).toEqual(["older", "newer"]);
    expect(found.filter(({ run }) => run === "newer")).toEqual([
      { run: "newer", type: "run.started", at: 2_000 },
      { run: "newer", type: "operation.intended", node: "a", at: 2_001 },
      { run: "newer", type: "operation.succeeded", node: "a", at: 2_003 },
      { run: "newer", type: "boundary.opened", node: "a", at: 2_005 },
      { run: "newer", type: "run.completed", at: 2_006 },
    ]);
  });

  it("keep rehearsals apart, and are of the newest runs only", async () => {
    expect(new Set((await ledger.moments("s", true, 10)).map(({ run }) => run))).toEqual(new Set(["rehearsed"]));
    expect(new Set((await ledger.moments("s", false, 1)).map(({ run }) => run))).toEqual(new Set(["newer"]));
    expect(await ledger.moments("unknown", false, 10)).toEqual([]);
  });
});
