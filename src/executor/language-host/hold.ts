/**
 * The hold protocol between evo and its language host. The files in the operation's directory are the whole protocol,
 * so that an observer may die and another one take its place:
 *
 *   held       written by the host: an update's program is ready to start and waits
 *   accept     written by evo: start it
 *   evaluated  written by the host: the program has registered all it wants; the engine is about to delete the rest
 *   commit     written by evo: go on
 *   refuse     written by evo, at either point: the update fails; the text is the reason
 *
 * This is where invariant 10 bites: before `accept` nothing has had an effect, before `commit` nothing is deleted.
 */
import { watch } from "node:fs";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** evo's word at one of the two points. */
export type Word = { readonly go: true } | { readonly go: false; readonly reason: string };

export type HoldPoint = "held" | "evaluated";

/** Milliseconds between looks where the file system doesn't tell. */
const POLL = 40;

const GO = { held: "accept", evaluated: "commit" } as const;

/** Says where it stands and waits for evo's word; an aborted signal is a refusal (the engine has gone). */
export async function hold(directory: string, point: HoldPoint, signal: AbortSignal): Promise<Word> {
  await mark(join(directory, point));
  return (await wordOf(directory, point)) ?? (await waitForWord(directory, point, signal));
}

async function waitForWord(directory: string, point: HoldPoint, signal: AbortSignal): Promise<Word> {
  for (;;) {
    if (signal.aborted) return { go: false, reason: "the engine has stopped" };
    await changed(directory, signal);
    const word = await wordOf(directory, point);
    if (word !== undefined) return word;
  }
}

/** A refusal is stronger than a go. */
async function wordOf(directory: string, point: HoldPoint): Promise<Word | undefined> {
  const refusal = await readFile(join(directory, "refuse"), "utf8").catch(() => undefined);
  if (refusal !== undefined) return { go: false, reason: refusal.trim() || "evo refused the update" };
  const go = await stat(join(directory, GO[point])).catch(() => undefined);
  return go === undefined ? undefined : { go: true };
}

/** Appears at once and whole. */
async function mark(file: string): Promise<void> {
  await writeFile(`${file}.${process.pid}`, `${process.pid}\n`);
  await rename(`${file}.${process.pid}`, file);
}

/** Resolves when something in the directory may have changed: told by the file system, or after the poll's time. */
function changed(directory: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const watcher = tryWatch(directory, done);
    const timer = setTimeout(done, POLL);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      watcher?.close();
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}

function tryWatch(directory: string, done: () => void) {
  try {
    return watch(directory, done).on("error", done);
  } catch {
    return undefined; // no watches left, or none on this file system: the poll serves
  }
}
