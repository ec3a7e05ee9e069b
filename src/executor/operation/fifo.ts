/**
 * Reading a FIFO without ever blocking: it is opened for reading and writing, so that it has no end while nobody writes
 * and opening it waits for nobody. What lies in it when its writer dies is still there for the next reader.
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { Socket } from "node:net";

export interface Fifo {
  /** Hands on, at once, what has been written so far. */
  drain(): void;
  close(): void;
}

/** Calls back with each line, in order. A line that was torn by an earlier reader comes as it is. */
export function readFifo(path: string, onLine: (line: string) => void): Fifo {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const take = lineSplitter(onLine);
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on("data", take);
  socket.on("error", () => undefined);
  socket.unref();
  return {
    drain: () => drain(fd, take),
    close: () => {
      drain(fd, take);
      socket.destroy();
    },
  };
}

/** Opens a FIFO only to keep what is written to it from being refused or lost, and reads it on demand. */
export function readFifoOnDemand(path: string, onLine: (line: string) => void): Fifo {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const take = lineSplitter(onLine);
  return { drain: () => drain(fd, take), close: () => closeSync(fd) };
}

function drain(fd: number, take: (chunk: Buffer) => void): void {
  const buffer = Buffer.alloc(65_536);
  try {
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer))
      take(Buffer.from(buffer.subarray(0, read)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
}

function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer[] = [];
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]).toString("utf8");
      rest = [];
      from = end + 1;
      onLine(line);
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  };
}
