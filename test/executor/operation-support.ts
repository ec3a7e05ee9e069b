/** What the tests of operations share: a project whose program can be switched, and steps on it. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createExecutor, type HostLauncher } from "../../src/executor/index.js";
import { type JournalLine, readJournal } from "../../src/executor/operation/journal.js";
import type { StepNode, StepOptions, StepVerb } from "../../src/plan/model.js";
import type { OperationOutcome, OperationReport, OperationRequest } from "../../src/run/ports.js";
import type { Bench } from "../support/engine.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export type Previewed = OperationReport & { kind: "previewed" };
export type Executing = ReturnType<typeof createExecutor>;

export interface Playground {
  readonly executor: Executing;
  readonly root: string;
  /** File in which the program's provider notes its effects. */
  readonly effectsFile: string;
  effects(): readonly string[];
  node(options?: StepOptions, verb?: StepVerb): StepNode;
  request(name: string, node: StepNode): Promise<OperationRequest>;
  directory(request: OperationRequest): string;
  journal(request: OperationRequest): readonly JournalLine[];
  history(): readonly { environment: { [name: string]: string }; result: string }[];
  /** A second executor, as another evo process would have. */
  another(env?: { readonly [name: string]: string }): Executing;
}

export function playground(
  bench: Bench,
  name: string,
  engine = bench.engine.path,
  launcher?: HostLauncher,
): Playground {
  const root = join(bench.directory, name);
  const project = join(root, "app");
  cpSync(join(ROOT, "test", "fixtures", "operation", "switch"), project, { recursive: true });
  mkdirSync(join(project, "node_modules", "@pulumi"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules", "@pulumi", "pulumi"), join(project, "node_modules", "@pulumi", "pulumi"));
  const backend = join(root, "backend");
  mkdirSync(backend);
  const effectsFile = join(root, "effects");
  const home = join(root, "evo-home");
  const env = {
    ...(bench.env as { [name: string]: string }),
    PULUMI_BACKEND_URL: `file://${backend}`,
    EFFECTS: effectsFile,
  };
  const settings = {
    engine: { path: engine, version: bench.engine.version },
    home,
    env,
  };
  const executor = createExecutor(settings, launcher);
  const directory = (request: OperationRequest) =>
    join(home, "operations", encodeURIComponent(request.intent.operation));
  return {
    executor,
    root,
    effectsFile,
    effects: () => (existsSync(effectsFile) ? readFileSync(effectsFile, "utf8").trim().split("\n") : []),
    node: (options = {}, verb = "up") => stepNode({ createStack: true, ...options }, verb),
    request: async (operation, node) => {
      const identity = await executor.identify(node, root);
      return {
        intent: { operation, step: node.id, attempt: 1, verb: node.verb, ...identity },
        run: "run-1",
        node,
        root,
      };
    },
    directory,
    journal: (request) => readJournal(directory(request)),
    history: () => historyOf(join(backend, ".pulumi", "history", "switch", "dev")),
    another: (more = {}) => createExecutor({ ...settings, env: { ...env, ...more } }),
  };
}

function stepNode(options: StepOptions, verb: StepVerb): StepNode {
  const common = { ready: [], converged: [], window: 0, boundary: "app", onFailure: "halt" as const };
  return { kind: "step", id: "app", verb, stack: { dir: "app", stack: "dev" }, options, ...common };
}

function historyOf(directory: string) {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => name.endsWith(".history.json"));
  return names.sort().map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")));
}

export interface Followed {
  readonly outcome: OperationOutcome;
  readonly previewed?: Previewed;
}

/** Follows to the end; `answer` is what evo does with the preview. */
export async function follow(
  executor: Executing,
  request: OperationRequest,
  answer: (previewed: Previewed) => Promise<void> = () => executor.accept(request.intent.operation),
): Promise<Followed> {
  let previewed: Previewed | undefined;
  for await (const report of executor.follow(request, new AbortController().signal)) {
    if (report.kind === "previewed") {
      previewed = report;
      await answer(report);
    }
    if (report.kind === "ended") return { outcome: report.outcome, ...(previewed === undefined ? {} : { previewed }) };
  }
  throw new Error("the operation did not end");
}

/** Starts an operation and follows it to its end. */
export async function operate(play: Playground, name: string, node: StepNode): Promise<Followed> {
  const request = await play.request(name, node);
  await play.executor.start(request);
  return follow(play.executor, request);
}
