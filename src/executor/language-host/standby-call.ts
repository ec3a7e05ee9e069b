/** The plugin's call to a language host on standby, and what both sides of it agree on. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Surroundings } from "./surroundings.js";

/** The file in the operation's directory that says where the standby is. */
export const STANDBY = "standby";

/** The plugin's first and only line. */
export type Handover = Omit<Surroundings, "output"> & { readonly token: string };

export interface Answered {
  /** Where the standby serves the engine. */
  readonly port: string;
  /** Open as long as the plugin is wanted. */
  readonly socket: Socket;
}

/** Hands over to the standby of an operation; undefined where there is none that answers: nothing has run then. */
export async function callStandby(around: Surroundings): Promise<Answered | undefined> {
  const place = placeOf(around.env.EVO_OPERATION_DIR);
  if (place === undefined || !canBeReopened()) return undefined;
  const socket = connect({ port: place.port, host: "127.0.0.1" });
  socket.on("error", () => socket.destroy());
  const { args, cwd, env, pid } = around;
  socket.write(`${JSON.stringify({ token: place.token, args, cwd, env, pid } satisfies Handover)}\n`);
  const port = await readLine(socket);
  return port === undefined ? undefined : { port, socket };
}

function placeOf(directory: string | undefined): { port: number; token: string } | undefined {
  if (directory === undefined || directory === "") return undefined;
  try {
    return JSON.parse(readFileSync(join(directory, STANDBY), "utf8"));
  } catch {
    return undefined;
  }
}

/** Another process of this user can write where we write: true for the engine's pipes, on Linux. */
function canBeReopened(): boolean {
  try {
    for (const fd of [1, 2]) closeSync(openSync(`/proc/self/fd/${fd}`, "a"));
    return true;
  } catch {
    return false;
  }
}

/** Characters; an environment and arguments are far below (the system's own limit is 2 MB). */
const LONGEST = 8_000_000;

/** The first line; undefined if the other side goes before it has written one, or writes what is none. */
export function readLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const read = (bytes: Buffer): void => {
      text += bytes.toString("utf8");
      if (text.includes("\n")) settle(text.slice(0, text.indexOf("\n")));
      else if (text.length > LONGEST) settle(undefined);
    };
    const gone = (): void => settle(undefined);
    const settle = (line: string | undefined): void => {
      socket.off("data", read).off("end", gone).off("close", gone);
      resolve(line);
    };
    socket.on("data", read).on("end", gone).on("close", gone);
  });
}
