/** What an operator asks of the ledger, and what nobody can do to it (invariant 7), on a shared Postgres. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPONENT, type Evo, openEvo } from "../support/evo.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";

let evo: Evo;
let postgres: TestServer;
let database: TestDatabase;
let env: { readonly [name: string]: string };

beforeAll(async () => {
  evo = await openEvo();
  postgres = await testServer();
  database = await postgres.fresh();
  env = { EVO_LEDGER_URL: database.writer };
  for (const name of ["a", "b"]) {
    await evo.init(evo.project(name, COMPONENT), "dev");
    const step = `up("${name}", { dir: "../projects/${name}", stack: "dev" })`;
    evo.sequence(name, `export default defineSequence({ name: "seq-${name}", steps: [${step}] });`);
    const { code, stderr } = await evo.run(["up", name], { env: { ...env, EVO_ACTOR: `op-${name}@test` } });
    if (code !== 0) throw new Error(stderr);
  }
});
afterAll(async () => {
  await evo.close();
  await postgres.close();
});

interface Line {
  readonly number: number;
  readonly type: string;
  readonly run?: string;
  readonly time: string;
  readonly sequence?: string;
  readonly actor: { readonly claimed: string };
}

const evoSays = (...args: readonly string[]) => evo.run(args, { env });
const log = async (...args: readonly string[]): Promise<readonly Line[]> =>
  JSON.parse((await evoSays("ledger", "log", ...args, "--json")).stdout);

describe("evo ledger log", () => {
  it("gives all entries, gap-free, as one JSON document, as ndjson and as lines", async () => {
    const all = await log();
    expect(all.map(({ number }) => number)).toEqual(all.map((_, at) => at + 1));
    expect(all.map(({ type }) => type).slice(0, 8)).toEqual([
      "stack.baselined",
      "sequence.declared",
      "run.started",
      "operation.intended",
      "operation.previewed",
      "operation.succeeded",
      "boundary.opened",
      "run.completed",
    ]);
    const ndjson = (await evoSays("ledger", "log", "--output", "ndjson")).stdout.trim().split("\n");
    expect(ndjson.map((line) => JSON.parse(line))).toEqual(all);
    const lines = (await evoSays("ledger", "log")).stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(all.length);
    expect(lines[3]).toMatch(
      /^ {4}4 {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}operation\.intended {4}seq-a-\w{6} {2}a: up, previewing$/,
    );
  });

  it("filters by run, sequence, stack, type, actor, time and number", async () => {
    const all = await log();
    const [first] = all;
    const b = all.filter(({ actor }) => actor.claimed === "op-b@test");
    const run = b.find((entry) => entry.run !== undefined)?.run ?? "";
    const operations = all.filter(({ type }) => type.startsWith("operation."));
    const split = b[0]?.time ?? "";
    const table: readonly (readonly [readonly string[], readonly Line[]])[] = [
      [["--sequence", "seq-b"], b.slice(1)],
      [["--run", run], b.filter((entry) => entry.run === run)],
      [["--type", "run.started"], all.filter(({ type }) => type === "run.started")],
      [["--type", "operation.*"], operations],
      [
        ["--stack", "b/dev"],
        [...b.slice(0, 1), ...operations.slice(3)],
      ],
      [["--stack", "ev"], []],
      [["--actor", "op-b"], b],
      [["--actor", "op-b@test", "--type", "run.*"], b.filter(({ type }) => type.startsWith("run."))],
      [["--since", split], b],
      [
        ["--until", split],
        all.slice(
          0,
          all.findIndex(({ actor }) => actor.claimed === "op-b@test"),
        ),
      ],
      [["--since", "1h"], all],
      [["--since", first?.time ?? "", "--limit", "2"], all.slice(-2)],
      [["--run", "nobody"], []],
    ];
    const answers = await Promise.all(table.map(([args]) => log(...args)));
    expect(answers.map((entries) => entries.map(({ number }) => number))).toEqual(
      table.map(([, entries]) => entries.map(({ number }) => number)),
    );
  });

  it("refuses a time that is none", async () => {
    const { code, stderr } = await evoSays("ledger", "log", "--since", "yesterday");
    expect(code).toBe(2);
    expect(stderr).toContain("--since takes an ISO 8601 time or an age such as 30m, 2h, 7d; not yesterday");
  });

  it.each([
    ["ledger", "log"],
    ["ledger", "log", "--json"],
    ["ledger", "show", "2"],
  ])("survives a reader that goes away: %s %s %s", async (...args) => {
    const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, ...args.filter((arg) => arg !== undefined)], {
      cwd: evo.directory,
      env: { ...evo.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("evo ledger show, runs, status", () => {
  it("show one entry whole, with its causes", async () => {
    const entry = JSON.parse((await evoSays("ledger", "show", "4", "--json")).stdout);
    expect(entry).toMatchObject({ number: 4, type: "operation.intended", causes: [{ number: 3 }] });
    const { stdout } = await evoSays("ledger", "show", "4");
    expect(stdout).toMatch(/^entry {6}4 of ledger /);
    expect(stdout).toMatch(/^causes {5}3 \(/m);
    expect(stdout).toContain("op-a@test");
    const none = await evoSays("ledger", "show", "999");
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("the ledger has no entry 999");
  });

  it("list runs and show where one stands, as JSON too", async () => {
    const runs = JSON.parse((await evoSays("runs", "--json")).stdout);
    expect(runs).toMatchObject([
      { sequence: "seq-b", status: "completed", rehearsal: false },
      { sequence: "seq-a", status: "completed" },
    ]);
    expect(JSON.parse((await evoSays("runs", "--limit", "1", "--json")).stdout)).toHaveLength(1);
    expect((await evoSays("runs")).stdout).toMatch(
      /^seq-b-\w{6} {2}completed {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}6$/m,
    );
    const view = JSON.parse((await evoSays("status", runs[1].run, "--json")).stdout);
    expect(view).toMatchObject({
      sequence: "seq-a",
      status: "completed",
      steps: [{ step: "a", status: "converged" }],
      driver: null,
    });
    expect((await evoSays("status", "nobody")).code).toBe(2);
  });

  it("print no line wider than a terminal of 80 columns", async () => {
    for (const args of [["status"], ["runs"], ["ledger", "log"]]) {
      const wide = (await inTerminal(args)).split(/\r?\n/).filter((line) => line.length > 80);
      expect(wide).toEqual([]);
    }
  });
});

/** What a terminal of 80 columns gets: `script` (util-linux) makes one. */
async function inTerminal(args: readonly string[]): Promise<string> {
  const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
  const command = `stty cols 80; exec '${process.execPath}' '${main}' ${args.join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: evo.directory, env: { ...evo.env, ...env } });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(text);
  return text;
}

// -------------------------------------------------------------------------------------------------- tampering

const PSQL = spawnSync("psql", ["--version"]).status === 0;

/** Runs SQL as the writer: with the real psql where there is one, else with the equivalent client. */
async function asWriter(sql: string): Promise<string> {
  if (!PSQL)
    return query(database.writer, sql).then(
      () => "",
      (error: Error) => `ERROR: ${error.message}`,
    );
  const { stderr } = spawnSync("psql", [database.writer, "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql], {
    encoding: "utf8",
  });
  return stderr;
}

const ENTRY = "(number, time, type, version, text, previous, hash) values (99, now(), 'run.aborted', 1, '{}', '', '')";

describe(`the writer role, in ${PSQL ? "psql" : "pg (there is no psql here)"}`, () => {
  it.each([
    ["insert past evo.append", `insert into evo.entries ${ENTRY}`],
    ["update", "update evo.entries set claimed = 'me'"],
    ["delete", "delete from evo.entries"],
    ["truncate", "truncate evo.entries"],
    ["move the head", "update evo.head set number = 1"],
    ["drop a trigger", "drop trigger append_only on evo.entries"],
    ["disable triggers", "alter table evo.entries disable trigger all"],
    ["replay as a replica", "set session_replication_role = replica"],
    ["alter the table", "alter table evo.entries add column mine text"],
    ["drop the table", "drop table evo.entries"],
    ["become the owner", "set role evo_owner"],
    ["become the superuser", "set role postgres"],
    ["take another's lease", "update evo.leases set token = 99"],
    ["change samples", "delete from evo.samples"],
  ])("cannot %s", async (_, sql) => {
    expect(await asWriter(sql)).toMatch(/ERROR: .*(permission denied|must be owner|does not exist|cannot)/i);
  });

  it("can read, and has changed nothing", async () => {
    expect(await asWriter("select number from evo.readable_entries")).toBe("");
    const { code, stdout } = await evoSays("ledger", "verify");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /hold for entries 1 to (\d+); .*\nanchored to \1, by this client's checkpoint by op-a@test\+[0-9a-f]{8}; nothing after it/,
    );
  });
});

describe("evo ledger checkpoint, keys, export, import", () => {
  const at = (name: string) => join(evo.directory, name);
  let key: string;
  let last: number;

  it("signs how far the record came, to stdout, a file or a command, and is believed by who knows the key", async () => {
    const keys = JSON.parse((await evoSays("ledger", "keys", "--json")).stdout);
    expect(keys).toEqual([{ key: expect.stringMatching(/^op-a@test\+/), state: "own", entry: expect.any(Number) }]);
    key = keys[0].key;
    const { stdout } = await evoSays("ledger", "checkpoint");
    expect(stdout).toMatch(/^evo\.ledger\/1\/\S+\n\d+\n\S{44}\n\n— op-a@test \S+\n$/);
    last = Number(stdout.split("\n")[1]);
    await evoSays("ledger", "checkpoint", "--output", at("one"));
    await evoSays("ledger", "checkpoint", "--exec", `cat > '${at("two")}'`);
    for (const name of ["one", "two"]) expect(readFileSync(at(name), "utf8")).toBe(stdout);
    const against = await evoSays("ledger", "verify", "--against", at("one"), "--key", key, "--json");
    expect(JSON.parse(against.stdout)).toMatchObject({ checked: last, anchored: { number: last } });
    expect((await evoSays("ledger", "checkpoint", "--exec", "exit 7")).code).toBe(1);
  });

  it("exports what verifies without a ledger, and moves it to an empty server", async () => {
    expect((await evoSays("ledger", "export", at("export.jsonl"))).code).toBe(0);
    const elsewhere = { env: { EVO_LEDGER_URL: "", EVO_HOME: at("nobody") } };
    const check = (...more: readonly string[]) =>
      evo.run(["ledger", "verify", "--file", at("export.jsonl"), ...more], elsewhere);
    expect((await check("--key", key)).stdout).toContain(`anchored to ${last}, by its own checkpoint by op-a@test`);
    expect((await check()).stdout).toMatch(
      /^not anchored: its checkpoints are by op-a@test\+\w{8}, which nobody here trusts/m,
    );
    const target = await postgres.fresh();
    const moved = (...args: readonly string[]) => evo.run(args, { env: { EVO_LEDGER_URL: target.admin } });
    expect((await moved("ledger", "import", at("export.jsonl"))).stdout).toMatch(
      /^entries 1 to \d+ of ledger \S+ are moved/,
    );
    expect((await moved("ledger", "verify")).stdout).toMatch(/^anchored to \d+, .*; \d+ not yet anchored$/m);
    expect((await moved("ledger", "import", at("export.jsonl"))).code).toBe(2);
  });
});

describe("evo ledger verify", () => {
  it("finds a row that the owner changed by force: exit 10, with its number", async () => {
    const force = [
      "alter table evo.entries disable trigger append_only",
      "update evo.entries set claimed = 'somebody-else' where number = 4",
      "alter table evo.entries enable trigger append_only",
    ];
    await query(database.admin, "set role evo_owner", ...force);
    const { code, stderr } = await evoSays("ledger", "verify");
    expect(code).toBe(10);
    expect(stderr).toMatch(/^evo: entry 4: .*\[ledger\.broken\]$/m);
    expect(stderr).toMatch(/→ /);
    const json = await evoSays("ledger", "verify", "--json");
    expect(json.code).toBe(10);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: "ledger.broken", exit: 10 } });
  });
});
