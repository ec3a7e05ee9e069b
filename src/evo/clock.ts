/** The machine's clock. */
import type { Clock } from "../run/ports.js";

/** Timers are set for at most this long, so that a clock that was put forth or a machine that slept is noticed. */
const LONGEST_NAP = 30_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  async until(at, signal) {
    while (!signal.aborted && Date.now() < at) await nap(Math.min(at - Date.now(), LONGEST_NAP), signal);
  },
};

function nap(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
  });
}
