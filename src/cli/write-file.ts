/** A file that is written whole, or not at all. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Writes a text in place of what is there. Throws what the file system says; then an older file is unchanged. */
export function writeWhole(file: string, text: string): void {
  const made = beside(file);
  try {
    const descriptor = openSync(made, "wx");
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(made, file);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}

/** In the same folder, so that it can be put in place by one rename. */
export function beside(file: string): string {
  return join(dirname(file), `.${basename(file)}.${randomBytes(4).toString("hex")}.tmp`);
}
