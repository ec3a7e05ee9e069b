/**
 * What V8 makes of a script's text, kept beside the packages that the script belongs to, so that the next process need not
 * make it again: for the SDK, TypeScript and a provider's SDK that is half a second of each evaluation. It is for packages
 * only: what is in no `node_modules` is left to Node.
 *
 * Of a text that is not known, or that can't be compiled so, nothing is said: Node does what it always does. A kept form
 * is found by the text's own digest, and V8 refuses what another version of it has made.
 */
import crypto = require("node:crypto");
import fs = require("node:fs");
import nodeModule = require("node:module");
import path = require("node:path");
import v8 = require("node:v8");
import vm = require("node:vm");

type Compile = (this: NodeModule, content: string, filename: string, format?: string) => unknown;

interface Loader {
  readonly prototype: { _compile: Compile };
  readonly _cache: object;
  readonly _extensions: object;
  _resolveFilename(request: string, parent: NodeModule, isMain: boolean, options?: object): string;
  _resolveLookupPaths(request: string, parent: NodeModule): string[] | null;
}

const loader = nodeModule as unknown as Loader;
const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];
/** A form that was kept has forgotten where its dynamic imports lead, so scripts with one are left to Node. */
const IMPORTS = /\bimport\s*\(/;
/** Here it stands in texts and comments only. */
const TYPESCRIPT = /[\\/]typescript[\\/]lib[\\/]typescript\.js$/;

/** Any package's. */
const PACKAGES = /[\\/]node_modules[\\/]/;
/** Providers' SDKs: what they load is much, and registers nothing. */
const PROVIDERS = /[\\/]node_modules[\\/]@pulumi[\\/](?!pulumi[\\/])[^\\/]+[\\/](?!.*[\\/]node_modules[\\/])/;

/**
 * Keeps scripts of packages that are loaded from now on, below this `node_modules`; returns the way back. A script of
 * anybody else is compiled by Node itself, called by Node itself: nothing of ours is in a stack trace of the user's, or in
 * the source positions that the SDK makes of it.
 */
function keepCompiled(packages: string, which = PACKAGES): () => void {
  const directory = ownDirectory(path.join(cacheOf(packages), `compiled-${process.version}-${process.arch}`));
  const own = Object.getOwnPropertyDescriptor(loader.prototype, "_compile");
  if (directory === undefined || own?.value === undefined) return () => undefined;
  const compile = own.value as Compile;
  const kept: Compile = function (content, filename, format) {
    const script = mayBeKept(content, filename, format) ? compiled(directory, content, filename) : undefined;
    return script === undefined ? compile.call(this, content, filename, format) : run(this, script, filename);
  };
  Object.defineProperty(loader.prototype, "_compile", {
    configurable: true,
    enumerable: true,
    get(this: { filename?: string }) {
      return which.test(this.filename ?? "") ? kept : compile;
    },
    // Whoever sets it, for one module or for all, is heard as ever.
    set(value) {
      Object.defineProperty(this, "_compile", { ...own, value });
    },
  });
  return () => Object.defineProperty(loader.prototype, "_compile", own);
}

/** With the packages it goes when they are installed anew; in a checkout of evo it stays. */
function cacheOf(packages: string): string {
  const checkout = path.resolve(__dirname, "..", "..", "..");
  return path.dirname(packages) === checkout ? path.join(checkout, ".evo") : path.join(packages, ".cache", "evo");
}

function mayBeKept(content: string, filename: string, format: string | undefined): boolean {
  if (format !== undefined && format !== "commonjs") return false;
  return TYPESCRIPT.test(filename) || !IMPORTS.test(content);
}

/** Whoever can write there decides what runs: nobody but this user may. */
function ownDirectory(directory: string): string | undefined {
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = fs.statSync(directory);
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? directory : undefined;
  } catch {
    return undefined;
  }
}

function compiled(
  directory: string,
  content: string,
  filename: string,
): ReturnType<typeof vm.compileFunction> | undefined {
  const digest = crypto.createHash("sha256").update(`${v8.cachedDataVersionTag()}\0${filename}\0`).update(content);
  const file = path.join(directory, digest.digest("hex"));
  const kept = read(file);
  try {
    const script = vm.compileFunction(content, PARAMETERS, {
      filename,
      produceCachedData: kept === undefined,
      ...(kept === undefined ? {} : { cachedData: kept }),
    });
    if (kept === undefined && script.cachedData !== undefined) write(file, script.cachedData);
    return script;
  } catch {
    return undefined; // Node says what is wrong with it
  }
}

function read(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Appears at once and whole. */
function write(file: string, data: Buffer): void {
  const draft = `${file}.${process.pid}`;
  try {
    fs.writeFileSync(draft, data, { mode: 0o600 });
    fs.renameSync(draft, file);
  } catch {
    fs.rmSync(draft, { force: true });
  }
}

/** As Node runs a module's function. */
function run(module: NodeModule, script: ReturnType<typeof vm.compileFunction>, filename: string): unknown {
  const resolve = (request: string, options?: object) => loader._resolveFilename(request, module, false, options);
  const require = Object.assign((id: string): unknown => module.require(id), {
    resolve: Object.assign(resolve, { paths: (request: string) => loader._resolveLookupPaths(request, module) }),
    main: process.mainModule,
    extensions: loader._extensions,
    cache: loader._cache,
  });
  return Reflect.apply(script, module.exports, [module.exports, require, module, filename, path.dirname(filename)]);
}

export = { keepCompiled, PROVIDERS };
