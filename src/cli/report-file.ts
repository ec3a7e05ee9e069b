/** `--report-file <path>`: refused before anything runs where it can't be written; written whole, or not at all. */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { EvoError } from "../errors.js";
import { reportMarkdown } from "../views/report-markdown.js";
import type { Report } from "../views/report-schema.js";
import { beside, writeWhole } from "./write-file.js";

const FORMATS: { readonly [extension: string]: (report: Report) => string } = {
  ".json": (report) => `${JSON.stringify(report, null, 2)}\n`,
  ".md": reportMarkdown,
};

/** Absolute paths of the reports, each once. Errors: `usage` (exit 2) on a name, a folder or a right that does not do. */
export function reportFiles(given: readonly string[], cwd: string): readonly string[] {
  const files = [...new Set(given.map((path) => resolve(cwd, path)))];
  for (const file of files) refuseUnwritable(file);
  return files;
}

function refuseUnwritable(file: string): void {
  if (FORMATS[extname(file)] === undefined)
    throw refusal(`${file}: a report is JSON or Markdown`, "end its name with .json or .md");
  // Only a try tells: rights, read-only file systems, full disks.
  const trial = beside(file);
  try {
    closeSync(openSync(trial, "wx"));
    rmSync(trial);
  } catch (error) {
    const remedy = `make the folder ${dirname(file)} and let evo write there, or name another`;
    throw refusal(`the report ${file} can't be written: ${(error as Error).message}`, remedy, error);
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw refusal(`${file} is a folder`, "name a file in it");
}

function refusal(message: string, remedy: string, cause?: unknown): EvoError {
  return new EvoError("usage", `--report-file: ${message}`, { remedy, cause });
}

/** Writes a report in the form that its name says. Throws what the file system says; then an older file is unchanged. */
export function writeReport(file: string, report: Report): void {
  writeWhole(file, FORMATS[extname(file)]?.(report) ?? "");
}
