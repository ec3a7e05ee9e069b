/** The embedded server's life: first starts, sharing, deaths of every kind, and its end. Processes are real ones. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findPlace, type Place } from "../../src/ledger/embedded/place.js";
import { serverPid } from "../../src/ledger/embedded/postmaster.js";
import { installPrograms } from "../../src/ledger/embedded/programs.js";
import { joinServer } from "../../src/ledger/embedded/server.js";
import { type OpenLedger, openLedger } from "../../src/ledger/index.js";
import { myself, startOf } from "../../src/process-owner.js";
import { temporaryHome } from "../support/postgres.js";

const JITI = join(dirname(createRequire(import.meta.url).resolve("jiti/package.json")), "lib/jiti-cli.mjs");
const OPENER = new URL("opener.ts", import.meta.url).pathname;

interface Opener {
  readonly child: ChildProcess;
  /** The next line that it writes. */
  line(): Promise<string>;
  ended: Promise<unknown>;
}

/** The programs are copied once for all tests of this file: every home but the first gets a link to them. */
let programs: { readonly home: string; remove(): Promise<void> };
let home: string;
let remove: () => Promise<void>;
let place: Place;
const openers: ChildProcess[] = [];

beforeAll(async () => {
  programs = await temporaryHome();
  installPrograms(findPlace(programs.home).programs);
});

afterAll(() => programs.remove());

beforeEach(async () => {
  ({ home, remove } = await temporaryHome());
  place = findPlace(home);
  rmSync(place.programs, { recursive: true });
  symlinkSync(findPlace(programs.home).programs, place.programs);
});

