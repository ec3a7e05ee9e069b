/** The engine of this machine, for what runs built code outside of the test runner: found, or made, as evo would. */
import { homedir } from "node:os";
import { join } from "node:path";
import { findEngine } from "../../dist/executor/engine/index.js";

export function engineHere() {
  return findEngine({
    home: process.env.EVO_HOME ?? join(homedir(), ".evo"),
    env: process.env,
    path: process.env.PATH,
    install: true,
    say: console.error,
    explicit: process.env.EVO_PULUMI,
  });
}
