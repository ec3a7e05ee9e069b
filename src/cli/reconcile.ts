/** `evo reconcile <departure>` */
import { describeChanges, describeForeseen } from "../authoring/describe-preview.js";
import type { Foreseen } from "../authoring/foresee.js";
import type { Departure } from "../departures/model.js";
import type { Means } from "../departures/reconcile.js";
import { EvoError, EXIT } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { type Prepared, prepare } from "../evo/reconcile/plan.js";
import { stillThere, subjectOf } from "../evo/reconcile/verify.js";
import { accept, demandOpen, type Found, findDeparture, recordReconciled } from "../evo/reconcile/words.js";
import { planFor, rehearsalOf } from "../evo/rehearsal.js";
import { openSession } from "../evo/session.js";
import { readSettings, type Settings } from "../evo/settings.js";
import { start } from "../evo/start.js";
import { stepsOf } from "../run/edges.js";
import type { RunState } from "../run/state.js";
import { loadSequence } from "../sequence/load.js";
import { wrap } from "../views/text.js";
import { openAccount } from "./account.js";
import { type Driven, driveAndTell, finish } from "./drive.js";
import type { OutputOptions } from "./news.js";
import { columns, print, printJson, say, sayAt } from "./output.js";
import { look } from "./preview.js";
import { listenToSignals } from "./signals.js";

export interface ReconcileOptions extends OutputOptions {
  readonly adopt?: boolean;
  readonly revert?: boolean;
  readonly with?: string;
  readonly allowDestroy?: boolean;
  readonly accept?: boolean;
  readonly until?: string;
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly ephemeralLedger?: boolean;
  readonly engine?: string;
}

/** Closes a departure by one of the three ways, or shows what that would do. */
export async function reconcile(id: string, options: ReconcileOptions): Promise<void> {
  const means = meansOf(options);
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const now = Date.now();
  const found = await withLedger(settings, say, (ledger) => findDeparture(ledger, id, now));
  if (means === "accept") return acceptUntil(settings, found, options, now);
  demandOpen(found.departure);
  if (options.with !== undefined) return revertWith(settings, found, options.with, options);
  const { mayDestroy, ...rest } = { mayDestroy: options.allowDestroy === true, reason: options.reason, say: sayAt };
  const ephemeralLedger = options.ephemeralLedger ?? false;
  const prepared = await prepare(settings, { found, means, mayDestroy, ephemeralLedger, ...rest });
  try {
    if (options.dryRun) return await foretell(prepared, options);
    await carryOut(settings, prepared, options);
  } finally {
    await prepared.session.close();
  }
}

/** Exactly one of the three, and with each only what belongs to it. Errors: `usage` (exit 2). */
function meansOf(options: ReconcileOptions): Means | "accept" {
  const [means, ...others] = (["adopt", "revert", "accept"] as const).filter((one) => options[one] === true);
  if (means === undefined || others.length > 0)
    throw new EvoError("usage", "say how: --adopt, --revert, or --accept --until <date>", {
      remedy: "evo reconcile --help",
    });
  const strays = { until: "accept", with: "revert", allowDestroy: "revert" } as const;
  for (const [name, owner] of Object.entries(strays))
    if (options[name as keyof typeof strays] !== undefined && means !== owner)
      throw new EvoError("usage", `--${name.replace("D", "-d")} goes with --${owner}`, {
        remedy: "evo reconcile --help",
      });
  if (means === "accept" && options.until === undefined)
    throw new EvoError("usage", "say until when it is accepted", { remedy: "--until 2027-01-31" });
  return means;
}

async function acceptUntil(settings: Settings, found: Found, options: ReconcileOptions, now: number): Promise<void> {
  const { until = "", reason } = options;
  const { id, summary } = found.departure;
  if (options.dryRun) return print([`${id} would be accepted until ${until}, and be open again then`, `  ${summary}`]);
  const entry = await withLedger(settings, say, (ledger) => accept(ledger, found.departure, { until, reason, now }));
  if (options.json) printJson({ departure: id, entry: entry.number, until: entry.body.until });
  else print(`${id} is accepted until ${String(entry.body.until)} (entry ${entry.number})`);
}

