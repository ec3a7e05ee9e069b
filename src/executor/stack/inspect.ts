/**
 * What the backend knows of an operation whose host and engine are gone: its history by our identity, the checkpoint's
 * pending operations, the locks. Looks only; nothing is repaired here (invariant 5).
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { askEngine } from "../operation/engine-process.js";
import type { HostOrder } from "../operation/order.js";
import { type FileStack, readBackendFile } from "./backend.js";

/** What the engine has noted of an update of ours. */
export interface HistoryEntry {
  readonly succeeded: boolean;
  /** Milliseconds since the epoch; the engine notes whole seconds, so this is the end of that second. */
  readonly ended: number;
  readonly began: number;
  readonly counts: { readonly [op: string]: number };
}

interface RawEntry {
  readonly environment?: { readonly [name: string]: string };
  readonly result?: string;
  readonly startTime: number | string;
  readonly endTime: number | string;
  readonly resourceChanges?: { readonly [op: string]: number };
}

interface RawCheckpoint {
  readonly checkpoint?: { readonly latest?: { readonly pending_operations?: readonly RawPending[] } };
  readonly deployment?: { readonly pending_operations?: readonly RawPending[] };
}

interface RawPending {
  readonly type: string;
  readonly resource: { readonly urn: string };
}

/** How many of the newest entries are looked at. */
const NEWEST = 50;

type Question = Pick<HostOrder, "engine" | "env" | "project" | "stackName" | "stack" | "operation">;

/** The update's entry in the engine's history, found by the build number that evo gave it. Throws if it can't look. */
export async function historyEntry(order: Question): Promise<HistoryEntry | undefined> {
  const entries = order.stack.kind === "file" ? fileHistory(order.stack) : await askedHistory(order);
  const own = entries.find((entry) => entry.environment?.["ci.build.number"] === order.operation);
  if (own === undefined) return undefined;
  return {
    succeeded: own.result === "succeeded",
    began: milliseconds(own.startTime),
    ended: milliseconds(own.endTime) + 999,
    counts: own.resourceChanges ?? {},
  };
}

function milliseconds(time: number | string): number {
  return typeof time === "number" ? time * 1000 : Date.parse(time);
}

function fileHistory(stack: FileStack): readonly RawEntry[] {
  if (!existsSync(stack.history)) return [];
  const names = readdirSync(stack.history).filter((name) => /\.history\.json(\.gz)?$/.test(name));
  const newest = names.sort().reverse().slice(0, NEWEST);
  return newest.map((name) => JSON.parse(readBackendFile(join(stack.history, name))) as RawEntry);
}

async function ask(order: Question, args: readonly string[]): Promise<string> {
  const { engine, env, project, stackName } = order;
  const all = [...args, "--stack", stackName, "--non-interactive"];
  const answer = await askEngine({ engine: engine.path, args: all, cwd: project.directory, env });
  if (answer.code !== 0) throw new Error(answer.stderr.trim());
  return answer.stdout;
}

/** Without `--show-secrets`: the entries carry the configuration. */
async function askedHistory(order: Question): Promise<readonly RawEntry[]> {
  return (
    JSON.parse(await ask(order, ["stack", "history", "--json", "--page-size", String(NEWEST), "--page", "1"])) ?? []
  );
}

/** What the engine's checkpoint notes as begun and not ended, one sentence each, with how a person can clear it up. */
export async function pendingOperations(order: Question): Promise<readonly string[]> {
  const text = await checkpointText(order);
  if (text === undefined) return [];
  const raw = JSON.parse(text) as RawCheckpoint;
  const pending = raw.checkpoint?.latest?.pending_operations ?? raw.deployment?.pending_operations ?? [];
  return pending.map(
    (operation) =>
      `the checkpoint has a pending operation: ${operation.type} ${operation.resource.urn}; ${remedy(order, operation)}`,
  );
}

/** A refresh settles everything but creates; of those only a look at the provider tells. Source: pkg/cmd/pulumi/operations/refresh.go. */
function remedy({ stackName }: Question, { type, resource }: RawPending): string {
  const refresh = `pulumi refresh --stack ${stackName}`;
  if (type !== "creating") return `${refresh} settles it`;
  return `if it is there: ${refresh} --import-pending-creates "${resource.urn}" --import-pending-creates <its id>; if it isn't: ${refresh} --clear-pending-creates`;
}

async function checkpointText(order: Question): Promise<string | undefined> {
  const { stack } = order;
  if (stack.kind === "remote") return ask(order, ["stack", "export"]);
  return existsSync(stack.checkpoint) ? readBackendFile(stack.checkpoint) : undefined;
}
