/**
 * Making the embedded server's data folder. It is made beside its place and renamed, so a process that dies meanwhile
 * leaves nothing half-done. Roles are set up in single-user mode: the bootstrap superuser has no password and, over the
 * socket, no way in.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EvoError, EXIT } from "../../errors.js";
import { type Passwords, scramVerifier } from "./passwords.js";
import type { Place } from "./place.js";
import type { Programs } from "./programs.js";

/** The server's children get nothing of evo's environment: no credentials, no PG* variables. */
export function serverEnvironment(): { [name: string]: string } {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

/** Makes the data folder with its roles and database. Errors: `ledger.unavailable` with what the program said. */
export async function initialise(place: Place, programs: Programs, passwords: Passwords): Promise<void> {
  removeDrafts(place);
  const draft = `${place.data}.new-${randomUUID()}`;
  // With -A scram-sha-256 initdb asks for a superuser's password; pg_hba.conf is replaced before any server starts.
  const settings = ["-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust"];
  await runProgram(place, programs, "initdb", ["-D", draft, ...settings], "");
  writeFileSync(join(draft, "pg_hba.conf"), "# Written by evo.\nlocal all all scram-sha-256\n");
  await setUpRoles(place, programs, passwords, draft);
  renameSync(draft, place.data);
}

function removeDrafts(place: Place): void {
  for (const name of readdirSync(place.base).filter((name) => name.startsWith("data.new-"))) {
    try {
      rmSync(join(place.base, name), { recursive: true, force: true });
    } catch {
      // An initdb whose evo was killed is still writing there; the next first start finds the rest.
    }
  }
}

/**
 * Gives the local roles their passwords, making roles and database where they are missing; the server must be down.
 * Also the way back when the passwords were lost: statements that find their work done fail and do no harm.
 */
export async function setUpRoles(
  place: Place,
  programs: Programs,
  passwords: Passwords,
  data = place.data,
): Promise<void> {
  const statements = [
    "create role evo_admin",
    `alter role evo_admin login createrole password '${scramVerifier(passwords.admin)}'`,
    "create role evo",
    `alter role evo login password '${scramVerifier(passwords.writer)}'`,
    "create database evo owner evo_admin",
  ];
  const quiet = ["-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic", "-c", "log_checkpoints=off"];
  await runProgram(place, programs, "postgres", ["--single", "-D", data, ...quiet, "postgres"], statements.join("\n"));
}

/** Refuses data of another major version of Postgres, which this one can't read. */
export async function checkVersion(place: Place, programs: Programs): Promise<void> {
  const theirs = readFileSync(join(place.data, "PG_VERSION"), "utf8").trim();
  const output = await runProgram(place, programs, "postgres", ["--version"], "");
  const mine = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
  if (mine === theirs) return;
  throw new EvoError("ledger.schema", `The ledger in ${place.data} is of Postgres ${theirs}; this evo has ${mine}.`, {
    exit: EXIT.ledgerUnavailable,
    remedy: "Use the evo that made it, or move the ledger to a Postgres server of your own and set EVO_LEDGER_URL.",
  });
}

/** Runs one of the server's programs to its end, as the server's user; its output comes back. */
function runProgram(
  place: Place,
  programs: Programs,
  name: "initdb" | "postgres",
  args: readonly string[],
  input: string,
): Promise<string> {
  const program = join(programs.root, "bin", name);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: place.base, env: serverEnvironment(), ...place.as });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.stdin.on("error", () => {}); // It ended without reading; its exit code says why.
    child.on("error", (error) => reject(failed(program, error.message)));
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(failed(program, output))));
    child.stdin.end(input === "" ? "" : `${input}\n`);
  });
}

function failed(program: string, output: string): EvoError {
  const last = output.trim().split("\n").slice(-3).join(" ");
  const nameless = /could not look up effective user ID/.test(output);
  return new EvoError("ledger.unavailable", `The embedded ledger can't be set up; ${program} said: ${last}`, {
    exit: EXIT.ledgerUnavailable,
    remedy: nameless
      ? "Give this uid an entry in /etc/passwd, which Postgres asks for, or set EVO_LEDGER_URL to a Postgres server."
      : "See that the folder is writable and has space, or set EVO_LEDGER_URL to a Postgres server.",
  });
}

/** Whether the data folder is complete. */
export function isInitialised(place: Place): boolean {
  return existsSync(join(place.data, "PG_VERSION"));
}
