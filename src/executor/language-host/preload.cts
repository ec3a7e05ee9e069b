/**
 * The first script of a process that was started ahead (spares.ts): loads the program's own SDK, waits on descriptor 3
 * for arguments, output and environment, and then runs the SDK's `cmd/run` as node itself would have: as the main module,
 * with its arguments. Nothing of the user's is loaded before. Right before, it says so: an end without that word means
 * that nothing has run, whatever the exit code.
 */
import fs = require("node:fs");
import nodeModule = require("node:module");
import path = require("node:path");
import compiled = require("./compiled.cjs");
import deferred = require("./deferred.cjs");
import leakStacks = require("./leak-stacks.cjs");

/** What the SDK keeps of a run, made from the environment at first use: it must not be there before that is complete. */
const store = globalThis as { globalStore?: unknown };

/**
 * Older SDKs (3.130 among them) install source-map-support when the program imports them, after ts-node has installed its
 * own: whichever comes last decides the lines in stack traces, and in the positions that the state keeps. So what the
 * import did to stack traces is undone, and the program's own import does it again at its time.
 */
function loadAhead(index: string): void {
  const { emit } = process;
  const { prepareStackTrace } = Error;
  require(index);
  if (process.emit === emit && Error.prepareStackTrace === prepareStackTrace) return;
  process.emit = emit;
  Error.prepareStackTrace = prepareStackTrace;
  const isUndone = (file: string) => file === index || /[\\/]source-map-support[\\/]/.test(file);
  for (const file of Object.keys(require.cache).filter(isUndone)) delete require.cache[file];
}

/**
 * The SDK's first act is to open an inspector session, which looks at every script that is loaded: cheapest while there
 * are few. It is the same session that `cmd/run` waits for later. Older SDKs may keep it elsewhere: they open it then.
 */
async function openInspector(hooks: string): Promise<void> {
  if (fs.existsSync(hooks)) await require(hooks).isInitializedAsync();
}

/** The descriptors that are free again are the ones that are given out next. */
function directOutput(output: string[]): void {
  for (const [at, path] of output.entries()) {
    fs.closeSync(at + 1);
    fs.openSync(path, "a");
  }
}

function begin(): void {
  if (store.globalStore !== undefined) process.exit(1);
  const message = fs.readFileSync(3, "utf8");
  if (message === "") process.exit(1);
  const { argv, env, output } = JSON.parse(message) as { argv: string[]; env: NodeJS.ProcessEnv; output: string[] };
  directOutput(output);
  process.argv = [process.argv[0] as string, ...argv];
  Object.assign(process.env, env);
  fs.writeSync(3, "running");
  fs.closeSync(3);
  (nodeModule as unknown as { runMain(): void }).runMain();
}

/** What `cmd/run` loads before it comes to the program, as far as that does nothing. */
function loadRun(run: string): void {
  if (fs.existsSync(path.join(run, "tracing.js"))) require(path.join(run, "tracing.js"));
  require(require.resolve("source-map-support", { paths: [run] }));
}

async function main(runPath: string): Promise<void> {
  const run = path.dirname(runPath);
  const sdk = path.join(run, "..", "..");
  const packages = path.join(sdk, "..", "..");
  const keptCompiled = compiled.keepCompiled(packages);
  const deferredAll = deferred.defer(deferred.TREE, deferred.TRACING, deferred.AUTOMATION);
  await openInspector(path.join(sdk, "runtime", "closure", "v8Hooks.js"));
  loadAhead(path.join(sdk, "index.js"));
  loadRun(run);
  leakStacks.leaveEmpty(sdk);
  deferredAll();
  keptCompiled();
  compiled.keepCompiled(packages, compiled.PROVIDERS);
  // What the program throws is to be an uncaught exception, not a rejection of this function's.
  setImmediate(begin);
}

void main(process.argv[2] as string);
