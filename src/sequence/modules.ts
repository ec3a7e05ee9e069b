/** Runs a sequence module: TypeScript without a build step, "evo" being this very evo. */

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { EvoError, type SourceLocation } from "../errors.js";
import * as authoring from "./authoring.js";
import { firstFrame } from "./location.js";
import { locationOf } from "./scan.js";
import { didYouMean } from "./suggest.js";

// Required: an import would look through the whole of it for what it exports.
const { createJiti } = createRequire(import.meta.url)("jiti") as typeof import("jiti");

/**
 * Imports a module and returns its default export. `imports` are the files that it consists of: they leave the memory
 * cache, which they need only while loading (cycles), so that a changed file is seen next time. What they are transpiled
 * to is kept in `cache`, by their text, if that is given: nobody else may write there. Errors: `sequence.syntax`, `sequence.import`,
 * `sequence.threw`, `sequence.no-default`, each with its place.
 */
export async function importDefault(
  file: string,
  imports: readonly string[],
  cache: string | undefined,
): Promise<unknown> {
  const jiti = createJiti(file, {
    fsCache: cache !== undefined && isThere(cache) ? cache : false,
    tryNative: false,
    virtualModules: { evo: authoring },
  });
  const forget = () => {
    for (const path of imports) delete jiti.cache[path];
  };
  forget();
  const module = await jiti
    .import<Record<string, unknown>>(file)
    .catch((error: unknown) => {
      throw whyNot(file, error);
    })
    .finally(forget);
  // Without a default export of its own the module would stand in for it.
  if (!("default" in module)) throw withoutDefault(file);
  return module.default;
}

function isThere(cache: string): boolean {
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    return true;
  } catch {
    return false; // faster with it, never needed
  }
}

function withoutDefault(file: string): EvoError {
  return new EvoError("sequence.no-default", "The module has no default export; a sequence is one.", {
    at: { file, line: 1, column: 1 },
    remedy: "Write: export default defineSequence({ ... }).",
  });
}

function whyNot(file: string, error: unknown): EvoError {
  if (error instanceof EvoError) return error;
  const { message, code, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  const syntax = /^ParseError: (?<what>.*?)\s*\n\s*(?<place>\S[^\n]*):(?<line>\d+):(?<column>\d+)\s*$/s.exec(
    message,
  )?.groups;
  if (syntax !== undefined) {
    // The parser counts columns from 0.
    const at = { file: syntax.place!, line: Number(syntax.line), column: Number(syntax.column) + 1 };
    return new EvoError("sequence.syntax", `Syntax error: ${syntax.what!.trim()}.`, {
      at,
      remedy: "Correct the syntax.",
      cause: error,
    });
  }
  if (code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND")
    return notFound(file, message, stack ?? "", error);
  const absent = /^\(0 , _evo\.(\w+)\) is not a function$/.exec(message)?.[1];
  if (absent !== undefined) return withoutExport(absent, frameIn(stack ?? "") ?? { file }, error);
  return new EvoError("sequence.threw", `The module threw while it was loaded: ${message}`, {
    at: frameIn(stack ?? "") ?? { file },
    remedy: "Correct what throws; a sequence module only describes, it does nothing.",
    cause: error,
  });
}

function withoutExport(name: string, at: SourceLocation, cause: unknown): EvoError {
  const known = Object.keys(authoring);
  const remedy = `Use one of: ${known.join(", ")}.`;
  return new EvoError("sequence.import", `evo exports no "${name}".${didYouMean(name, known)}`, { at, remedy, cause });
}

function notFound(file: string, message: string, stack: string, cause: unknown): EvoError {
  const specifier = /'([^']+)'/.exec(message)?.[1] ?? "";
  const importer = /Require stack:\n- (.+)/.exec(message)?.[1] ?? frameIn(stack)?.file ?? file;
  const local = /^[./]/.test(specifier);
  return new EvoError("sequence.import", `Cannot find the module "${specifier}".`, {
    at: importOf(importer, specifier),
    remedy: local ? "Correct the path." : `Install it next to the sequence: npm install ${specifier}.`,
    cause,
  });
}

function importOf(file: string, specifier: string): SourceLocation {
  try {
    const text = readFileSync(file, "utf8");
    const offset = ['"', "'"].map((quote) => text.indexOf(quote + specifier + quote)).find((found) => found >= 0);
    return offset === undefined ? { file } : locationOf(file, text, offset);
  } catch {
    return { file };
  }
}

const OURS = dirname(fileURLToPath(import.meta.url));

/** The first frame in the author's code, not in evo's, the loader's or Node's; transpiling keeps lines, but no columns. */
function frameIn(stack: string): SourceLocation | undefined {
  const foreign = (line: string) => line.includes(OURS) || /node:|[\\/]jiti[\\/]dist[\\/]/.test(line);
  const theirs = stack.split("\n").filter((line) => !foreign(line));
  const frame = firstFrame(theirs.join("\n"));
  return frame?.line === undefined ? frame : { file: frame.file, line: frame.line };
}
