/** A timeout below what earlier runs needed: from a real ledger to a finding. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lint } from "../../src/authoring/lint.js";
import { gateHistory } from "../../src/evo/history.js";
import { readSettings } from "../../src/evo/settings.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { NewEntry } from "../../src/run/ports.js";
import { loadSequence } from "../../src/sequence/load.js";
import { folderWith } from "../sequence/folder.js";
import { type TestDatabase, type TestServer, testServer } from "../support/postgres.js";

let server: TestServer;
let database: TestDatabase;
let ledger: OpenLedger;

beforeAll(async () => {
  server = await testServer();
  database = await server.fresh();
  ledger = await database.open();
});
afterAll(() => server?.close());

const MINUTE = 60_000;

/** A run whose gate passed so long, in milliseconds, after the update had ended. */
function runWith(run: string, needed: number, more: Partial<NewEntry> = {}): readonly NewEntry[] {
  const entry = (type: string, body: NewEntry["body"]): NewEntry => ({
    type,
    run,
    sequence: "s",
    causes: [],
    body,
    ...more,
  });
  return [
    entry("run.started", { at: 0 }),
    entry("operation.succeeded", { at: 1_000, operation: `${run}.net.1.up` }),
    entry("gate.passed", { at: 1_000 + needed, gate: "net/steady", operations: [`${run}.net.1.up`] }),
    entry("run.completed", { at: 1_000 + needed }),
  ];
}

const record = (entries: readonly NewEntry[]) => ledger.append(entries, { id: randomUUID(), leases: [] });

async function findings(timeout: string) {
  const root = folderWith({
    "net/Pulumi.yaml": "name: net\nruntime: nodejs\n",
    "sequences/s.ts": `import { defineSequence, gate, settled, up } from "evo";
export default defineSequence({ name: "s", steps: [up("net", { dir: "../net", stack: "dev", convergedWhen: [
  gate("steady", { targets: ["net"], timeout: "${timeout}", probe: settled() })] })] });\n`,
  });
  const { sequence, locate } = await loadSequence(join(root, "sequences/s.ts"), root);
  const settings = readSettings({ EVO_LEDGER_URL: database.writer, EVO_HOME: join(root, "home") }, root);
  const history = await gateHistory(settings, sequence.name, () => undefined);
  return lint(sequence, root, history).findings.map(({ code, path, word, message }) => ({
    code,
    line: locate(path, word).line,
    message,
  }));
}

describe("lint, with a ledger", () => {
  it("finds the timeout that an earlier run would not have met, and no other", async () => {
    await record(runWith("s-1", 3 * MINUTE));
    await record(runWith("s-2", 4 * MINUTE));
    await record(runWith("s-3", 60 * MINUTE, { rehearsal: true }));
    await record(runWith("t-1", 60 * MINUTE, { sequence: "t" }));
    expect(await findings("2m")).toEqual([
      {
        code: "timeout-too-short",
        line: 3,
        message: 'Gate "steady" of step "net" times out after 2m; in run s-2 it needed 4m.',
      },
    ]);
    expect(await findings("5m")).toEqual([]);
  });
});
