/** `evo ack`, `evo approve`, `evo reject`, `evo override`: what people answer to the gates of a run. */
import { EvoError } from "../errors.js";
import { acknowledge, approve, askedOf, type GateWord, override, reject, type Said } from "../evo/gate-words.js";
import { withLedger } from "../evo/reading.js";
import { chooseUnfinished } from "../evo/resume.js";
import { readSettings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import type { ApprovalRequest } from "../run/state.js";
import { viewRun } from "../views/status.js";
import { askedFor, describeRequest } from "../views/words.js";
import type { OutputOptions } from "./news.js";
import { print, printJson, say } from "./output.js";

export interface AnswerOptions extends OutputOptions {
  readonly reason: string;
  readonly target?: readonly string[];
  readonly request?: string;
}

/** Says that what a gate asks for is so. */
export async function ack(gate: string, named: string | undefined, options: AnswerOptions): Promise<void> {
  await answer(gate, named, options, async (ledger, word) => {
    const said = await acknowledge(ledger, { ...word, ...targetsOf(options) });
    tell(options, said, "acknowledged");
  });
}

/** Approves what a gate's request shows, or only shows it. */
export async function approveGate(
  gate: string,
  named: string | undefined,
  options: Omit<AnswerOptions, "reason"> & { readonly reason?: string; readonly show?: boolean },
): Promise<void> {
  const { reason } = options;
  if (!options.show && reason === undefined)
    throw new EvoError("usage", "an approval is signed with a reason", { remedy: "add --reason '...', or --show" });
  await answer(gate, named, { ...options, reason: reason ?? "" }, async (ledger, word) => {
    if (options.show) return show(options, await askedOf(ledger, word));
    const approved = await approve(ledger, { ...word, ...requestOf(options) });
    tell(options, approved, "approved", approved.request);
  });
}

/** Refuses it. */
export async function rejectGate(gate: string, named: string | undefined, options: AnswerOptions): Promise<void> {
  await answer(gate, named, options, async (ledger, word) => {
    const rejected = await reject(ledger, { ...word, ...requestOf(options) });
    tell(options, rejected, "rejected", rejected.request);
  });
}

/** Signs for going on without a gate, or without targets of it. */
export async function overrideGate(gate: string, named: string | undefined, options: AnswerOptions): Promise<void> {
  await answer(gate, named, options, async (ledger, word) => {
    const said = await override(ledger, { ...word, ...targetsOf(options) });
    tell(options, said, "overridden for this attempt");
  });
}

async function answer(
  gate: string,
  named: string | undefined,
  { reason }: AnswerOptions,
  speak: (ledger: OpenLedger, word: GateWord) => Promise<void>,
): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  await withLedger(settings, say, async (ledger) =>
    speak(ledger, { run: await chooseUnfinished(ledger, named), gate, reason, claimed: settings.claimed }),
  );
}

function targetsOf({ target }: AnswerOptions): { readonly targets?: readonly string[] } {
  return target === undefined ? {} : { targets: target };
}

function requestOf({ request }: Pick<AnswerOptions, "request">): { readonly request?: number } {
  if (request === undefined) return {};
  if (/^[1-9]\d*$/.test(request)) return { request: Number(request) };
  throw new EvoError("usage", `--request ${request} is no entry's number`, { remedy: "evo status names it" });
}

function tell(options: OutputOptions, { state, gate }: Said, how: string, request?: ApprovalRequest): void {
  if (options.json) {
    printJson(viewRun(state));
    return;
  }
  const stands = state.status === "running" ? "" : `; the run is ${state.status}: evo resume ${state.run}`;
  print([`${gate.id} of ${state.run}: ${how}${stands}`, ...(request === undefined ? [] : shownOf(request))]);
}

function show(options: OutputOptions, { gate, state, request }: Said & { readonly request: ApprovalRequest }): void {
  if (options.json) {
    printJson({ run: state.run, gate: gate.id, request });
    return;
  }
  print([`${gate.id} of ${state.run} asks in entry ${request.entry}:`, ...shownOf(request)]);
}

function shownOf(request: ApprovalRequest): readonly string[] {
  return describeRequest(askedFor(request));
}
