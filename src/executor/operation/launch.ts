/** Starts operation hosts, detached from whoever starts them, and gives a host that is free its next order. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { EvoError } from "../../errors.js";
import { packageFile } from "../../package-root.js";
import type { HostOrder } from "./order.js";

export interface HostLauncher {
  /**
   * Starts loading a host ahead of need, unless one is free, and others, up to `sideBySide` in all, when an operation has
   * been done: gates are looked at then. They end with the launcher, or with this process.
   */
  prepare(sideBySide: number): void;
  /** Hands an order to a host; resolves once its journal says that it lives. Errors: `operation.host`. */
  launch(order: HostOrder): Promise<void>;
  /** Lets go of every host: one that waits ends, one at work goes on to its outcome and ends then. */
  close(): Promise<void>;
}

/** What the host says next, as long as somebody waits for it. */
interface Waiting {
  hosted(): void;
  failed(why: string): void;
}

interface Host {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  waiting: Waiting | undefined;
}

/** A launcher that gives an order to a host that has done its last one, before it starts another. */
export function createHostLauncher(): HostLauncher {
  const free: Host[] = [];
  const all = new Set<Host>();
  let wanted = 0;
  const start = (): Host => {
    const host = spawnHost(freed, remove);
    all.add(host);
    return host;
  };
  const add = (host: Host): void => void free.push(host);
  const freed = (host: Host): void => {
    if (all.size < wanted) add(start());
    add(host);
  };
  const remove = (host: Host): void => {
    all.delete(host);
    free.splice(0, free.length, ...free.filter((other) => other !== host));
  };
  return {
    prepare: (sideBySide) => {
      wanted = Math.max(wanted, sideBySide);
      if (free.length === 0) add(start());
    },
    launch: (order) => handOver(free.pop() ?? start(), order),
    async close() {
      wanted = 0;
      free.length = 0;
      for (const { process } of all) process.stdin.end();
    },
  };
}

/** Orders may carry secrets, so they come by a pipe; the host's own environment holds none. */
function spawnHost(freed: (host: Host) => void, gone: (host: Host) => void): Host {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [packageFile("dist", "executor", "operation", "host.js")], {
    env: PATH === undefined ? {} : { PATH },
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const host: Host = { process: child, waiting: undefined };
  // Neither a waiting host nor one at work keeps evo's process alive.
  child.unref();
  for (const stream of [child.stdin, child.stdout] as unknown as { unref?(): void }[]) stream.unref?.();
  const fail = (why: string): void => {
    gone(host);
    host.waiting?.failed(why);
  };
  child.on("error", (error) => fail(error.message));
  child.on("exit", (code) => fail(`it ended with exit code ${code}`));
  child.stdin.on("error", () => undefined);
  createInterface({ input: child.stdout }).on("line", (word) => {
    if (word === "hosted") host.waiting?.hosted();
    else if (word === "free") freed(host);
    else if (word.startsWith("error ")) fail(word.slice("error ".length));
  });
  return host;
}

function handOver(host: Host, order: HostOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    host.process.ref();
    const settle = (end: () => void): void => {
      host.waiting = undefined;
      host.process.unref();
      end();
    };
    host.waiting = {
      hosted: () => settle(resolve),
      failed: (why) => settle(() => reject(noHost(why))),
    };
    host.process.stdin.write(`${JSON.stringify(order)}\n`);
  });
}

function noHost(why: string): EvoError {
  return new EvoError("operation.host", `the operation host could not be started: ${why}`, { source: "evo" });
}
