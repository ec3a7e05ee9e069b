/**
 * How fast commands start, beside `node -e 0` plus one Postgres connection, on a running server. Each measurement of a
 * command has one of that right before it; the figure is the median of these ratios, so that whatever else the machine
 * does meets both sides. Beside it the ratio of the shortest times: what a busy machine cannot disturb.
 *
 * Alone: node test/bench/startup.mjs [--rounds N], with EVO_HOME's ledger, which must know a run.
 */
import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { joinServer } from "../../dist/ledger/embedded/server.js";

const GOALS = { help: 1.5, status: 3 };
const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** Prints the ratios and answers whether both goals are met. `home`: an EVO_HOME whose ledger knows a run. */
export async function startup(home, rounds = 15) {
  // Held for as long as it is measured: no command starts or stops the server. That is another case, said below.
  const server = await joinServer({ home, say: console.error });
  const env = { ...process.env, EVO_HOME: home, EVO_LEDGER_URL: urlOf(server.writer) };
  const embedded = { ...env, EVO_LEDGER_URL: undefined };
  try {
    const beside = async (args, around) => {
      const base = timed(["-e", "0"], env) + (await connection(server.writer));
      return { base, took: timed(args, around) };
    };
    const rows = [];
    for (let round = 0; round <= rounds; round += 1) {
      const row = {
        help: await beside([MAIN, "--help"], env),
        status: await beside([MAIN, "status"], env),
        joined: await beside([MAIN, "status"], embedded),
      };
      // The first round only warms the disk's cache.
      if (round > 0) rows.push(row);
    }
    return print(rows);
  } finally {
    await server.leave();
    console.log(
      `evo status, embedded, nothing running: ${Math.round(timed([MAIN, "status"], embedded))} ms (it starts Postgres and stops it)`,
    );
  }
}

const NAMES = { help: "evo --help", status: "evo status", joined: "evo status, embedded server running" };

function print(rows) {
  const bases = rows.flatMap((row) => Object.values(row).map(({ base }) => base));
  console.log(
    `start-up, ${rows.length} rounds; node -e 0 + one Postgres connection: median ${Math.round(median(bases))} ms, least ${Math.round(Math.min(...bases))} ms`,
  );
  const met = Object.entries(NAMES).map(([key, name]) => {
    const pairs = rows.map((row) => row[key]);
    const figure = median(pairs.map(({ base, took }) => took / base));
    const least = Math.min(...pairs.map(({ took }) => took)) / Math.min(...bases);
    const goal = GOALS[key] === undefined ? "" : ` (goal: at most ${GOALS[key]})`;
    console.log(`${name}: ${figure.toFixed(2)} times that${goal}; of the shortest times ${least.toFixed(2)}`);
    return figure <= (GOALS[key] ?? Number.POSITIVE_INFINITY);
  });
  return met.every(Boolean);
}

/** Milliseconds from start to end of a Node process. Throws where it fails. */
function timed(args, env) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const took = performance.now() - began;
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}\n${stderr}`);
  return took;
}

async function connection(login) {
  const began = performance.now();
  const client = new pg.Client(login);
  await client.connect();
  const took = performance.now() - began;
  await client.end();
  return took;
}

function urlOf({ host, port, database, user, password }) {
  return `postgres://${user}:${encodeURIComponent(password)}@/${database}?host=${encodeURIComponent(host)}&port=${port}`;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rounds = Number(process.argv[process.argv.indexOf("--rounds") + 1] || 15) || 15;
  const met = await startup(process.env.EVO_HOME ?? join(homedir(), ".evo"), rounds);
  process.exitCode = met ? 0 : 1;
}
