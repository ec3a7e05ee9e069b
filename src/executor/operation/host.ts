/**
 * The operation host: a process for one operation. It is started ahead of need (loading the Automation API takes half a
 * second), reads its order from standard input, says `hosted` and then belongs to nobody: evo may die, it goes on.
 */
import { writeSync } from "node:fs";
import { drive } from "./drive.js";
import type { HostOrder } from "./order.js";

async function readOrder(): Promise<HostOrder | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : (JSON.parse(text) as HostOrder);
}

/** Whoever started us may be gone already. */
function say(word: string): void {
  try {
    writeSync(1, `${word}\n`);
  } catch {
    // nobody listens
  }
}

async function main(): Promise<void> {
  // Begun now, awaited where it is needed: the order usually comes later.
  void import("./engine-calls.js").catch(() => undefined);
  const order = await readOrder();
  if (order === undefined) return process.exit(0);
  process.env["TMPDIR"] = order.directory;
  await drive(order, () => say("hosted"));
  process.exit(0);
}

main().catch((error: Error) => {
  say(`error ${error.message}`);
  process.exit(1);
});
