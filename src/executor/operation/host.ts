/**
 * The operation host: a process that drives operations, one after another. It is started ahead of need (loading the
 * Automation API takes half a second) and reads its orders from standard input, a line each. Once it has said `hosted` the
 * operation is its own: evo may die, it goes on to the outcome and ends then.
 */
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { loadApi } from "./api.js";
import { drive } from "./drive.js";
import type { HostOrder } from "./order.js";
import { startStandby } from "./standby.js";

/** Whoever started us may be gone already. */
function say(word: string): void {
  try {
    writeSync(1, `${word}\n`);
  } catch {
    // nobody listens
  }
}

async function main(): Promise<void> {
  const standby = startStandby();
  // Begun now, awaited where it is needed: the order usually comes later.
  void loadApi().catch(() => undefined);
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as HostOrder;
    process.env["TMPDIR"] = order.directory;
    await drive(order, standby, () => say("hosted"));
    say("free");
  }
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    say(`error ${error.message}`);
    process.exit(1);
  },
);