afterEach(async () => {
  for (const child of openers.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  await gone(serverPid(place));
  await remove();
});

/** The server's end can't be waited for as a child's; it is looked for until it is there. */
async function gone(pid: number | undefined): Promise<void> {
  while (pid !== undefined && startOf(pid) !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

function opener(): Opener {
  const child = spawn(process.execPath, [JITI, OPENER, home], { stdio: ["pipe", "pipe", "inherit"] });
  openers.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value ?? "it ended";
  return { child, line, ended: new Promise((resolve) => child.once("exit", resolve)) };
}

/** The first line that tells of an append; what was said before is skipped. */
async function appended(opener: Opener): Promise<string> {
  const line = await opener.line();
  return line.startsWith("said ") ? appended(opener) : line;
}

async function withLedger<T>(work: (ledger: OpenLedger) => Promise<T>): Promise<T> {
  const ledger = await openLedger({ home, claimed: "me", say: () => {} });
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}

const append = (ledger: OpenLedger) =>
  ledger.append([{ type: "run.halted", causes: [], body: {} }], { id: randomUUID(), leases: [] });
const appendOnce = () => withLedger(async (ledger) => (await append(ledger))[0]?.number);

/** A SIGKILL to the server, and the wait until it is gone. */
async function killServer(): Promise<void> {
  const pid = serverPid(place);
  if (pid === undefined) throw new Error("there is no server to kill");
  process.kill(pid, "SIGKILL");
  await gone(pid);
}

describe("the embedded server", () => {
  it("starts on first use, keeps the record, and is gone after the last close", async () => {
    const said: string[] = [];
    const ledger = await openLedger({ home, claimed: "me", say: (line) => said.push(line) });
    const pid = serverPid(place);
    expect(startOf(pid ?? 0)).toBeDefined();
    await append(ledger);
    await ledger.close();
    expect(startOf(pid ?? 0)).toBeUndefined();
    expect(said).toEqual([`Making the ledger in ${place.base}`]);
    expect(await appendOnce()).toBe(2);
  });

  it("keeps its passwords to its user, and listens on no network", async () => {
    await withLedger(async (ledger) => {
      expect((await stat(join(place.own, "passwords.json"))).mode & 0o777).toBe(0o600);
      expect((await stat(place.socket)).mode & 0o777).toBe(0o700);
      const [, socket, port, address] = (await readFile(join(place.data, "postmaster.pid"), "utf8"))
        .split("\n")
        .slice(2, 6);
      expect([port, address]).toEqual([place.socket, ""]);
      expect(socket).toBe("5432");
      expect(ledger.where).toBe(`evo@${place.socket}/evo`);
      const log = await readFile(place.log, "utf8");
      const passwords = JSON.parse(await readFile(join(place.own, "passwords.json"), "utf8"));
      for (const secret of Object.values<string>(passwords)) expect(log).not.toContain(secret);
    });
  });

  it("survives two first starts at once", async () => {
    const both = [opener(), opener()];
    const numbers = await Promise.all(both.map(appended));
    expect(numbers.sort()).toEqual(["appended 1", "appended 2"]);
    const pid = serverPid(place);
    for (const { child } of both) child.stdin?.end();
    await Promise.all(both.map(({ ended }) => ended));
    expect(startOf(pid ?? 0)).toBeUndefined();
  });

  it("stays while somebody else uses it", async () => {
    const other = opener();
    expect(await appended(other)).toBe("appended 1");
    const pid = serverPid(place);
    expect(await appendOnce()).toBe(2);
    expect(serverPid(place)).toBe(pid);
    other.child.stdin?.end();
    await other.ended;
    await gone(pid);
  });

  it("ends after its only user was killed", async () => {
    const other = opener();
    await appended(other);
    const pid = serverPid(place);
    expect(pid).toBeDefined();
    other.child.kill("SIGKILL");
    await gone(pid);
    expect(await appendOnce()).toBe(2);
  });

  it("comes back after a SIGKILL, under a ledger that is open", async () => {
    await withLedger(async (ledger) => {
      await append(ledger);
      await killServer();
      const both = await Promise.all([append(ledger), append(ledger)]);
      expect(both.map(([entry]) => entry?.number).sort()).toEqual([2, 3]);
      expect(await ledger.verify()).not.toHaveProperty("broken");
    });
    expect(serverPid(place)).toBeUndefined();
  });

  it("is adopted by others after a SIGKILL", async () => {
    const other = opener();
    await appended(other);
    await killServer();
    expect(await appendOnce()).toBe(2);
    other.child.stdin?.write("again\n");
    expect(await appended(other)).toBe("appended 3");
  });

  it("is used and stopped also when its watch is gone", async () => {
    const other = opener();
    await appended(other);
    rmSync(join(place.own, "watch"));
    expect(await appendOnce()).toBe(2);
    const pid = serverPid(place);
    other.child.stdin?.end();
    await other.ended;
    expect(startOf(pid ?? 0)).toBeUndefined();
  });

  it("knows nothing more of who has left: the next one to leave may be the last", async () => {
    const settings = { home, say: () => {} };
    const host = await joinServer(settings);
    const eye = new pg.Client(host.admin);
    await eye.connect();
    const present = async () =>
      (await eye.query("select from pg_stat_activity where application_name ~ 'presence'")).rowCount;
    const seen: (number | null)[] = [];
    for (let time = 0; time < 20; time += 1) {
      const guest = await joinServer(settings);
      await guest.leave();
      seen.push(await present());
    }
    await eye.end();
    await host.leave();
    expect(new Set(seen)).toEqual(new Set([1]));
  });

  it.each([
    ["a dead process", async () => 2 ** 22 - 1],
    ["another process that got its number", async () => process.pid],
  ])("starts over a left-over pid file that names %s", async (_, pid) => {
    await appendOnce();
    const text = `${await pid()}\n${place.data}\n${Math.floor(Date.now() / 1000)}\n5432\n${place.socket}\n\n`;
    writeFileSync(join(place.data, "postmaster.pid"), text, { mode: 0o644 });
    writeFileSync(join(place.socket, ".s.PGSQL.5432.lock"), text, { mode: 0o644 });
    expect(await appendOnce()).toBe(2);
  });

  it("recovers from a death in the middle of the first initdb", async () => {
    const first = opener();
    await until(() => readdirSync(place.base).some((name) => name.startsWith("data.new-")));
    first.child.kill("SIGKILL");
    await first.ended;
    expect(existsSync(place.data)).toBe(false);
    expect(await appendOnce()).toBe(1);
    await withLedger(async (ledger) => expect((await ledger.verify()).checked).toBe(1));
  });

  it("gets new passwords when the old ones were lost", async () => {
    await appendOnce();
    rmSync(join(place.own, "passwords.json"));
    expect(await appendOnce()).toBe(2);
  });

  it("takes over a lock whose holder is proven dead", async () => {
    const folder = join(place.own, "lock");
    await mkdir(folder, { recursive: true });
    writeFileSync(join(folder, "7"), JSON.stringify({ ...myself(), started: "1" }));
    expect(await appendOnce()).toBe(1);
  });

  it("refuses data of another major version", async () => {
    await appendOnce();
    writeFileSync(join(place.data, "PG_VERSION"), "11\n");
    await expect(appendOnce()).rejects.toMatchObject({ code: "ledger.schema", exit: 9 });
  });

  it("says what the server said when it can't start", async () => {
    await appendOnce();
    writeFileSync(join(place.data, "postgresql.auto.conf"), "nonsense = 1\n");
    const failed = appendOnce();
    await expect(failed).rejects.toMatchObject({ code: "ledger.unavailable", exit: 9 });
    await expect(failed).rejects.toThrow(/nonsense/);
  });

  it("has a short socket folder below a home with a long name", async () => {
    const short = home;
    home = join(home, "x".repeat(120));
    await mkdir(home);
    await chmod(home, 0o755);
    place = findPlace(home);
    expect(Buffer.byteLength(place.socket)).toBeLessThan(80);
    expect(await appendOnce()).toBe(1);
    rmSync(place.socket, { recursive: true, force: true });
    home = short;
  });
});
