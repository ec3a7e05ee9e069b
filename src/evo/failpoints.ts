/**
 * Failpoints: a port's call fails, hangs or dies where a test wants it, before or after it has had its effect. They cost
 * nothing when EVO_FAILPOINT is unset: the ports are then left as they are.
 *
 *   EVO_FAILPOINT=ledger.append.after:kill       SIGKILL to this process after its first append
 *   EVO_FAILPOINT=executor.start.before:stop@2   SIGSTOP right before the second start
 *   EVO_FAILPOINT=probe.look.after:delay=500     half a second after each look
 *
 * Actions: kill, stop, error, delay=<milliseconds>. `@n`: only at the n-th time; without it at the first (a delay at each).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError, EXIT } from "../errors.js";
import type { Executor, Ledger, Probe } from "../run/ports.js";

/** Every method of every port that has an effect; the compiler refuses a port's method that is missing here. */
const METHODS = {
  ledger: {
    append: true,
    load: true,
    sample: true,
    sampled: true,
    acquire: true,
    takeOver: true,
    renew: true,
    release: true,
  } satisfies { readonly [method in keyof Ledger]: true },
  executor: {
    identify: true,
    preview: true,
    start: true,
    follow: true,
    accept: true,
    refuse: true,
    cancel: true,
  } satisfies {
    readonly [method in keyof Executor]: true;
  },
  probe: { look: true } satisfies { readonly [method in keyof Probe]: true },
} as const;

type Port = keyof typeof METHODS;

/** Every failpoint's name: `<port>.<method>.<before|after>`. */
export const FAILPOINTS: readonly string[] = Object.entries(METHODS).flatMap(([port, methods]) =>
  Object.keys(methods).flatMap((method) => [`${port}.${method}.before`, `${port}.${method}.after`]),
);

interface Failpoint {
  readonly name: string;
  readonly action: "kill" | "stop" | "error" | "delay";
  readonly milliseconds: number;
  /** The n-th time; undefined: each time. */
  readonly time: number | undefined;
}

/** Reads EVO_FAILPOINT. Errors: `usage` (exit 2), with the names that there are. */
export function readFailpoint(text: string | undefined): Failpoint | undefined {
  if (text === undefined || text === "") return undefined;
  const parts = /^([\w.]+):(kill|stop|error|delay)(?:=(\d+))?(?:@(\d+))?$/.exec(text);
  const [, name = "", action, milliseconds, time] = parts ?? [];
  if (parts === null || !FAILPOINTS.includes(name)) {
    throw new EvoError("usage", `EVO_FAILPOINT=${text} names no failpoint`, {
      exit: EXIT.usage,
      remedy: `give <name>:kill|stop|error|delay=<ms>, with @n for the n-th time; names: ${FAILPOINTS.join(", ")}`,
    });
  }
  const at = time === undefined ? (action === "delay" ? undefined : 1) : Number(time);
  return { name, action: action as Failpoint["action"], milliseconds: Number(milliseconds ?? 0), time: at };
}

/** The port with the failpoint in it; the port itself where the failpoint belongs to another one, or there is none. */
export function withFailpoint<P extends object>(port: Port, calls: P, failpoint: Failpoint | undefined): P {
  if (failpoint === undefined || !failpoint.name.startsWith(`${port}.`)) return calls;
  const [, method = "", when] = failpoint.name.split(".");
  const original = (calls as { [name: string]: (...args: unknown[]) => unknown })[method];
  if (original === undefined) return calls;
  const strike = striker(failpoint);
  const struck =
    method === "follow"
      ? (...args: unknown[]) => following(original(...args) as AsyncIterable<unknown>, strike, when)
      : async (...args: unknown[]) => {
          if (when === "before") await strike();
          const answer = await original(...args);
          if (when === "after") await strike();
          return answer;
        };
  return { ...calls, [method]: struck };
}

/** `before`: before the first report; `after`: after each, so that `@n` chooses one. */
async function* following(reports: AsyncIterable<unknown>, strike: () => Promise<void>, when: string | undefined) {
  if (when === "before") await strike();
  for await (const report of reports) {
    yield report;
    if (when === "after") await strike();
  }
}

function striker({ name, action, milliseconds, time }: Failpoint): () => Promise<void> {
  let times = 0;
  return async () => {
    times += 1;
    if (time !== undefined && times !== time) return;
    if (action === "kill") process.kill(process.pid, "SIGKILL");
    if (action === "stop") process.kill(process.pid, "SIGSTOP");
    if (action === "error") throw new EvoError("failpoint", `failpoint ${name}`, { source: "evo" });
    // A signal to oneself arrives at once, but not before the next turn of the loop.
    await sleep(action === "delay" ? milliseconds : 1);
  };
}
