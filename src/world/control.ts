/**
 * Who holds the world. A client is an open socket that has said hello; its death closes the socket. The host ends at
 * once when the last client has let go and no engine is connected, and after a while when they vanished or never came:
 * engines outlive evo, and find their provider alive.
 */
import { createServer, type Socket } from "node:net";
import { EvoError } from "../errors.js";
import { type Command, onValue, type Reply, send } from "./lines.js";

export interface ControlContext {
  readonly token: string;
  readonly linger: number;
  readonly engines: () => number;
  readonly perform: (command: Command & { readonly op: "fault" | "lift" | "change" | "flush" }) => void;
  readonly end: (reason: string) => void;
}

export interface Control {
  readonly port: number;
  /** An engine came or went: look again whether anybody is left. */
  look(): void;
}

/** Short, but long enough for an engine that replaces its connection. */
const PROMPT = 150;

/** Serves the clients of a world until `end` is called. */
export async function serveControl(context: ControlContext): Promise<Control> {
  const clients = new Set<Socket>();
  let released = false;
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    clearTimeout(timer);
    if (clients.size > 0 || context.engines() > 0) return;
    const reason = released ? "its last client let go of it" : "nobody holds it";
    timer = setTimeout(() => context.end(reason), released ? PROMPT : context.linger);
  };
  const greet = (socket: Socket, token: string): boolean => {
    if (token !== context.token) return false;
    clients.add(socket);
    released = false;
    look();
    return true;
  };
  const leave = (socket: Socket) => {
    clients.delete(socket);
    released = true;
    look();
  };
  const answer = (socket: Socket, command: Command): Reply => {
    if (command.op === "hello" && !greet(socket, command.token)) return refusal("world.refused", "wrong token");
    if (command.op !== "hello" && !clients.has(socket)) return refusal("world.refused", "no hello");
    if (command.op === "bye") leave(socket);
    else if (command.op !== "hello") context.perform(command);
    return { ok: true, others: clients.size - 1, engines: context.engines() };
  };
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("close", () => clients.delete(socket) && look());
    onValue<Command>(socket, (command) =>
      send(
        socket,
        guarded(() => answer(socket, command)),
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  look();
  return { port: (server.address() as { port: number }).port, look };
}

function refusal(code: string, message: string): Reply {
  return { ok: false, code, message };
}

function guarded(answer: () => Reply): Reply {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof EvoError)) return refusal("world.failed", String(error));
    const { code, message, remedy } = error;
    return { ok: false, code, message, ...(remedy === undefined ? {} : { remedy }) };
  }
}
