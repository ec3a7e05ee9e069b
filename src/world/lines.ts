/** JSON, one value a line, over a socket: how a world's clients talk with its host. */
import type { Socket } from "node:net";
import { createInterface } from "node:readline";

export type Command =
  | { readonly op: "hello"; readonly token: string }
  | { readonly op: "fault"; readonly fault: unknown }
  | { readonly op: "lift" }
  | { readonly op: "change"; readonly change: unknown }
  /** Writes what is still tallied into the log. */
  | { readonly op: "flush" }
  /** The client lets go of the world. `end`: it asks for the end, where nobody else holds it. */
  | { readonly op: "bye" };

export type Reply =
  | { readonly ok: true; readonly others: number; readonly engines: number }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly remedy?: string };

/** Sends one value. */
export function send(socket: Socket, value: Command | Reply): void {
  socket.write(`${JSON.stringify(value)}\n`);
}

/** Calls back for each value that arrives. */
export function onValue<T>(socket: Socket, take: (value: T) => void): void {
  createInterface({ input: socket }).on("line", (line) => take(JSON.parse(line) as T));
}
