/**
 * `npm run bench -- ledger [--entries N]`: what the ledger costs as it grows. A record of realistic runs is made through
 * the append path (`evo.append`, batches), to a tenth of N and then to N (default 1,000,000); at both sizes:
 *
 * - appends per second, through the product's own client: single from 1 and 8 clients, in batches of 10 and 100; beside
 *   raw single-row commits by the same driver on the same server, in turn with them. Ratios are of one round each;
 * - p95 in the database (EXPLAIN ANALYZE of the product's own statements, planning included) of `log` by run, stack, actor
 *   and time, of `why` at depth 50, of the entries that an audit reads, and of the history of a stack;
 * - `verify` beside reading the same rows and hashing their bytes.
 *
 * The server is an embedded one with the product's own settings, below a temporary EVO_HOME.
 */
import { hash, randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import pg from "pg";
import { findPlace } from "../../dist/ledger/embedded/place.js";
import { joinServer } from "../../dist/ledger/embedded/server.js";
import { entries } from "../../dist/ledger/entries.js";
import { openLedger } from "../../dist/ledger/index.js";
import { audited, history, related } from "../../dist/ledger/questions.js";

const GOALS = { single: 0.35, query: 30, verify: 1.5 };
/** Entries a run, so that its last ones have causes 50 deep; runs, stacks and actors that the record is spread over. */
const RUN = 60;
const STACKS = 400;
const ACTORS = 20;
const ROUNDS = 3;
const ROUND = 1500;
const PROBES = 40;

/** Prints all figures. `size`: entries of the greater record. */
export async function benchLedger(size) {
  const home = mkdtempSync(join(tmpdir(), "evo-bench-ledger-"));
  // Where Postgres' own user, as which root runs it, can get.
  chmodSync(home, 0o711);
  const server = await joinServer({ home, say: console.error });
  const place = findPlace(home);
  const opened = [];
  const open = async (claimed) => {
    const ledger = await openLedger({ home, claimed, say: console.error });
    opened.push(ledger);
    return ledger;
  };
  try {
    const writers = [];
    for (let i = 0; i < ACTORS; i += 1) writers.push(await open(`actor-${i}@bench`));
    const raw = await openRaw(server.admin);
    await describe(raw.clients[0]);
    for (const target of [Math.round(size / 10), size]) {
      await fill(writers, target);
      await raw.clients[0].query("analyze");
      await figures(writers, raw, server.writer);
    }
    for (const client of raw.clients) await client.end();
  } finally {
    for (const ledger of opened) await ledger.close();
    await server.leave();
    for (const folder of [place.base, home]) rmSync(folder, { recursive: true, force: true });
  }
}

async function describe(client) {
  const show = async (name) => (await client.query(`show ${name}`)).rows[0][name];
  const settings = [];
  for (const name of ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"])
    settings.push(`${name} ${await show(name)}`);
  const load = loadavg().map((value) => value.toFixed(1));
  console.log(
    `Postgres: ${settings.join(", ")}; node ${process.version}; ${cpus().length} cores, load ${load.join(" ")}`,
  );
}

// ------------------------------------------------------------------------------------------------------ the record

/** Runs as evo writes them, shortened: intents, outcomes, looks, a pass, an opening; each caused by the one before. */
async function fill(writers, target) {
  const began = performance.now();
  let [{ number }] = await count(writers[0]);
  const from = number;
  if (from >= target) return console.log(`\n== ${number} entries`);
  while (number < target) {
    const runs = Math.min(10, Math.ceil((target - number) / RUN));
    const writer = writers[Math.floor(Math.random() * writers.length)];
    const made = await writer.append(Array.from({ length: runs }, aRun).flatMap(offset), {
      id: randomUUID(),
      leases: [],
    });
    number = made.at(-1).number;
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(`\n== ${number} entries (${Math.round((number - from) / seconds)}/s in batches of ${10 * RUN})`);
}

async function count(ledger) {
  for await (const { number } of ledger.entries({ last: 1 })) return [{ number }];
  return [{ number: 0 }];
}

/** Causes are places in the run; in a batch of several runs they move. */
function offset(run, at) {
  return run.map((entry) => ({ ...entry, causes: entry.causes.map((place) => ({ batch: place + at * RUN })) }));
}

const TYPES = [
  "operation.intended",
  "operation.previewed",
  "operation.succeeded",
  "gate.measured",
  "gate.measured",
  "gate.passed",
  "boundary.opened",
];

function aRun() {
  const run = `run-${randomUUID().slice(0, 13)}`;
  const sequence = `sequence-${Math.floor(Math.random() * 50)}`;
  const stack = `file:///state#organization/project-${Math.floor(Math.random() * STACKS)}/prod`;
  return Array.from({ length: RUN }, (_, at) => {
    const type = at === 0 ? "run.started" : at === RUN - 1 ? "run.completed" : TYPES[at % TYPES.length];
    const about = type.startsWith("operation.") ? { stack, operation: `${run}.step-${at % 7}.1.up` } : {};
    const body = {
      at: 1_780_000_000_000 + at,
      note: "what a look observed and expected, and a reason ".repeat(4),
      place: at,
    };
    return { type, run, sequence, step: `step-${at % 7}`, ...about, causes: at === 0 ? [] : [at - 1], body };
  });
}

// --------------------------------------------------------------------------------------------------------- figures

async function figures(writers, raw, login) {
  await appends(writers, raw);
  await questions(login);
  await verifying(writers[0], login);
}

async function openRaw(login) {
  const clients = [];
  for (let i = 0; i < 8; i += 1) {
    const client = new pg.Client(login);
    await client.connect();
    clients.push(client);
  }
  await clients[0].query("create table raw (id bigint generated always as identity primary key, text text not null)");
  return { clients };
}

async function appends(writers, raw) {
  const text = JSON.stringify(aRun()[5].body);
  const insert = (i) => raw.clients[i].query("insert into raw (text) values ($1)", [text]);
  const append = (i, batch) => {
    const items = aRun()
      .slice(1, batch + 1)
      .map((entry) => ({ ...entry, causes: [] }));
    while (items.length < batch) items.push(...items.slice(0, batch - items.length));
    return writers[i].append(items, { id: randomUUID(), leases: [] });
  };
  const rows = [
    { name: "single, 1 client", clients: 1, batch: 1, goal: GOALS.single },
    { name: "single, 8 clients", clients: 8, batch: 1 },
    { name: "batches of 10, 1 client", clients: 1, batch: 10 },
    { name: "batches of 100, 1 client", clients: 1, batch: 100 },
  ];
  for (const { name, clients, batch, goal } of rows) {
    const rounds = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const base = await rate(clients, insert);
      const own = (await rate(clients, (i) => append(i, batch))) * batch;
      if (round > 0) rounds.push({ base, own, ratio: own / base });
    }
    const [base, own, ratio] = ["base", "own", "ratio"].map((key) => median(rounds.map((round) => round[key])));
    const wanted = goal === undefined ? "" : ` (goal: at least ${goal})`;
    console.log(
      `append, ${name}: ${Math.round(own)} entries/s; raw commits ${Math.round(base)}/s; ratio ${ratio.toFixed(2)}${wanted}`,
    );
  }
}

/** Calls a second, each client one after the other. */
async function rate(clients, call) {
  const end = performance.now() + ROUND;
  let calls = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      while (performance.now() < end) {
        await call(i);
        calls += 1;
      }
    }),
  );
  return (calls * 1000) / (performance.now() - began);
}

