/** What a client does for the integrity of its ledger: it notices, signs, rotates, moves (DESIGN 7). */
import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { importFile, type OpenLedger, openLedger, verifyFile } from "../../src/ledger/index.js";
import type { Entry } from "../../src/run/ports.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";
import { cutAfter, RECORDED, record } from "./attacks.js";

let server: TestServer;
let database: TestDatabase;
let folder: string;
const opened: OpenLedger[] = [];

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server?.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "evo-integrity-"));
  database = await server.fresh();
});
afterEach(async () => {
  for (const ledger of opened.splice(0)) await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

const file = (name: string) => join(folder, name);

async function client(name: string, on = database): Promise<OpenLedger> {
  const ledger = await openLedger({ url: on.writer, home: file(name), claimed: name, say: () => {} });
  opened.push(ledger);
  return ledger;
}

/** What was opened is closed, so that it remembers, and its database can be copied. */
async function leave(): Promise<void> {
  for (const ledger of opened.splice(0)) await ledger.close();
}

const append = (ledger: OpenLedger, type = "run.halted") =>
  ledger.append([{ type, run: "r", causes: [], body: {} }], { id: randomUUID(), leases: [] });

async function force(...statements: readonly string[]): Promise<void> {
  await query(database.superuser, "set session_replication_role = replica", ...statements);
}

describe("a client", () => {
  beforeEach(async () => {
    const ledger = await client("ann");
    await append(ledger);
    await append(ledger);
    await append(ledger);
    await leave();
  });

  const refusals: readonly (readonly [string, (ledger: OpenLedger) => Promise<unknown>])[] = [
    ["append", append],
    ["acquire", (ledger) => ledger.acquire("stack/a", {}, 1000)],
    ["checkpoint", (ledger) => ledger.checkpoint()],
    ["makeKey", (ledger) => ledger.makeKey()],
  ];

  it("notices a ledger that went back before it writes anything, and still reads it", async () => {
    await force(...cutAfter(2));
    const ledger = await client("ann");
    for (const [, write] of refusals)
      await expect(write(ledger)).rejects.toMatchObject({
        code: "ledger.went-back",
        exit: 10,
        message: expect.stringContaining("ends at entry 2, and this client has seen entry 3"),
      });
    expect(await ledger.load("r")).toHaveLength(2);
    expect((await ledger.verify()).broken).toMatchObject({ number: 3 });
  });

  it("notices one that went back and then went on", async () => {
    await force(...cutAfter(2));
    const stranger = await client("bob");
    for (const _ of [3, 4, 5]) await append(stranger);
    await expect(append(await client("ann"))).rejects.toThrow(/entry 3 is not the one that this client has seen/);
  });

  it("notices another ledger in the place of the one it knows", async () => {
    await force("update evo.head set ledger = 'another'");
    await expect(append(await client("ann"))).rejects.toThrow(/it is another one: another, not/);
    expect((await (await client("ann")).verify()).broken).toMatchObject({ number: 1 });
  });

  it("goes on after a person has signed for it, and what was lost stays in the record", async () => {
    const signing = await client("ann");
    const { number } = await signing.checkpoint();
    await leave();
    await force(...cutAfter(2));
    const ledger = await client("ann");
    const entry = await ledger.acceptReplaced("restored, INC-1");
    expect(entry).toMatchObject({
      type: "ledger.replaced",
      number: 3,
      body: { reason: "restored, INC-1", found: { number: 2 }, lost: { number } },
    });
    await append(ledger);
    expect(await ledger.verify()).not.toHaveProperty("broken");
    await leave();
    expect(await append(await client("ann"))).toHaveLength(1);
  });

  it("that has never seen the ledger has nothing to notice", async () => {
    await force(...cutAfter(2));
    expect(await append(await client("eve"))).toHaveLength(1);
  });
});

describe("checkpoints", () => {
  it("are made with a key of the client's own, which is recorded; each begins at the one before", async () => {
    const ledger = await client("ann");
    await append(ledger);
    const first = await ledger.checkpoint();
    expect(await ledger.entry(2)).toMatchObject({ type: "key.added", body: { key: expect.stringMatching(/^ann\+/) } });
    expect((await ledger.verify()).anchored).toMatchObject({ number: 2 });
    await append(ledger);
    const second = await ledger.checkpoint();
    expect([first.number, second.number]).toEqual([2, 3]);
    expect(await ledger.verify()).toMatchObject({ checked: 3, anchored: { number: 3 } });
    await append(ledger);
    expect(await ledger.verify()).toMatchObject({ checked: 4, anchored: { number: 3 } });
  });

  it("are refused of a record that doesn't hold", async () => {
    const ledger = await client("ann");
    await ledger.checkpoint();
    await append(ledger);
    await force("update evo.entries set claimed = 'x' where number = 2");
    await expect(ledger.checkpoint()).rejects.toMatchObject({ code: "ledger.broken", exit: 10 });
  });

  it("are left at a run's end, with a key unasked only where it stays; what fails is said", async () => {
    const lines: string[] = [];
    const open = async (name: string, transient: boolean) => {
      const settings = { url: database.writer, home: file(name), claimed: name, transient };
      const ledger = await openLedger({ ...settings, say: (line) => lines.push(line) });
      opened.push(ledger);
      return ledger;
    };
    const passing = await open("ci", true);
    await passing.leaveCheckpoint();
    expect(await passing.keys()).toEqual([]);
    const staying = await open("ann", false);
    await staying.leaveCheckpoint();
    expect(await staying.keys()).toMatchObject([{ state: "own", entry: 1 }]);
    await append(staying);
    await force("delete from evo.entries where number = 2");
    await staying.leaveCheckpoint();
    expect(lines).toEqual([expect.stringContaining("warning: there is no new checkpoint: entry 2: it is missing")]);
  });

  it("of a rotated key are believed by who trusts the first, up to the rotation", async () => {
    const ledger = await client("ann");
    const old = await ledger.makeKey();
    await expect(ledger.makeKey()).rejects.toMatchObject({ code: "ledger.key", exit: 2 });
    await ledger.checkpoint();
    const young = await ledger.rotateKey("the laptop was lost");
    const { number } = await ledger.checkpoint();
    await writeFile(file("checkpoint"), (await ledger.checkpoint()).note);
    expect((await ledger.keys()).map(({ key, state }) => [key, state])).toEqual([
      [old, "replaced"],
      [young, "own"],
    ]);
    const auditor = await client("auditor");
    const trusting = { keys: [old], against: file("checkpoint") };
    expect(await auditor.verify(trusting)).toMatchObject({ anchored: { number } });
    expect((await auditor.verify({ against: file("checkpoint") })).broken).toMatchObject({ number });
    await auditor.trustKey(old);
    expect(await auditor.verify({ against: file("checkpoint") })).toMatchObject({ anchored: { number } });
  });

  it("and keys are for this user's eyes only", async () => {
    const ledger = await client("ann");
    await ledger.checkpoint();
    const known = join(file("ann"), "ledger", "known");
    for (const entry of await readdir(known, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      expect(mode & 0o077, entry.name).toBe(0);
    }
    const exported: string[] = [];
    for await (const line of ledger.export()) exported.push(line);
    expect(exported.join("")).not.toContain("PRIVATE");
  });
});

describe("a record that is moved", () => {
  async function exported(from: OpenLedger): Promise<string> {
    const lines: string[] = [];
    for await (const line of from.export()) lines.push(`${line}\n`);
    await writeFile(file("export.jsonl"), lines.join(""));
    return file("export.jsonl");
  }
  const into = (target: TestDatabase) => ({ url: target.admin, home: file("ann"), claimed: "ann", say: () => {} });
  const all = async (ledger: OpenLedger): Promise<readonly Entry[]> => {
    const entries: Entry[] = [];
    for await (const entry of ledger.entries({})) entries.push(entry);
    return entries;
  };

  it("is the same ledger on another server: ids, numbers, times, actors, hashes, looks; anchored as before", async () => {
    const ledger = await client("ann");
    await record(ledger);
    const from = await exported(ledger);
    const before = await all(ledger);
    const target = await server.fresh();
    const entry = await importFile(into(target), from);
    expect(entry).toMatchObject({ type: "ledger.imported", number: RECORDED + 1 });
    const moved = await client("ann", target);
    expect((await all(moved)).slice(0, -1)).toEqual(before);
    expect(await moved.samples("r1", "g")).toEqual(await ledger.samples("r1", "g"));
    const result = await moved.verify({ against: from });
    expect(result).toMatchObject({ checked: RECORDED + 1, looks: 9, anchored: { number: RECORDED } });
    expect(result).not.toHaveProperty("broken");
    expect(await append(moved, "run.paused")).toMatchObject([{ number: RECORDED + 2 }]);
  });

  it("is refused by a ledger that is not empty, by a role that doesn't own it, and where it is broken", async () => {
    const ledger = await client("ann");
    await record(ledger);
    const from = await exported(ledger);
    const target = await server.fresh();
    await expect(importFile({ ...into(target), url: target.writer }, from)).rejects.toMatchObject({
      code: "ledger.schema",
      exit: 9,
    });
    const text = await readFile(from, "utf8");
    await writeFile(file("changed.jsonl"), text.replace("naïve", "naive"));
    await expect(importFile(into(target), file("changed.jsonl"))).rejects.toMatchObject({ code: "ledger.broken" });
    await importFile(into(target), from);
    await expect(importFile(into(target), from)).rejects.toMatchObject({ code: "ledger.not-empty", exit: 2 });
  });

  it("is none where the file is missing or another", async () => {
    await writeFile(file("other"), "no export\n");
    await expect(verifyFile(folder, file("missing"), {})).rejects.toMatchObject({ code: "usage", exit: 2 });
    await expect(verifyFile(folder, file("other"), {})).rejects.toMatchObject({ code: "ledger.export", exit: 10 });
  });

  it("is checked by the target's database itself", async () => {
    const target = await server.fresh();
    const row = { number: 1, time: "2026-03-10T12:00:00.000001Z", type: "run.started", version: 1, rehearsal: false };
    const rest = { claimed: "a", authenticated: "b", cause_numbers: [], cause_hashes: [], text: "{}" };
    const rows = JSON.stringify([{ ...row, ...rest, previous: "0".repeat(64), hash: "f".repeat(64) }]);
    await expect(
      query(target.admin, "set role evo_owner", `select evo.import_entries('${rows}')`),
    ).rejects.toMatchObject({ code: "EV008" });
    await expect(query(target.writer, "select evo.begin_import('x')")).rejects.toThrow(/permission denied/);
  });
});
