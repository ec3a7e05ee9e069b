/** What the executor needs to know, and what it offers beside the port. */
import type { Drifted } from "../departures/drift.js";
import type { BackendView, Changed, StackId } from "../departures/model.js";
import type { Value } from "../gates/model.js";
import type { StepNode } from "../plan/model.js";
import type { ChangeSet } from "../run/events.js";
import type { OperationRequest } from "../run/ports.js";
import type { EngineSettings } from "./operation/order.js";
import type { Twin } from "./stack/twins.js";
import type { ChangeQuestion } from "./stack/view.js";

export interface StandIn {
  /** Absolute. */
  readonly directory: string;
  /** Whether all its stacks have one passphrase, and may have one salt. */
  readonly onePassphrase: boolean;
  /** The settings file of a stack (`<project>/<stack>`), as the rehearsal takes it. */
  transform(text: string, stack: string): string;
}

export interface ExecutorSettings {
  readonly engine: EngineSettings;
  /** evo's own directory (`EVO_HOME`). */
  readonly home: string;
  /** The complete, already curated environment of engine processes. */
  readonly env: { readonly [name: string]: string };
  /** Rehearsals: settings files are copied here, changed by `transform`, and the project's own are never written. */
  readonly standIn?: StandIn;
  /** Hears what takes time. */
  say?(line: string): void;
  /**
   * Looks up a step's reference. Without it literals and `$env` (from `env`) are known; `$output` is an error.
   */
  resolve?(value: Value, request: OperationRequest): Promise<string>;
}

export interface StackOutput {
  readonly value: unknown;
  /** The engine marks it, or a part of it, as secret. */
  readonly secret: boolean;
}

export interface StackMaker {
  /** Makes the stack, where its step would and a file backend has none yet. Error: `stack.make`. */
  make(node: StepNode, root: string): Promise<void>;
}

export interface ExecutorReads {
  /** A stack's outputs in plain text, in memory only. Errors: `stack.missing`, `stack.outputs`. */
  outputs(node: StepNode, root: string): Promise<{ readonly [name: string]: StackOutput }>;
  /**
   * What a refresh would change: the difference between the live system and the state. Takes no lock of the stack where
   * the backend is a file. Errors: `stack.refresh`, `stack.changed-meanwhile`.
   */
  refreshPreview(node: StepNode, root: string, signal: AbortSignal): Promise<ChangeSet>;
  /**
   * Where the stack is, and what its backend shows of it: updates only behind the given position. Throws where the
   * backend can't be asked.
   */
  view(node: StepNode, root: string, after?: string): Promise<BackendView>;
  /** The stack's identity, without looking at its program. Errors: as `identify`, but for a missing stack. */
  locate(node: StepNode, root: string): StackId;
  /** Which resources a change touched; undefined where the backend doesn't keep what was there before. */
  changed(node: StepNode, root: string, change: ChangeQuestion): readonly Changed[] | undefined;
  /** What differs between the live system and the checkpoint. Errors: as `refreshPreview`. */
  drift(node: StepNode, root: string, signal: AbortSignal): Promise<readonly Drifted[]>;
  /** Where else these resources of the stack are held: by type and id, in the same file backend. */
  twins(node: StepNode, root: string, urns: readonly string[]): readonly Twin[];
}