/** What the one step would do, as things stand now. */
async function foretell({ session, subject, reconciling }: Prepared, options: ReconcileOptions): Promise<void> {
  const [node] = stepsOf(subject.plan);
  if (node === undefined) throw new Error("a reconciling plan has one step");
  const changes = await session.executor.preview(node, subject.root, new AbortController().signal);
  const { departure, means, targets } = reconciling;
  if (options.json) return printJson({ departure: departure.id, means, step: node.id, targets, changes });
  const foreseen: Foreseen = { step: node.id, status: "certain", dependsOn: [], changes };
  const only =
    targets === undefined ? "the whole stack" : `only ${targets.map((urn) => urn.split("::").at(-1)).join(", ")}`;
  print(
    [
      `${node.verb} ${node.id} (${node.stack.dir} · ${node.stack.stack}), ${only}: ${describeForeseen(foreseen)}`,
      ...describeChanges(foreseen).map((line) => `    ${line}`),
    ].flatMap((line) => wrap(line, columns(), "      ")),
  );
}

async function carryOut(settings: Settings, { session, subject, reconciling }: Prepared, options: ReconcileOptions) {
  const state = await drive(settings, { session, subject }, options);
  tell(reconciling.departure, state);
}

async function drive(
  settings: Settings,
  { session, subject }: Pick<Prepared, "session" | "subject">,
  options: ReconcileOptions,
): Promise<RunState> {
  const signals = listenToSignals();
  const call = { settings, options };
  try {
    const started = await start(settings, session, subject, {});
    const driven: Driven = { session, started, loaded: subject.loaded };
    const ended = await driveAndTell(driven, call, openAccount({}, settings.env, settings.cwd), signals.control);
    await finish(call, ended);
    return ended.state;
  } finally {
    signals.done();
  }
}

function notReverted({ id }: Departure, { run }: RunState, why: string): void {
  sayAt(`${id} is still open though ${run} has completed: ${why}`);
  process.exitCode = EXIT.departures;
}

function tell({ id }: Departure, { run, status, halt }: RunState): void {
  if (status === "completed") sayAt(`${id} is reconciled by ${run}`);
  else sayAt(`${id} is still open: ${run} is ${status}`);
  if (halt?.cause === "operation-refused") sayAt(`to let it destroy: evo abort ${run}, and then --allow-destroy`);
}

/** Reverts by a sequence that somebody wrote for it: a run like any other, whose completion closes the departure. */
async function revertWith(settings: Settings, found: Found, name: string, options: ReconcileOptions): Promise<void> {
  const { departure } = found;
  const { rehearsal } = departure;
  const loaded = await loadSequence(name, settings.cwd, settings.cache);
  const plan = planFor(loaded.sequence, rehearsal);
  if (options.dryRun) {
    const seen = await look(loaded, plan, {
      rehearse: rehearsal,
      ...(options.engine === undefined ? {} : { engine: options.engine }),
    });
    if (options.json) return printJson({ departure: departure.id, steps: [...seen.values()] });
    return print([...seen.values()].map((one) => `${one.step}: ${describeForeseen(one)}`));
  }
  const mode = rehearsal
    ? { ephemeralLedger: true, rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } }
    : { ephemeralLedger: options.ephemeralLedger ?? false };
  const subject = { plan, root: loaded.root, loaded };
  const session = await openSession(settings, mode, subject, sayAt);
  try {
    const stack = subjectOf(session, subject, departure);
    const state = await drive(settings, { session, subject }, options);
    const why = state.status === "completed" ? await stillThere(session, stack, departure) : undefined;
    if (why !== undefined) return notReverted(departure, state, why);
    if (state.status === "completed") {
      const run = { run: state.run, last: state.last };
      const said = { at: session.clock.now(), how: `reverted with ${name}`, reason: options.reason, run };
      await recordReconciled(session.ledger, departure, said);
    }
    tell(departure, state);
  } finally {
    await session.close();
  }
}
