/** `evo ledger export <file>` and `evo ledger import <file>`: the record as a file that proves itself. */
import { randomUUID } from "node:crypto";
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EvoError, EXIT } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import { importFile } from "../ledger/index.js";
import { progressLines } from "./ledger-verify.js";
import { print, printJson, say } from "./output.js";

/** Writes it whole or not at all. Errors: `ledger.broken` (exit 10), `ledger.output` (exit 1). */
export async function exportTo(file: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    async function* lines() {
      for await (const line of ledger.export(progressLines())) yield `${line}\n`;
    }
    try {
      await pipeline(Readable.from(lines()), createWriteStream(draft, { mode: 0o600 }));
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error instanceof EvoError ? error : unwritable(file, error);
    }
  });
  say(`${file} is written; evo ledger verify --file ${file} proves it anywhere`);
}

function unwritable(file: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new EvoError("ledger.output", `${file} can't be written: ${code}`, {
    exit: EXIT.error,
    remedy: "give a file in a folder that exists",
  });
}

/** Errors: `ledger.not-empty` (exit 2), `ledger.schema` (exit 9), `ledger.broken` (exit 10). */
export async function importFrom(file: string, options: { readonly json?: boolean }): Promise<void> {
  const { home, claimed, ledgerUrl: url } = readSettings(process.env, process.cwd());
  if (url === undefined)
    throw new EvoError("usage", "a ledger is moved to a server: EVO_LEDGER_URL says to which", {
      remedy: "EVO_LEDGER_URL=postgres://owner@host/database evo ledger import <file>",
    });
  const entry = await importFile({ home, claimed, url, say }, file);
  if (options.json) return printJson({ ledger: entry.ledger, entries: entry.number - 1, entry: entry.number });
  print(`entries 1 to ${entry.number - 1} of ledger ${entry.ledger} are moved; entry ${entry.number} says so`);
}
