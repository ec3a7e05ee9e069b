/**
 * Runs as the ledger would have them, told entry by entry with their causes, also those that no evo can bring about yet:
 * overrides, recoveries. Where they are recorded is the caller's choice: in a real ledger, or in memory.
 */
import type { Json, Measurement, Verdict } from "../../../src/gates/model.js";
import type { Plan } from "../../../src/plan/model.js";
import type { Entry, NewEntry } from "../../../src/run/ports.js";
import { gate, lockstep, up } from "../../../src/sequence/builders.js";
import { http } from "../../../src/sequence/probes.js";
import { NO_CHANGES, planOf } from "../../run/machine.js";

/** Records entries; the causes of each are numbers of earlier ones. */
export type Append = (entries: readonly NewEntry[]) => Promise<readonly Entry[]>;

const REGIONS = ["us", "eu"] as const;
const look = (name: string, targets: readonly string[]) =>
  gate(name, { targets, probe: http({ url: "http://localhost/" }), interval: "1s", timeout: "2m" });
const step = (name: string) => up(name, { dir: name, stack: "prod" });

/** identity, then the gateways of two regions in lockstep, then flags. */
export function rollout(name = "role-rollout"): Plan {
  return planOf({
    name,
    owner: "team-access",
    steps: [
      up("identity", { dir: "identity", stack: "prod", convergedWhen: [look("mapping-stands", ["pool"])] }),
      lockstep("gateway", {
        members: REGIONS.map((region) => step(`gateway-${region}`)),
        convergedWhen: [look("policy-arrived", REGIONS)],
      }),
      step("flags"),
    ],
    consistentWhen: [look("same-everywhere", REGIONS)],
  });
}

export const stackOf = (name: string) => `file:///state#organization/${name}/prod`;

export interface Story {
  /** Records one entry of the run and gives its number. */
  say(type: string, body: NewEntry["body"], causes: readonly number[], more?: Partial<NewEntry>): Promise<number>;
  /** `answers`: the run that it is a recovery of. */
  start(causes?: readonly number[], answers?: { readonly [key: string]: Json }): Promise<number>;
  /** An attempt that ends: the number of its outcome. */
  operate(step: string, causes: readonly number[], attempt?: number, fails?: string): Promise<number>;
  measure(gate: string, target: string, verdict: Verdict, causes: readonly number[], step?: string): Promise<number>;
  /** One passing look at each target, and the pass. */
  pass(gate: string, targets: readonly string[], causes: readonly number[], step?: string): Promise<number>;
  open(node: string, causes: readonly number[]): Promise<number>;
  /** The gateways of both regions. */
  gateways(causes: readonly number[]): Promise<readonly number[]>;
  /** From the opened gateway to the end. */
  finish(gateway: number, opened: readonly number[]): Promise<void>;
  /** What a verdict against a gate says of its targets: what was seen last. */
  targets(gate: string, targets: readonly string[]): Json;
  now(): number;
}

const NOON = Date.parse("2026-03-10T12:00:00Z");

