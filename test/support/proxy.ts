/** A TCP proxy before a Postgres: what lies between evo and its ledger, and may fail. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import pg from "pg";

export interface PostgresProxy {
  /** The server's URL, through the proxy. */
  readonly url: string;
  /** `pass` (at first); `refuse`: resets what is open and what comes; `blackhole`: takes everything and answers nothing. */
  become(mode: "pass" | "refuse" | "blackhole"): void;
  /** The next request that contains the text reaches the server; its reply is lost with the connection. */
  loseReplyTo(text: string): Promise<void>;
  /** The next that comes is told that there are too many clients already. */
  turnAway(): Promise<void>;
  close(): Promise<void>;
}

/** `url` may name a directory of Unix sockets, as the test servers do. */
export async function openProxy(url: string): Promise<PostgresProxy> {
  const { host, port, user, password, database } = new pg.Client({ connectionString: url });
  const target = host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  const open = new Set<Socket>();
  const clients = new Set<Socket>();
  let mode: "pass" | "refuse" | "blackhole" = "pass";
  let lose: { readonly text: string; readonly lost: () => void } | undefined;
  let turnedAway: (() => void) | undefined;
  const server = createServer((client) => {
    if (mode === "refuse") return void client.resetAndDestroy();
    if (turnedAway !== undefined) {
      client.once("data", () => client.end(errorResponse("53300", "sorry, too many clients already")));
      turnedAway();
      turnedAway = undefined;
      return;
    }
    const upstream = connect(target);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => open.delete(socket));
    }
    clients.add(client);
    client.on("close", () => {
      clients.delete(client);
      upstream.destroy();
    });
    upstream.on("close", () => client.destroy());
    let swallow = false;
    client.on("data", (bytes) => {
      if (mode === "blackhole") return;
      const losing = lose;
      if (losing !== undefined && bytes.toString("utf8").includes(losing.text)) {
        lose = undefined;
        swallow = true;
        // The first bytes of the answer come after the COMMIT: a function call is a transaction of its own.
        upstream.once("data", () => {
          client.resetAndDestroy();
          losing.lost();
        });
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => mode !== "blackhole" && !swallow && client.write(bytes));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const login = `${encodeURIComponent(user ?? "")}:${encodeURIComponent(String(password ?? ""))}`;
  return {
    url: `postgres://${login}@127.0.0.1:${(server.address() as AddressInfo).port}/${database}`,
    become: (next) => {
      mode = next;
      if (next === "refuse") for (const client of clients) client.resetAndDestroy();
    },
    loseReplyTo: (text) => new Promise((lost) => (lose = { text, lost })),
    turnAway: () => new Promise((done) => (turnedAway = done)),
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Source: PostgreSQL, "Message Formats", ErrorResponse. */
function errorResponse(state: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${state}\0M${message}\0\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(fields.length + 4);
  return Buffer.concat([Buffer.from("E"), length, fields]);
}
