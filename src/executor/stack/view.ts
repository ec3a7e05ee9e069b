/** What the backend shows of a stack: its history, its checkpoint, who works on it. Looks only, and takes no lock. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../canonical.js";
import type { BackendUpdate, BackendView, Changed } from "../../departures/model.js";
import { createRedactor, secretsInEnvironment } from "../../redact.js";
import { askEngine } from "../operation/engine-process.js";
import type { HostOrder } from "../operation/order.js";
import { checkpointDigest, type FileStack, readBackendFile } from "./backend.js";
import { describeHolder, locksOf } from "./locks.js";
import { compareSnapshots, resourcesIn } from "./snapshot.js";
import { exportDigest } from "./state-digest.js";

export type ViewQuestion = Pick<HostOrder, "engine" | "env" | "project" | "stackName" | "stack">;

/** What is asked about a change: an update by its position, or an edit that led away from a known checkpoint. */
export type ChangeQuestion =
  | { readonly kind: "update"; readonly position: string }
  | { readonly kind: "edit"; readonly from?: string };

/** What may be kept of the surroundings that the engine notes; its environment and configuration are not looked at. */
const NOTED =
  /^(ci\.(system|build\.(id|number|url)|pr\.(number|headSHA))|git\.(head|headName|author|committer|dirty))$/;
/** Updates that the CLI is asked for at a time. */
const PAGE = 50;

interface RawUpdate {
  readonly kind: string;
  readonly result?: string;
  readonly version?: number;
  readonly startTime: number | string;
  readonly endTime?: number | string;
  readonly environment?: { readonly [name: string]: string };
  readonly resourceChanges?: { readonly [op: string]: number };
}

/** The stack as it is now; updates only behind the given position. Throws where the backend can't be asked. */
export async function viewStack(question: ViewQuestion, after: string | undefined): Promise<BackendView> {
  const { stack } = question;
  return stack.kind === "file" ? viewFile(question, stack, after) : viewRemote(question, after);
}

// ---------------------------------------------------------------------------------------------------- file backend

function viewFile(question: ViewQuestion, stack: FileStack, after: string | undefined): BackendView {
  const before = locksOf(stack);
  const checkpoint = checkpointDigest(stack);
  const names = historyNames(stack);
  const updates = names
    .filter((name) => after === undefined || name > after)
    .map((name) => readUpdate(question, stack, name));
  const newest = names.at(-1);
  const left = newest === undefined ? undefined : snapshotText(stack, newest);
  // An update that began or ended meanwhile may have been seen in part.
  const locks = [...before, ...locksOf(stack)].map(describeHolder);
  const moved = checkpointDigest(stack) === checkpoint ? [] : ["it was changed while it was looked at"];
  return {
    exists: checkpoint !== undefined,
    locks: [...new Set([...locks, ...moved])],
    updates,
    ...(checkpoint === undefined ? {} : { checkpoint, ...written(stack) }),
    ...(left === undefined ? unupdated(stack) : { left: left.digest }),
  };
}

function written(stack: FileStack): { readonly written?: number } {
  const file = statSync(stack.checkpoint, { throwIfNoEntry: false });
  return file === undefined ? {} : { written: Math.floor(file.mtimeMs) };
}

/** A stack without a history: one that was only made has no resources. */
function unupdated(stack: FileStack): { readonly resources?: number } {
  if (!existsSync(stack.checkpoint)) return {};
  return { resources: resourcesIn(readBackendFile(stack.checkpoint)).length };
}

const HISTORY = /^(.+)\.history\.json(?:\.gz)?$/;

/** Oldest first: the names carry nanoseconds. */
function historyNames(stack: FileStack): readonly string[] {
  if (!existsSync(stack.history)) return [];
  return readdirSync(stack.history)
    .flatMap((name) => HISTORY.exec(name)?.[1] ?? [])
    .sort();
}

function readUpdate(question: ViewQuestion, stack: FileStack, name: string): BackendUpdate {
  const raw = JSON.parse(readBackendFile(historyFile(stack, name, "history") ?? "")) as RawUpdate;
  return toUpdate(question, raw, name);
}

