/**
 * The embedded server as an evo process sees it: join it, starting it when nobody has; come back to it when it was lost;
 * leave it, stopping it when nobody else is there. All of that happens under one lock between processes.
 */
import { randomUUID } from "node:crypto";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { EvoError, EXIT } from "../../errors.js";
import { type LockOptions, withLock } from "../../process-lock.js";
import { checkVersion, initialise, isInitialised, setUpRoles } from "./cluster.js";
import { type Passwords, readPasswords } from "./passwords.js";
import { findPlace, type Place } from "./place.js";
import { joinWatch, logTail, PORT, type Started, serverPid, startServer, stopServer } from "./postmaster.js";
import { installPrograms, type Programs } from "./programs.js";

/** Where to log in, as whom. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

export interface EmbeddedServer {
  /** For daily work. */
  readonly writer: Login;
  /** For migrations. */
  readonly admin: Login;
  /** Makes sure that the server is there; starts it again when it has died. */
  revive(): Promise<void>;
  /** Lets go; the last one stops the server and waits for its end. Never throws. */
  leave(): Promise<void>;
}

export interface EmbeddedSettings {
  /** EVO_HOME. */
  readonly home: string;
  readonly say: (line: string) => void;
  /** Another Postgres' programs than those of the npm package. */
  readonly programs?: Programs;
}

/** What shows the others, and the kernel, that this process is there. */
interface Presence {
  readonly client: pg.Client;
  readonly watch: number | undefined;
}

interface Setting {
  readonly place: Place;
  readonly programs: Programs;
  readonly passwords: Passwords;
}

const POLL = 20;
/** A crash recovery may have much to read. */
const START_PATIENCE = 120_000;
const PRESENCE = "evo presence";

/** Joins the server of an EVO_HOME, starting or making it when needed. Errors: `ledger.unavailable`, `ledger.schema`. */
export async function joinServer(settings: EmbeddedSettings): Promise<EmbeddedServer> {
  const place = findPlace(settings.home);
  const lock = join(place.own, "lock");
  const { setting, first } = await withLock(lock, LOCKING, async () => {
    const setting = await prepare(place, settings);
    return { setting, first: await arrive(setting) };
  });
  let presence = first;
  let reviving: Promise<void> | undefined;
  const comeBack = async () => {
    if (await isThere(presence.client)) return;
    presence = await withLock(lock, LOCKING, async () => {
      void depart(presence);
      return arrive(setting);
    });
  };
  return {
    writer: login(place, "evo", setting.passwords.writer),
    admin: login(place, "evo_admin", setting.passwords.admin),
    revive: () => {
      reviving ??= comeBack().finally(() => {
        reviving = undefined;
      });
      return reviving;
    },
    leave: () => withLock(lock, LOCKING, () => leave(place, presence)).catch(() => depart(presence)),
  };
}

/** Longer than initdb and a crash recovery take on a slow machine. */
const LOCKING: LockOptions = {
  patience: 180_000,
  refuse: (holder, file) =>
    new EvoError(
      "ledger.unavailable",
      `Another process has been starting or stopping the ledger's server for minutes: ${holder}.`,
      { exit: EXIT.ledgerUnavailable, remedy: `Wait for it, or, when it is surely gone, remove ${file}.` },
    ),
};

function login(place: Place, user: string, password: string): Login {
  return { host: place.socket, port: PORT, database: "evo", user, password };
}

/** Programs, passwords and data; new passwords for old data when the file with the old ones is gone. */
async function prepare(place: Place, settings: EmbeddedSettings): Promise<Setting> {
  const programs = settings.programs ?? installPrograms(place.programs);
  const { passwords, made } = readPasswords(place.own);
  const setting = { place, programs, passwords };
  if (!isInitialised(place)) {
    settings.say(place.note ?? `Making the ledger in ${place.base}`);
    await initialise(place, programs, passwords);
  } else if (made) {
    settings.say(`The passwords of the ledger in ${place.base} were gone; it gets new ones`);
    await stopServer(place);
    await setUpRoles(place, programs, passwords);
  }
  return setting;
}

/** Connects, starting the server when there is none. Under the lock: nobody else starts or stops it meanwhile. */
async function arrive(setting: Setting): Promise<Presence> {
  const { place, programs } = setting;
  const deadline = Date.now() + START_PATIENCE;
  let watch = joinWatch(place);
  let started: Started | undefined;
  let starts = 0;
  while (Date.now() < deadline) {
    const client = await connect(setting);
    if (client !== undefined) return { client, watch };
    if (serverPid(place) === undefined && (started === undefined || started.ended())) {
      if (starts++ >= 5) break;
      if (starts === 1) await checkVersion(place, programs);
      if (watch !== undefined) closeSync(watch);
      started = startServer(place, programs);
      watch = started.watch;
    }
    await sleep(POLL);
  }
  if (watch !== undefined) closeSync(watch);
  throw noServer(place);
}

function noServer(place: Place): EvoError {
  return new EvoError("ledger.unavailable", `The embedded ledger did not start; its server said: ${logTail(place)}`, {
    exit: EXIT.ledgerUnavailable,
    remedy: `Read ${place.log}, or set EVO_LEDGER_URL to a Postgres server.`,
  });
}

/** What a server that is starting, stopping or not there answers; anything else is an error. */
const NOT_YET = /^(57P0[1-3]|53300|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE)$/;

async function connect(setting: Setting): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    ...login(setting.place, "evo", setting.passwords.writer),
    application_name: `${PRESENCE} ${randomUUID()}`,
    connectionTimeoutMillis: 10_000,
  });
  client.on("error", () => {}); // Noticed by the next question.
  try {
    await client.connect();
    return client;
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    await client.end().catch(() => {});
    if (NOT_YET.test(code) || /terminated unexpectedly|timeout/.test(message)) return undefined;
    throw noLogin(setting.place, message);
  }
}

function noLogin(place: Place, message: string): EvoError {
  return new EvoError("ledger.unavailable", `The embedded ledger in ${place.base} refuses evo: ${message}`, {
    exit: EXIT.ledgerUnavailable,
    remedy: `Move ${join(place.own, "passwords.json")} away: evo then gives the ledger new passwords.`,
  });
}

async function isThere(client: pg.Client): Promise<boolean> {
  return client.query("select 1").then(
    () => true,
    () => false,
  );
}

/** Resolves when the server knows of it. */
function depart(presence: Presence): Promise<void> {
  const gone = presence.client.end().catch(() => {});
  if (presence.watch !== undefined) closeSync(presence.watch);
  return gone;
}

/** Others show by a presence of their own, until they have left; a killed one's is gone with its socket. */
async function leave(place: Place, presence: Presence): Promise<void> {
  const sql = `select from pg_stat_activity where application_name like '${PRESENCE} %' and pid <> pg_backend_pid()`;
  const others = await presence.client.query(sql).catch(() => undefined);
  if (others?.rowCount === 0) await stopServer(place);
  await depart(presence);
}
