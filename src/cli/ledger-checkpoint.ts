/** `evo ledger checkpoint`: signs how far the record has come, for a place where its owner can't write. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { EvoError, EXIT } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import { progressLines } from "./ledger-verify.js";
import { print, printJson, say } from "./output.js";

export interface CheckpointOptions {
  readonly output?: string;
  readonly exec?: string;
  readonly json?: boolean;
}

/** Errors: `ledger.broken` (exit 10), `ledger.exec`, `ledger.output` (exit 1) where it could not be handed over. */
export async function checkpoint(options: CheckpointOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const made = await withLedger(settings, say, (ledger) => ledger.checkpoint(progressLines()));
  if (options.output !== undefined) write(options.output, made.note);
  if (options.exec !== undefined) await give(options.exec, made.note);
  if (options.json) return printJson(made);
  if (options.output === undefined && options.exec === undefined) return print(made.note.trimEnd());
  say(`entry ${made.number} of ledger ${made.ledger} is signed for`);
}

function write(file: string, note: string): void {
  try {
    writeFileSync(file, note);
  } catch (error) {
    throw new EvoError("ledger.output", `${file} can't be written: ${(error as NodeJS.ErrnoException).code}`, {
      exit: EXIT.error,
      remedy: "give a file in a folder that exists; the checkpoint is kept in EVO_HOME all the same",
    });
  }
}

/** What the command prints is no data of evo's: it goes to stderr. */
function give(command: string, note: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ["pipe", process.stderr, process.stderr] });
    child.stdin.on("error", () => undefined); // It ended without reading; its exit code says why.
    child.on("error", reject);
    child.on("close", (code, signal) => (code === 0 ? resolve() : reject(failed(code ?? signal))));
    child.stdin.end(note);
  });
}

function failed(how: number | string | null): EvoError {
  return new EvoError("ledger.exec", `the command that was to take the checkpoint ended with ${how}`, {
    exit: EXIT.error,
    remedy: "mend it and run this again; the checkpoint is kept in EVO_HOME all the same",
  });
}
