/** Ctrl-C once pauses the run cleanly, twice stops the running operation; SIGTERM and SIGHUP pause. */
import type { Control } from "../run/loop.js";
import { sayAt } from "./output.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const PAUSING = "pausing; what runs is finished, nothing new starts (once more stops the running operation)";

/** Listens until `done` is called. `first`: what the first signal means, for who sits there. */
export function listenToSignals(first: string = PAUSING): { readonly control: Control; done(): void } {
  const pause = new AbortController();
  const stop = new AbortController();
  const onSignal = (signal: string): void => {
    if (!pause.signal.aborted) {
      sayAt(`${signal}: ${first}`);
      pause.abort(`${signal} at the terminal`);
    } else if (!stop.signal.aborted) {
      sayAt(`${signal} again: asking the engine to stop at its next safe point`);
      stop.abort(`${signal} again at the terminal`);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    control: { pause: pause.signal, stop: stop.signal },
    done() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
