/** One small pool of connections that work as the writer, and one way to ask: bounded retries, evo's own errors. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { EvoError, EXIT } from "../errors.js";
import { isBusy, isLost, translate } from "./failures.js";

/** Where a database is and as whom to log in. A URL is what the user gave; the rest is what evo made itself. */
export type Connection =
  | { readonly url: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly database: string;
      readonly user: string;
      readonly password: string;
    };

export interface Database {
  /** `role@host:port/database`, for messages. */
  readonly where: string;
  /**
   * Runs one statement. It must be safe to repeat: when the connection is lost it is tried again, for some seconds in
   * all, on a new one. `name` makes the server keep the statement parsed and planned for the life of the connection.
   * Errors: those of `translate`.
   */
  ask<Row extends object>(text: string, values?: readonly unknown[], name?: string): Promise<Row[]>;
  close(): Promise<void>;
}

/** Waits between tries, milliseconds; the last one again and again. */
const PAUSES = [50, 200, 500, 1000, 2000] as const;
/** Milliseconds from the first failure in which a server may restart. */
const PATIENCE = 8_000;
/** However long they took: on a machine that has no time for evo, all patience may pass within one of them. */
const LEAST_TRIES = 4;
const CONNECT_TIMEOUT = 5_000;
/** A query that hangs longer has lost its server. */
const QUERY_TIMEOUT = 15_000;

/** Types of Postgres' own: `bigint[]`, `text[]`. */
const ARRAYS: readonly number[] = [1016, 1009];

/**
 * Causes, numbers and hashes, come with every entry, and the driver's parser reads arrays letter by letter: for those
 * that hold nothing to be unquoted a split does.
 */
const types: pg.CustomTypesConfig = {
  getTypeParser(type: number, format?: "text" | "binary") {
    const general: (value: string) => unknown = pg.types.getTypeParser(type, format as "text");
    if (!ARRAYS.includes(type)) return general;
    return (value: string) => (/^\{[0-9a-f,]+\}$/.test(value) ? value.slice(1, -1).split(",") : general(value));
  },
};

/** What `pg` is given; the driver itself reads the URL. */
export function clientConfig(connection: Connection): pg.ClientConfig {
  const common = { connectionTimeoutMillis: CONNECT_TIMEOUT, keepAlive: true, application_name: "evo", types };
  return "url" in connection ? { ...common, connectionString: connection.url } : { ...common, ...connection };
}

/** What messages may name of a connection, and what they may not. */
export interface ConnectionFacts {
  readonly where: string;
  /** The database, whoever logs in: `host:port/database`. */
  readonly place: string;
  readonly user: string;
  readonly password: string | undefined;
}

/** Role, place and password of a connection, read by the driver. Errors: `ledger.unavailable` for what is no URL. */
export function describeConnection(connection: Connection): ConnectionFacts {
  const client = parse(connection);
  const host = client.host.startsWith("/") ? client.host : `${client.host}:${client.port}`;
  const user = client.user ?? "";
  const place = `${host}/${client.database}`;
  return { where: `${user}@${place}`, place, user, password: secretOf(client.password) };
}

function secretOf(password: unknown): string | undefined {
  return typeof password === "string" && password !== "" ? password : undefined;
}

/** The driver's own error would show the URL, password and all. */
function parse(connection: Connection): pg.Client {
  try {
    if ("url" in connection && !/^postgres(ql)?:\/\//.test(connection.url)) throw new TypeError();
    return new pg.Client(clientConfig(connection));
  } catch {
    throw new EvoError("ledger.unavailable", "EVO_LEDGER_URL can't be read as the address of a Postgres database.", {
      exit: EXIT.ledgerUnavailable,
      remedy: "Give it as postgres://role:password@host:5432/database, with special characters percent-encoded.",
    });
  }
}

/**
 * Opens the pool; connects when first asked. Every connection works as evo_writer, whatever its login could do besides.
 * `revive` is called before a repeat, to bring back a server that evo runs itself.
 */
export function openDatabase(connection: Connection, revive: () => Promise<void> = async () => {}): Database {
  const { where, password } = describeConnection(connection);
  const pool = new pg.Pool({
    ...clientConfig(connection),
    max: 4,
    query_timeout: QUERY_TIMEOUT,
    onConnect: async (client) => {
      await client.query("set role evo_writer");
    },
  });
  pool.on("error", () => {}); // An idle connection died; the next question opens another.
  const ask = async <Row extends object>(
    text: string,
    values: readonly unknown[] = [],
    name?: string,
  ): Promise<Row[]> => {
    try {
      return await persist(isLost, async (attempt) => {
        if (attempt > 0) await revive();
        return (await pool.query<Row>({ text, values: [...values], ...(name === undefined ? {} : { name }) })).rows;
      });
    } catch (error) {
      throw translate(error, where, password);
    }
  };
  return { where, ask, close: () => pool.end() };
}

/** Tries again, with pauses, while `mayPass` says that the error may pass and patience lasts. */
async function persist<T>(mayPass: (error: unknown) => boolean, work: (attempt: number) => Promise<T>): Promise<T> {
  let deadline = Number.POSITIVE_INFINITY;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const now = performance.now();
      deadline = Math.min(deadline, now + PATIENCE);
      if (!mayPass(error) || (now > deadline && attempt + 1 >= LEAST_TRIES)) throw error;
      await sleep(PAUSES[Math.min(attempt, PAUSES.length - 1)]);
    }
  }
}

/**
 * Runs `work` on one connection as the login role itself, then closes it. A server that is busy is asked again to let it
 * in; `work` is done once. Errors are translated.
 */
export async function withClient<T>(connection: Connection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { where, password } = describeConnection(connection);
  let client: pg.Client | undefined;
  try {
    client = await persist(isBusy, () => enter(connection));
    return await work(client);
  } catch (error) {
    throw translate(error, where, password);
  } finally {
    await client?.end().catch(() => {});
  }
}

async function enter(connection: Connection): Promise<pg.Client> {
  const client = parse(connection);
  client.on("error", () => {}); // It also rejects the query at hand, which is where it is dealt with.
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}