function historyFile(stack: FileStack, name: string, what: "history" | "checkpoint"): string | undefined {
  const plain = join(stack.history, `${name}.${what}.json`);
  return [plain, `${plain}.gz`].find((path) => existsSync(path));
}

/** The checkpoint as an update left it; the backend may have lost it. */
function snapshotText(stack: FileStack, name: string): { readonly text: string; readonly digest: string } | undefined {
  const file = historyFile(stack, name, "checkpoint");
  if (file === undefined) return undefined;
  return { text: readBackendFile(file), digest: sha256(readFileSync(file)) };
}

// ------------------------------------------------------------------------------------------------- other backends

async function viewRemote(question: ViewQuestion, after: string | undefined): Promise<BackendView> {
  const updates: BackendUpdate[] = [];
  for (let page = 1; ; page++) {
    const raw = await askedPage(question, page);
    if (raw === undefined) return { exists: false, locks: [], updates: [] };
    const found = raw.map((one) => toUpdate(question, one, one.version ? String(one.version) : String(one.startTime)));
    const fresh = found.filter(({ position }) => after === undefined || isLater(position, after));
    updates.unshift(...fresh.reverse());
    if (raw.length < PAGE || fresh.length < raw.length) break;
  }
  return { exists: true, locks: [], updates, checkpoint: await exportDigest(question) };
}

function isLater(position: string, after: string): boolean {
  return position.localeCompare(after, "en", { numeric: true }) > 0;
}

/** Without `--show-secrets`: entries carry the configuration. Undefined: there is no such stack. */
async function askedPage(question: ViewQuestion, page: number): Promise<readonly RawUpdate[] | undefined> {
  const { engine, env, project, stackName } = question;
  const paging = ["--page-size", String(PAGE), "--page", String(page)];
  const args = ["stack", "history", "--json", ...paging, "--stack", stackName, "--non-interactive"];
  const answer = await askEngine({ engine: engine.path, args, cwd: project.directory, env });
  if (answer.code === 0) return (JSON.parse(answer.stdout) as readonly RawUpdate[] | null) ?? [];
  if (/no stack named/i.test(answer.stderr)) return undefined;
  throw new Error(createRedactor(secretsInEnvironment(env)).apply(answer.stderr.trim()));
}

// ------------------------------------------------------------------------------------------------------------ both

function toUpdate({ env }: ViewQuestion, raw: RawUpdate, position: string): BackendUpdate {
  const redact = createRedactor(secretsInEnvironment(env)).apply;
  const noted = Object.entries(raw.environment ?? {}).filter(([name]) => NOTED.test(name));
  return {
    position,
    kind: raw.kind,
    result: raw.result ?? "unknown",
    began: milliseconds(raw.startTime),
    // The engine notes whole seconds: this is the end of that second.
    ended: milliseconds(raw.endTime ?? raw.startTime) + 999,
    noted: Object.fromEntries(noted.map(([name, value]) => [name, redact(value)])),
    counts: raw.resourceChanges ?? {},
  };
}

function milliseconds(time: number | string): number {
  return typeof time === "number" ? time * 1000 : Date.parse(time);
}

/** Which resources a change touched; undefined where the backend doesn't keep what was there before. */
export function changedBy({ stack }: ViewQuestion, change: ChangeQuestion): readonly Changed[] | undefined {
  if (stack.kind !== "file") return undefined;
  const names = historyNames(stack);
  if (change.kind === "update") {
    const at = names.indexOf(change.position);
    const [before, after] = [names[at - 1], names[at]].map((name) => name && snapshotText(stack, name)?.text);
    if (after === undefined || (before === undefined && at > 0)) return undefined;
    return compareSnapshots(before === undefined ? [] : resourcesIn(before), resourcesIn(after));
  }
  const from = names
    .map((name) => snapshotText(stack, name))
    .findLast((snapshot) => snapshot !== undefined && snapshot.digest === change.from);
  if (from === undefined) return undefined;
  const now = existsSync(stack.checkpoint) ? resourcesIn(readBackendFile(stack.checkpoint)) : [];
  return compareSnapshots(resourcesIn(from.text), now);
}