/** Begins to tell a run; its clock moves a second an entry. */
export function story(append: Append, run: string, plan: Plan, from = NOON): Story {
  const sequence = plan.sequence.name;
  const operations = new Map<string, string>();
  let at = from;
  let looks = 0;

  const say: Story["say"] = async (type, body, causes, more = {}) => {
    at += 1_000;
    const entry: NewEntry = { type, sequence, run, rehearsal: false, causes, body: { at, ...body }, ...more };
    const [made] = await append([entry]);
    if (made === undefined) throw new Error("nothing was recorded");
    return made.number;
  };
  const proved = (id: string): readonly string[] =>
    plan.nodes
      .flatMap((node) => node.converged)
      .find((candidate) => candidate.id === id)
      ?.proves.flatMap((name) => operations.get(name) ?? []) ?? [...operations.values()];
  const measurement = (verdict: Verdict): Measurement => {
    looks += 1;
    const observed = verdict === "pass" ? { status: 200 } : { status: 403 };
    return { number: looks, began: at + 100, ended: at + 200, verdict, observed, expected: { status: 200 } };
  };
  const lasts = new Map<string, Measurement>();

  const start: Story["start"] = async (causes, answers) => {
    const file = `sequences/${sequence}.ts`;
    const [declared] = await append([
      { type: "sequence.declared", sequence, causes: [], body: { file, digest: plan.sequence.digest, sequence: {} } },
    ]);
    const versions = { evo: "0", node: "20", engine: "3.200.0" };
    const common = { plan, root: "/", file, sources: [], parallel: 2, versions };
    const body = { ...common, ...(answers === undefined ? {} : { answers }) } as unknown as NewEntry["body"];
    return say("run.started", body, [declared?.number ?? 0, ...(causes ?? [])]);
  };
  const operate: Story["operate"] = async (name, causes, attempt = 1, fails) => {
    const operation = `${run}.${name}.${attempt}.up`;
    operations.set(name, operation);
    const place = { step: name, operation, stack: stackOf(name) };
    const source = { path: name, sha256: "" };
    const intent = { operation, step: name, attempt, verb: "up", stack: stackOf(name), source };
    const intended = await say("operation.intended", intent, causes, place);
    const began = at;
    const previewed = await say("operation.previewed", { operation, preview: NO_CHANGES }, [intended], place);
    const ended = at + 1_000;
    return fails === undefined
      ? say("operation.succeeded", { operation, began, ended, changes: NO_CHANGES }, [previewed], place)
      : say("operation.failed", { operation, began, ended, how: "failed", reason: fails }, [previewed], place);
  };
  const measure: Story["measure"] = async (id, target, verdict, causes, node) => {
    const made = measurement(verdict);
    lasts.set(`${id} ${target}`, made);
    const counts = { pass: 1, fail: 0, inconclusive: 0, error: 0 };
    const body = { gate: id, target, operations: proved(id), measurements: [made], counts };
    return say("gate.measured", body as unknown as NewEntry["body"], causes, node === undefined ? {} : { step: node });
  };
  const pass: Story["pass"] = async (id, targets, causes, node) => {
    const seen: number[] = [];
    for (const target of targets) seen.push(await measure(id, target, "pass", causes, node));
    const reports = targets.map((target) => ({
      target,
      converged: true,
      counts: {},
      last: lasts.get(`${id} ${target}`),
    }));
    const body = { gate: id, operations: proved(id), targets: reports, samples: [] };
    return say("gate.passed", body as unknown as NewEntry["body"], seen, node === undefined ? {} : { step: node });
  };
  const open: Story["open"] = (node, causes) => say("boundary.opened", { node }, causes, { step: node });

  return {
    say,
    start,
    operate,
    measure,
    pass,
    open,
    gateways: async (causes) => [await operate("gateway-us", causes), await operate("gateway-eu", causes)],
    finish: async (gateway, opened) => {
      const flags = await operate("flags", [gateway]);
      const last = await open("flags", [flags]);
      const same = await pass("sequence/same-everywhere", REGIONS, [flags]);
      await say("run.completed", {}, [...opened, gateway, last, same]);
    },
    targets: (id, targets) =>
      targets.map((target) => {
        const last = lasts.get(`${id} ${target}`);
        return { target, converged: false, counts: {}, ...(last === undefined ? {} : { last }) };
      }) as unknown as Json,
    now: () => at,
  };
}

/** identity: applied, measured, opened. */
async function identity(told: Story, start: number): Promise<number> {
  const applied = await told.operate("identity", [start]);
  return told.open("identity", [applied, await told.pass("identity/mapping-stands", ["pool"], [applied], "identity")]);
}

async function gateway(told: Story, before: number): Promise<number> {
  const applied = await told.gateways([before]);
  return told.open("gateway", [...applied, await told.pass("gateway/policy-arrived", REGIONS, applied, "gateway")]);
}

/** Everything as declared. */
export async function good(append: Append): Promise<void> {
  const told = story(append, "role-rollout-good", rollout());
  const first = await identity(told, await told.start());
  await told.finish(await gateway(told, first), [first]);
}

/** eu never shows the policy; somebody signs for it that it may go on. `signed` records that word. */
export async function overridden(append: Append, signed: Append = append): Promise<void> {
  const told = story(append, "role-rollout-overridden", rollout());
  const first = await identity(told, await told.start());
  const applied = await told.gateways([first]);
  const place = { step: "gateway" };
  const seen = await told.measure("gateway/policy-arrived", "eu", "fail", applied, "gateway");
  const verdict = {
    gate: "gateway/policy-arrived",
    reason: "eu: 403, expected 200",
    timedOut: true,
    targets: told.targets("gateway/policy-arrived", REGIONS),
  };
  const against = await told.say("gate.inconclusive", verdict, applied, place);
  const held = await told.say(
    "run.held",
    { node: "gateway", gate: "gateway/policy-arrived", reason: "eu: 403, expected 200" },
    [against],
    place,
  );
  const [word] = await signed([
    {
      type: "gate.overridden",
      run: "role-rollout-overridden",
      sequence: "role-rollout",
      step: "gateway",
      causes: [held, seen],
      body: {
        at: told.now(),
        gate: "gateway/policy-arrived",
        overrode: told.targets("gateway/policy-arrived", REGIONS),
        reason: "eu serves nobody this week, INC-7",
      },
    },
  ]);
  await told.finish(await told.open("gateway", [...applied, word?.number ?? 0]), [first]);
}

