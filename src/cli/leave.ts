/** `--detach`: a run is left to `evo serve`. */
import type { StartedSession } from "../evo/start.js";
import { print, say } from "./output.js";

/** Gives the run's leases back, so that whoever serves may take it up; its name on stdout, what to do with it on stderr. */
export async function leave({ state, leases }: StartedSession): Promise<void> {
  await leases.release();
  print(state.run);
  say(`it is left to evo serve; follow it with: evo status --watch ${state.run}`);
}