/** The product's statements, each run under EXPLAIN ANALYZE and then as it is. */
async function questions(login) {
  const client = new pg.Client(login);
  await client.connect();
  await client.query("set role evo_writer");
  let spent = 0;
  const database = {
    where: "bench",
    async ask(text, values = []) {
      const { rows } = await client.query(`explain (analyze, timing off, format json) ${text}`, values);
      const [plan] = rows[0]["QUERY PLAN"];
      spent += plan["Planning Time"] + plan["Execution Time"];
      return (await client.query(text, values)).rows;
    },
  };
  const pick = async (sql) => (await client.query(sql)).rows;
  const some = await pick(`select run, stack, claimed, time, number from evo.readable_entries where number in
    (select (random() * (select number from evo.readable_head))::bigint from generate_series(1, 400)) and stack is not null limit ${PROBES}`);
  const ends = await pick(
    `select last as number from evo.readable_runs where version = ${RUN} order by random() limit ${PROBES}`,
  );
  const list = async (filter) => {
    for await (const _ of entries(database, { ...filter, last: 100 }));
  };
  const asked = {
    "log by run": () =>
      some.map(
        ({ run }) =>
          () =>
            list({ run }),
      ),
    "log by stack": () =>
      some.map(
        ({ stack }) =>
          () =>
            list({ stack: stack.split("organization/")[1] }),
      ),
    "log by actor": () =>
      some.map(
        ({ claimed }) =>
          () =>
            list({ actor: claimed.split("@")[0] }),
      ),
    "log by time": () =>
      some.map(
        ({ time }) =>
          () =>
            list({ since: time }),
      ),
    "why, depth 50": () =>
      ends.map(
        ({ number }) =>
          () =>
            related(database, Number(number), "causes", 50),
      ),
    "audit of a run": () =>
      some.map(
        ({ run }) =>
          () =>
            audited(database, run),
      ),
    "history of a stack, the newest 50": () =>
      some.map(
        ({ stack }) =>
          () =>
            history(database, { stacks: [stack], limit: 50 }),
      ),
  };
  for (const [name, calls] of Object.entries(asked)) {
    const times = [];
    for (const call of calls()) {
      spent = 0;
      await call();
      times.push(spent);
    }
    times.sort((a, b) => a - b);
    const p95 = times[Math.floor(times.length * 0.95)];
    const wanted = /^(log|why)/.test(name) ? ` (goal: under ${GOALS.query})` : "";
    console.log(`${name}: p95 ${p95.toFixed(1)} ms, median ${median(times).toFixed(1)} ms in the database${wanted}`);
  }
  await client.end();
}

/** The same rows in the same pages, their bytes hashed; then the product's verify. */
async function verifying(ledger, login) {
  const client = new pg.Client(login);
  await client.connect();
  await client.query("set role evo_writer");
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const base = await timed(() => readAndHash(client));
    let result;
    const own = await timed(async () => (result = await ledger.verify()));
    if (result.broken !== undefined) throw new Error(JSON.stringify(result.broken));
    rounds.push({ base, own, ratio: own / base });
  }
  await client.end();
  const [base, own, ratio] = ["base", "own", "ratio"].map((key) => median(rounds.map((round) => round[key])));
  console.log(
    `verify: ${(own / 1000).toFixed(1)} s; reading and hashing the same bytes ${(base / 1000).toFixed(1)} s; ratio ${ratio.toFixed(2)} (goal: at most ${GOALS.verify})`,
  );
}

async function readAndHash(client) {
  const columns =
    "ledger, number, time, type, version, sequence, run, step, operation, stack, rehearsal, claimed, authenticated, cause_numbers, cause_hashes, text, previous, hash";
  const sql = `select ${columns} from evo.readable_entries where number > $1 order by number limit 2000`;
  for (let last = 0; ; ) {
    const { rows } = await client.query(sql, [last]);
    for (const row of rows) hash("sha256", Object.values(row).join(), "hex");
    if (rows.length < 2000) return;
    last = Number(rows.at(-1).number);
  }
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