/** identity was pushed by hand before its step; somebody reconciles it and the run goes on. */
export async function early(append: Append): Promise<void> {
  const told = story(append, "role-rollout-early", rollout());
  const start = await told.start();
  const about = { stack: stackOf("identity"), step: "identity" };
  const summary = "out of sequence: identity was changed before step 1 by jo@laptop: update, update role (mapping)";
  const origin = { by: "jo@laptop", from: "a laptop", noted: {} };
  const body = { id: "d-4f1c", kind: "update", place: "early", rule: "halt", summary, origin };
  const found = await told.say("departure.detected", body, [start], about);
  const halted = await told.say("run.halted", { cause: "departed", node: "identity", reason: summary }, [found]);
  const closed = await told.say(
    "departure.reconciled",
    { id: "d-4f1c", how: "adopted", reason: "it is what we wanted" },
    [found],
    about,
  );
  const resumed = await told.say("run.resumed", { reason: "reconciled", acceptChangedCode: false }, [halted, closed]);
  const first = await identity(told, resumed);
  await told.finish(await gateway(told, first), [first]);
}

/** The flag's update fails once; somebody mends the cause and resumes. */
export async function recovered(append: Append): Promise<void> {
  const told = story(append, "role-rollout-recovered", rollout());
  const first = await identity(told, await told.start());
  const opened = await gateway(told, first);
  const failed = await told.operate("flags", [opened], 1, "quota exceeded\n  at create");
  const halted = await told.say("run.halted", { cause: "operation-failed", node: "flags", reason: "quota exceeded" }, [
    failed,
  ]);
  const resumed = await told.say("run.resumed", { reason: "quota was raised", acceptChangedCode: true }, [halted]);
  const flags = await told.operate("flags", [failed, resumed], 2);
  const last = await told.open("flags", [flags]);
  const same = await told.pass("sequence/same-everywhere", REGIONS, [flags]);
  await told.say("run.completed", {}, [first, opened, last, same]);
}

/** The gateway's gate fails for good; another sequence answers, and the run is given up. */
export async function answered(append: Append): Promise<void> {
  const told = story(append, "role-rollout-answered", rollout());
  const first = await identity(told, await told.start());
  const applied = await told.gateways([first]);
  await told.measure("gateway/policy-arrived", "eu", "fail", applied, "gateway");
  const verdict = {
    gate: "gateway/policy-arrived",
    reason: "eu: 403, expected 200",
    timedOut: false,
    targets: told.targets("gateway/policy-arrived", REGIONS),
  };
  const against = await told.say("gate.failed", verdict, applied, { step: "gateway" });
  const halt = { cause: "gate-failed", node: "gateway", reason: "eu: 403, expected 200" };
  const halted = await told.say("run.halted", halt, [against]);
  const answer = story(append, "role-rollback-1", rollout("role-rollback"));
  await answer.start([halted]);
  await told.say("run.aborted", { reason: "answered by role-rollback-1" }, [halted]);
}

/** The gateway never shows its policy in eu: the rule's recovery reverses it, in an order of its own, and ends the run. */
export async function restored(append: Append): Promise<void> {
  const told = story(append, "role-rollout-restored", rollout());
  const first = await identity(told, await told.start());
  const applied = await told.gateways([first]);
  await told.measure("gateway/policy-arrived", "eu", "fail", applied, "gateway");
  const verdict = {
    gate: "gateway/policy-arrived",
    reason: "eu: 403, expected 200",
    timedOut: false,
    targets: told.targets("gateway/policy-arrived", REGIONS),
  };
  const against = await told.say("gate.failed", verdict, applied, { step: "gateway" });
  const recovery = { rule: "gateway-back", sequence: "sequences/role-rollback.ts", start: "at-once" };
  const halt = { cause: "gate-failed", node: "gateway", reason: "eu: 403, expected 200", recovery };
  const halted = await told.say("run.halted", halt, [against]);
  const back = story(append, "role-rollback-restored", rollback(), told.now());
  const answers = { run: "role-rollout-restored", sequence: "role-rollout", rule: "gateway-back" };
  const start = await back.start([halted], answers);
  const begun = { recovery: "role-rollback-restored", sequence: "role-rollback", rule: "gateway-back" };
  await told.say("recovery.started", begun, [start, halted]);
  const reversed = await back.gateways([start]);
  const old = await back.pass("gateway/policy-gone", REGIONS, reversed, "gateway");
  const opened = await back.open("gateway", [...reversed, old]);
  const mapping = await back.operate("identity", [opened]);
  const last = await back.open("identity", [mapping]);
  const same = await back.pass("sequence/same-everywhere", REGIONS, [mapping]);
  const completed = await back.say("run.completed", {}, [opened, last, same]);
  await told.say("run.recovered", { recovery: "role-rollback-restored" }, [completed]);
}

/** Backwards: the gateways of both regions in lockstep, then identity. */
function rollback(): Plan {
  return planOf({
    name: "role-rollback",
    owner: "team-access",
    steps: [
      lockstep("gateway", {
        members: REGIONS.map((region) => step(`gateway-${region}`)),
        convergedWhen: [look("policy-gone", REGIONS)],
      }),
      step("identity"),
    ],
    consistentWhen: [look("same-everywhere", REGIONS)],
  });
}
