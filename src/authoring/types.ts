/**
 * Type errors of a TypeScript sequence, found by the project's own `typescript` as it is checked nowhere else: evo runs
 * modules without looking at their types. The options are those by which evo loads them, with "evo" being this very evo;
 * the project's tsconfig is for its programs.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Problem } from "../sequence/problems.js";

/** checked: by this version, with what it found. unchecked: why nobody looked. */
export type TypeCheck =
  | { readonly status: "checked"; readonly typescript: string; readonly problems: readonly Problem[] }
  | { readonly status: "unchecked"; readonly reason: string };

const INSTALL = "npm install --save-dev typescript";
/** The oldest version that resolves imports as evo loads them (`moduleResolution: bundler`). */
const OLDEST = 5;
const MOST = 64 * 1024 * 1024;

export interface TypesRequest {
  /** The sequence module; absolute, as all paths. */
  readonly file: string;
  readonly world?: string;
  /** Folders in which a compiler may be found, too: those of the stacks' programs. */
  readonly programs: readonly string[];
}

/** Checks a sequence module and its world, with all that they import. Never throws for want of a compiler. */
export async function checkTypes({ file, world, programs }: TypesRequest): Promise<TypeCheck> {
  const files = [file, ...(world === undefined ? [] : [world])].filter((one) => /^\.[mc]?ts$/.test(extname(one)));
  if (files.length === 0) return { status: "unchecked", reason: `${extname(file)} has no types` };
  const near = [file, ...programs.map((folder) => join(folder, "index.ts"))];
  const compiler = findCompiler(near);
  if (compiler === undefined)
    return { status: "unchecked", reason: `there is no typescript beside the sequence or its programs; ${INSTALL}` };
  const { version, tsc } = compiler;
  if (Number.parseInt(version, 10) < OLDEST)
    return { status: "unchecked", reason: `typescript ${version} is too old, ${OLDEST} is needed; ${INSTALL}@latest` };
  const { code, said } = await compile(tsc, files, options(near));
  const problems = problemsIn(said, dirname(file));
  if (code !== 0 && problems.length === 0)
    return { status: "unchecked", reason: `typescript ${version} failed: ${said.trim().split("\n")[0]}` };
  return { status: "checked", typescript: version, problems };
}

interface Compiler {
  readonly version: string;
  /** Absolute path of its script. */
  readonly tsc: string;
}

/** The sequence's own, else a program's, else one that came with evo. */
function findCompiler(near: readonly string[]): Compiler | undefined {
  const manifest = resolvable("typescript/package.json", near);
  if (manifest === undefined) return undefined;
  const { version, bin } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string; bin?: { tsc?: string } };
  const tsc = resolve(dirname(manifest), bin?.tsc ?? "bin/tsc");
  return existsSync(tsc) ? { version, tsc } : undefined;
}

function resolvable(specifier: string, near: readonly string[]): string | undefined {
  for (const from of [...near, import.meta.url]) {
    try {
      return createRequire(from).resolve(specifier);
    } catch {
      // not from here
    }
  }
  return undefined;
}

async function compile(
  tsc: string,
  files: readonly string[],
  compilerOptions: object,
): Promise<{ code: number; said: string }> {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), "evo-types-")));
  try {
    const config = join(scratch, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ compilerOptions, files }));
    return await run(process.execPath, [tsc, "--project", config, "--pretty", "false"], dirname(files[0] as string));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function options(near: readonly string[]): object {
  // Besides the language there is Node; where nobody describes it, the parts that a browser has in common with it.
  const node = resolvable("@types/node/package.json", near);
  const surroundings =
    node === undefined
      ? { types: [], lib: ["ES2023", "DOM", "DOM.Iterable"] }
      : { types: ["node"], typeRoots: [dirname(dirname(node))], lib: ["ES2023"] };
  return {
    ...surroundings,
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: "ES2022",
    module: "ESNext",
    moduleResolution: "bundler",
    moduleDetection: "force",
    allowImportingTsExtensions: true,
    allowJs: true,
    resolveJsonModule: true,
    paths: { evo: [ownTypes()] },
  };
}

/** The API's declarations, or its sources where evo runs from them. */
function ownTypes(): string {
  const index = fileURLToPath(new URL("../index", import.meta.url));
  return existsSync(`${index}.d.ts`) ? `${index}.d.ts` : `${index}.ts`;
}

function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number; said: string }> {
  return new Promise((done) => {
    execFile(command, args, { cwd, maxBuffer: MOST }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      done({ code, said: stdout + stderr });
    });
  });
}

const DIAGNOSTIC = /^(?<file>.+?)\((?<line>\d+),(?<column>\d+)\): error (?<code>TS\d+): (?<what>.*)$/;

/** What `tsc --pretty false` says, as problems; lines that are indented go on with the one before. */
export function problemsIn(said: string, folder: string): readonly Problem[] {
  const problems: { at: { file: string; line: number; column: number }; code: string; what: string[] }[] = [];
  for (const line of said.split(/\r?\n/)) {
    const found = DIAGNOSTIC.exec(line)?.groups;
    if (found !== undefined) {
      const at = { file: resolve(folder, found.file!), line: Number(found.line), column: Number(found.column) };
      problems.push({ at, code: found.code!, what: [found.what!] });
    } else if (/^\s+\S/.test(line)) problems.at(-1)?.what.push(line.trim());
  }
  return problems.map(({ at, code, what }) => ({
    code: "sequence.type",
    message: `${what.map((one) => one.replace(/\.?$/, ".")).join(" ")} (${code})`,
    remedy: "Correct the types.",
    at,
  }));
}
